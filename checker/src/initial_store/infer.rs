//! Infers the initial store of a recording that does not name it, as far as answers show it.
//!
//! The first answer alone proves that the store was not fresh. It names a revision that the writes
//! called until then cannot have made, and that lies more than [`FEW`] above them. A smaller gap
//! rather means that a fresh store broke a guarantee, or that the recording lost records; a
//! recorder that knows the initial revision can name it. The recording then starts at the **base**,
//! the lowest revision that its answers leave room for. Any other start that fits has an order
//! through the store at the base, so nothing is lost.
//!
//! The first observation of each key counts. If an answer shows the key with a `mod_revision` up to
//! the base, the key existed with exactly this version. If a later answer shows it with a
//! `create_revision` up to the base, or a deletion or a condition found it before any put, the key
//! existed, and its other fields are made up to fit: no answer showed them before they were
//! overwritten. Every other key did not exist.
//!
//! An order from such a store proves the recording right, since the store may have held just that.
//! A contradiction proves it wrong only if it cannot lie in made-up fields: see
//! [`InferredStore::proves`]. Otherwise the verdict is unknown.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{
    Blob, Compare, CompareResult, Event, EventType, History, KeyValue, Operand, PlainOp,
    PutRequest, Record, Request, Response, ResponseOp, Role, TxnRequest, TxnResponse, role,
};
use crate::linearizability::observations::{self, Observation};
use crate::linearizability::ops::Ops;
use crate::linearizability::{About, JudgedRange};
use crate::model::Store;
use crate::streams::{Streams, Watcher, streams};

/// A gap of at most so many revisions does not prove a past.
const FEW: i64 = 8;

/// The basis of the inference.
#[derive(Debug, Default)]
pub(crate) struct InferredStore {
    /// Keys that an answer showed in their initial version.
    shown: BTreeSet<Blob>,
    /// The revision of the first answered put of each key.
    put: BTreeMap<Blob, i64>,
}

impl InferredStore {
    /// Whether a contradiction holds for every initial store. It does for a key whose initial
    /// version an answer showed. It does for a key put since the start, except in fields counted
    /// from the key's creation.
    pub(crate) fn proves(&self, about: Option<&About>) -> bool {
        let Some(About { key, field, revision }) = about else { return false };
        let counts = field.ends_with("version") || field.ends_with("create_revision");
        let put = self.put.get(key).is_some_and(|put| put < revision);
        self.shown.contains(key) || put && !counts
    }
}

/// The base, if the first answer proves that the store was not fresh.
pub(crate) fn past<'a>(records: impl Iterator<Item = &'a Record> + Clone) -> Option<i64> {
    let slots = records.clone().filter_map(|record| match role(record) {
        Role::Mutator(revision) => Some((record, revision, revision.saturating_sub(1))),
        Role::Observer(revision) => Some((record, revision, revision)),
        _ => None,
    });
    let (first, revision, _) = slots.clone().min_by_key(|slot| (slot.0.return_ns, slot.0.id))?;
    let writes = |record: &&Record| {
        matches!(role(record), Role::Mutator(_) | Role::Unknown)
            && Some(record.call_ns) <= first.return_ns
    };
    let most = 1 + records.filter(writes).count() as i64;
    let lowest = slots.map(|slot| slot.2).min()?;
    (revision.saturating_sub(most) > FEW && lowest > 1).then_some(lowest)
}

/// The initial store, if the recording proves that it was not fresh.
pub(super) fn infer(history: &History) -> Option<(Store, InferredStore)> {
    let base = past(history.records.iter())?;
    let Ok(ops) = Ops::new(history, &[], &JudgedRange::whole(base)) else {
        return Some((Store::starting_at(base, &[]), InferredStore::default()));
    };
    let mut keys: BTreeMap<&Blob, Known<'_>> = BTreeMap::new();
    // Reads of revisions before the base say nothing about the store at the base.
    observations::each(&ops, |source, sight| match sight {
        Observation::There { kv, keys_only, at } if at >= base => {
            keys.entry(&kv.key).or_default().there(kv, keys_only, base);
        }
        Observation::Absent { key, at } if at >= base => keys.entry(key).or_default().absent(at),
        Observation::Put { key } => keys.entry(key).or_default().put(source.revision),
        Observation::There { .. } | Observation::Absent { .. } | Observation::Deleted { .. } => {}
    });
    for (revision, place) in ops.made() {
        conditions(ops.record(place), revision - 1, base, &mut keys);
    }
    for (revision, place) in ops.observers.all() {
        conditions(ops.record(*place), *revision, base, &mut keys);
    }
    for (revision, place) in ops.locals.all() {
        let record = ops.record(*place);
        if let (Request::Range(request), Some(Response::Range(answer))) =
            (&record.request, &record.response)
            && *revision >= base
            && request.revision <= 0
            && !request.keys_only
        {
            for kv in &answer.kvs {
                keys.entry(&kv.key).or_default().told(kv, base);
            }
        }
    }
    let streams: Streams<'_> = streams(&history.records);
    for (_, event) in streams.watchers.iter().flat_map(Watcher::events) {
        heard(event, base, &mut keys);
    }
    let mut inferred = InferredStore::default();
    let mut kvs = Vec::new();
    for (key, known) in keys {
        if known.shown.is_some_and(|(_, keys_only)| !keys_only) {
            inferred.shown.insert(key.clone());
        }
        if let (Some(first), false) = (known.puts.iter().min(), known.kept) {
            inferred.put.insert(key.clone(), *first);
        }
        kvs.extend(known.before(key, base));
    }
    Some((Store::starting_at(base, &kvs), inferred))
}

/// The evidence about one key.
#[derive(Debug, Default)]
struct Known<'a> {
    /// The initial version, and whether it lacks the value.
    shown: Option<(&'a KeyValue, bool)>,
    /// The initial version as a watcher or a member's own store showed it.
    told: Option<&'a KeyValue>,
    /// The first later version of a key that was created before the base.
    grown: Option<&'a KeyValue>,
    /// The revision of the first evidence that the key existed.
    there: Option<i64>,
    /// The `mod_revision` at that point, if a condition names it.
    written: Option<i64>,
    absent: Option<i64>,
    puts: Vec<i64>,
    /// Revisions that did not write or create the key.
    denied: BTreeSet<i64>,
    /// Whether a put kept the initial value or lease.
    kept: bool,
}

impl<'a> Known<'a> {
    fn there(&mut self, kv: &'a KeyValue, keys_only: bool, base: i64) {
        if kv.mod_revision <= base {
            if self.shown.is_none_or(|(_, lacks)| lacks && !keys_only) {
                self.shown = Some((kv, keys_only));
            }
        } else if (1..=base).contains(&kv.create_revision) {
            self.grows(kv);
        }
    }

    fn told(&mut self, kv: &'a KeyValue, base: i64) {
        if kv.mod_revision <= base {
            self.told.get_or_insert(kv);
        } else if (1..=base).contains(&kv.create_revision) {
            self.grows(kv);
        }
    }

    fn grows(&mut self, kv: &'a KeyValue) {
        if self.grown.is_none_or(|before| kv.mod_revision < before.mod_revision) {
            self.grown = Some(kv);
        }
    }

    fn absent(&mut self, at: i64) {
        self.absent = Some(self.absent.map_or(at, |before| before.min(at)));
    }

    fn put(&mut self, revision: i64) {
        self.puts.push(revision);
    }

    fn found(&mut self, at: i64, written: Option<i64>) {
        if self.there.is_none_or(|before| at < before) {
            self.there = Some(at);
            self.written = written;
        }
    }

    /// The key's initial version, if the key existed.
    fn before(&self, key: &Blob, base: i64) -> Option<KeyValue> {
        if let Some((kv, lacks)) = self.shown {
            let same = self.told.filter(|told| lacks && told.mod_revision == kv.mod_revision);
            return Some(same.unwrap_or(kv).clone());
        }
        if let Some(kv) = self.told {
            return Some(kv.clone());
        }
        let mut made_up = (1..=base).rev().filter(|revision| !self.denied.contains(revision));
        let made_up = self.written.or(made_up.next()).unwrap_or(base);
        let blank = KeyValue {
            key: key.clone(),
            create_revision: made_up,
            mod_revision: made_up,
            version: 1,
            ..KeyValue::default()
        };
        if let Some(kv) = self.grown {
            let since = self.puts.iter().filter(|put| **put <= kv.mod_revision).count() as i64;
            let create_revision = kv.create_revision;
            let mod_revision = made_up.max(create_revision);
            let version = kv.version.saturating_sub(since).max(1);
            // A put may have kept value and lease.
            let (value, lease) = (kv.value.clone(), kv.lease);
            let grown = KeyValue { value, version, lease, ..blank };
            return Some(KeyValue { create_revision, mod_revision, ..grown });
        }
        let there = self.there?;
        let earlier = |at: i64| at < there;
        let made = self.puts.iter().any(|put| *put <= there) || self.absent.is_some_and(earlier);
        (!made).then_some(blank)
    }
}

/// Collects what deletions found, and what conditions show of single keys.
fn conditions<'a>(
    record: &'a Record,
    at: i64,
    base: i64,
    keys: &mut BTreeMap<&'a Blob, Known<'a>>,
) {
    match (&record.request, &record.response) {
        (Request::DeleteRange(delete), Some(Response::DeleteRange(answer)))
            if delete.range_end.is_empty() && answer.deleted > 0 =>
        {
            keys.entry(&delete.key).or_default().found(at, None);
        }
        (Request::Put(put), Some(Response::Put(_))) => keeps(put, at, keys),
        (Request::Txn(txn), Some(Response::Txn(answer))) => {
            let denies = !answer.succeeded && txn.compare.len() == 1;
            for compare in txn.compare.iter().filter(|compare| compare.range_end.is_empty()) {
                let known = keys.entry(&compare.key).or_default();
                match shows(compare, answer.succeeded, denies) {
                    Shows::There => known.found(at, None),
                    Shows::WrittenBy(revision) => {
                        known.found(at, Some(revision).filter(|at| (1..=base).contains(at)));
                    }
                    Shows::Nothing => {}
                }
                if let (Operand::ModRevision(not) | Operand::CreateRevision(not), true) =
                    (&compare.operand, denies)
                {
                    known.denied.insert(*not);
                }
            }
            finds(txn, answer, at, keys);
        }
        _ => {}
    }
}

/// Collects what the operations of a transaction find, without keys that the transaction itself
/// wrote before.
fn finds<'a>(
    txn: &'a TxnRequest,
    answer: &TxnResponse,
    at: i64,
    keys: &mut BTreeMap<&'a Blob, Known<'a>>,
) {
    let mut own = BTreeSet::new();
    for (op, answer) in txn.answered_ops(answer) {
        match (op, answer) {
            (PlainOp::Put(put), _) if own.insert(&put.key) => keeps(put, at, keys),
            (PlainOp::DeleteRange(delete), ResponseOp::DeleteRange(answer))
                if delete.range_end.is_empty() && answer.deleted > 0 && own.insert(&delete.key) =>
            {
                keys.entry(&delete.key).or_default().found(at, None);
            }
            _ => {}
        }
    }
}

/// A put that keeps value or lease proves that the key exists.
fn keeps<'a>(put: &'a PutRequest, at: i64, keys: &mut BTreeMap<&'a Blob, Known<'a>>) {
    if put.ignore_value || put.ignore_lease {
        let known = keys.entry(&put.key).or_default();
        known.kept = true;
        known.found(at, None);
    }
}

/// What a condition proves about its key.
enum Shows {
    There,
    WrittenBy(i64),
    Nothing,
}

/// What a condition proves about its key; `refused` says that the condition itself did not hold.
fn shows(compare: &Compare, succeeded: bool, refused: bool) -> Shows {
    let equal = compare.result == CompareResult::Equal;
    let number = match compare.operand {
        Operand::Version(number)
        | Operand::CreateRevision(number)
        | Operand::ModRevision(number) => number,
        Operand::Value(_) if succeeded && equal => return Shows::There,
        Operand::Value(_) | Operand::Lease(_) => return Shows::Nothing,
    };
    let holds = succeeded && (equal && number > 0 || compare.result == CompareResult::Greater);
    match compare.operand {
        Operand::ModRevision(number) if holds && equal => Shows::WrittenBy(number),
        _ if holds || refused && equal && number == 0 => Shows::There,
        _ => Shows::Nothing,
    }
}

fn heard<'a>(event: &'a Event, base: i64, keys: &mut BTreeMap<&'a Blob, Known<'a>>) {
    let known = keys.entry(&event.kv.key).or_default();
    if event.kv.mod_revision <= base {
        return;
    }
    match event.kind {
        EventType::Put => known.told(&event.kv, base),
        EventType::Delete => known.found(event.kv.mod_revision - 1, None),
    }
    if let Some(before) = &event.prev_kv {
        known.told(before, base);
    }
}

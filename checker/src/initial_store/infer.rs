//! What the store held before a recording that does not say so, as far as its answers show it.
//!
//! That there was a past is taken from the first answer alone: it names a revision that all writes
//! called until then cannot have made, and that is well beyond them ([`FEW`]): a few revisions that
//! nobody made are rather a fresh store of which something is wrong, or a recording that lost
//! something, than a past, and a recorder that knows better can say so. The recording then starts with the lowest revision that its
//! answers leave room for. (Any other start that fits has an order that goes through the store at
//! that revision, so nothing is lost with it.)
//!
//! Of each key the first sight counts: shown with a revision of that past, it was there as shown.
//! Shown later with a creation in that past, or found by a deletion or a condition before anything
//! was put, it was there, and the rest of it is made up so that it fits: nobody looked at it before
//! it was overwritten. Every other key was not there.
//!
//! An order from such a store proves the recording right, since the store may have held just that.
//! A contradiction proves it wrong only where it cannot lie in what was made up: see
//! [`InferredStore::proves`]. All others are unknown.

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

/// How many revisions that nobody made prove no past.
const FEW: i64 = 8;

/// What was taken from the answers of a recording.
#[derive(Debug, Default)]
pub(crate) struct InferredStore {
    /// Keys that were shown as they were before.
    shown: BTreeSet<Blob>,
    /// The first answered put of each key.
    put: BTreeMap<Blob, i64>,
}

impl InferredStore {
    /// Whether a contradiction of the answers holds for any store before. It does for a key that
    /// was shown as it was; and for one that was put since, but for what counts from its creation.
    pub(crate) fn proves(&self, about: Option<&About>) -> bool {
        let Some(About { key, field, revision }) = about else { return false };
        let counts = field.ends_with("version") || field.ends_with("create_revision");
        let put = self.put.get(key).is_some_and(|put| put < revision);
        self.shown.contains(key) || put && !counts
    }
}

/// The lowest revision that the answers leave room for, if the first of them proves that the store
/// was not fresh.
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

/// The store before a recording that shows that there was one.
pub(super) fn infer(history: &History) -> Option<(Store, InferredStore)> {
    let base = past(history.records.iter())?;
    let Ok(ops) = Ops::new(history, &[], &JudgedRange::whole(base)) else {
        return Some((Store::starting_at(base, &[]), InferredStore::default()));
    };
    let mut keys: BTreeMap<&Blob, Known<'_>> = BTreeMap::new();
    // What was asked of an older past says nothing of the start.
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

/// What is known of one key.
#[derive(Debug, Default)]
struct Known<'a> {
    /// As it was before; whether without its value.
    shown: Option<(&'a KeyValue, bool)>,
    /// What a watcher or a member's own store shows of it, as it was before.
    told: Option<&'a KeyValue>,
    /// The first sight since of what was created before.
    grown: Option<&'a KeyValue>,
    /// The revision of the first sign that it was there.
    there: Option<i64>,
    /// Of the version then, if a condition says so.
    written: Option<i64>,
    absent: Option<i64>,
    puts: Vec<i64>,
    /// Revisions that it was not written or created by.
    denied: BTreeSet<i64>,
    /// Whether a put kept what was there.
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

    /// What it was before the recording, if it was there.
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
            // A put may have kept them.
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

/// What a deletion found, and what conditions show of keys by themselves.
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
            finds((txn, answer), at, keys);
        }
        _ => {}
    }
}

/// What the operations of a transaction find, unless it is their own doing.
fn finds<'a>(
    (txn, answer): (&'a TxnRequest, &TxnResponse),
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

/// A put that keeps a value or a lease finds one.
fn keeps<'a>(put: &'a PutRequest, at: i64, keys: &mut BTreeMap<&'a Blob, Known<'a>>) {
    if put.ignore_value || put.ignore_lease {
        let known = keys.entry(&put.key).or_default();
        known.kept = true;
        known.found(at, None);
    }
}

/// What a condition shows of its key.
enum Shows {
    There,
    WrittenBy(i64),
    Nothing,
}

/// What a condition shows; `refused` if it is the one that did not hold.
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

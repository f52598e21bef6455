//! Indeterminate writes: the keys that each could change, and the keys that its effect depends on.

mod index;
mod spans;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::followed::reservations::Reservations;
use super::ops::Ops;
use crate::history::{Blob, Op, Record, Request, RequestOp, Response};
use crate::model::{KeyIndex, Span};

pub(super) use spans::reads;

/// One indeterminate write.
#[derive(Debug)]
pub(crate) struct IndeterminateWrite<'a> {
    pub(crate) record: &'a Record,
    /// Keys that the write could put or delete, in either branch of a transaction.
    pub(crate) touches: Vec<Span>,
    /// Keys that decide what the write changes.
    pub(crate) depends: Vec<Span>,
    /// The number of the first write with an equal request. A write that was called in time for a
    /// hole was in time for all later holes, so writes with equal requests are interchangeable.
    pub(crate) class: u32,
    /// The first and the last revision that the write can have made, as far as leases and answers
    /// tell.
    pub(crate) within: (i64, i64),
}

/// All indeterminate writes by call, with indexes. The *number* of a write is its index here.
#[derive(Debug, Default)]
pub(crate) struct IndeterminateWrites<'a> {
    pub(crate) writes: Vec<IndeterminateWrite<'a>>,
    /// For each key and value: the writes that could put that value.
    puts: BTreeMap<&'a Blob, BTreeMap<&'a Blob, Vec<u32>>>,
    /// For each key: the writes that could put the key and keep its value.
    keeps: BTreeMap<&'a Blob, Vec<u32>>,
    /// For each key: the writes that could delete the key other than as part of a range.
    deletes: BTreeMap<&'a Blob, Vec<u32>>,
    /// The writes that could delete a range of keys.
    range_deletes: Vec<(Span, u32)>,
    /// The keys that writes name.
    names: KeyIndex,
    of_key: Vec<WritesOfKey>,
    /// The writes that are not plain.
    others: Vec<u32>,
    /// By range of keys, as far as it was looked up: the first write that could change a key of the
    /// range.
    firsts: RefCell<BTreeMap<Span, Option<u32>>>,
    /// The writes that ambiguous revisions of earlier parts may have used.
    pub(in crate::linearizability) reservations: Reservations,
    /// Whether a write can be the end of a lease.
    pub(crate) ends: bool,
}

/// The writes that name one key, by call.
#[derive(Debug, Default)]
struct WritesOfKey {
    plain_puts: Vec<u32>,
    plain_deletes: Vec<u32>,
    /// Every put of the key. A transaction with two such puts counts twice.
    suppliers: Vec<u32>,
    /// The first write that could change the key. Computed on first use.
    first: OnceCell<Option<u32>>,
}

/// The effect of a *plain* write: an indeterminate write of one key whose effect depends on no
/// other key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plain<'a> {
    /// Puts this value over any state of the key.
    Put { key: &'a Blob, value: &'a Blob },
    /// Deletes one key.
    Delete,
    /// The write is not plain.
    No,
}

impl<'a> IndeterminateWrite<'a> {
    pub(crate) fn plain(&self) -> Plain<'a> {
        match &self.record.request {
            // The end of a lease may delete the keys that are attached to it.
            Request::Put(put) if !put.ignore_value && !put.ignore_lease && put.lease == 0 => {
                Plain::Put { key: &put.key, value: &put.value }
            }
            Request::DeleteRange(delete) if delete.range_end.is_empty() => Plain::Delete,
            _ => Plain::No,
        }
    }

    /// The lease to which a put attaches its key, or 0.
    pub(crate) fn lease(&self) -> i64 {
        match &self.record.request {
            Request::Put(put) => put.lease,
            _ => 0,
        }
    }
}

impl<'a> IndeterminateWrites<'a> {
    pub(crate) fn new(ops: &Ops<'a>) -> Self {
        let writes = ops.unknown.iter().map(|place| ops.record(*place));
        let reservations = Reservations::new(&ops.ambiguities, writes);
        let mut all = IndeterminateWrites { reservations, ..IndeterminateWrites::default() };
        let attached = attached(ops);
        let mut classes: BTreeMap<(Op, &Blob, &Blob), Vec<u32>> = BTreeMap::new();
        for (number, place) in ops.unknown.iter().enumerate() {
            let record = ops.record(*place);
            let alike = classes.entry(bucket(&record.request)).or_default();
            // An answered revocation can have made only the revision of its header.
            let only = record.response.as_ref().and_then(Response::header);
            let only = only.map(|header| (header.revision, header.revision));
            let life = match &record.request {
                Request::Put(put) if put.lease != 0 => ops.lives.get(&put.lease).copied(),
                _ => None,
            };
            let within = only.or(life).unwrap_or((i64::MIN, i64::MAX));
            let same = alike
                .iter()
                .find(|other| all.writes[**other as usize].record.request == record.request);
            let reserved = all.reservations.of(number as u32).is_some();
            let class = same.copied().unwrap_or(number as u32);
            if class == number as u32 && !reserved {
                alike.push(class);
            }
            let class = if only.is_some() || reserved { number as u32 } else { class };
            let unknown = IndeterminateWrite {
                record,
                touches: Vec::new(),
                depends: Vec::new(),
                class,
                within,
            };
            all.writes.push(unknown);
            if let Request::LeaseRevoke(lease) = &record.request {
                all.enter_revoke(number as u32, lease.id, attached.get(&lease.id));
            }
            all.enter(number as u32, &record.request);
            all.enter_kind(number as u32, &record.request);
        }
        all
    }

    /// Whether an indeterminate transaction may put a key with a lease.
    pub(in crate::linearizability) fn puts_in_txn(&self, lease: i64) -> bool {
        self.writes.iter().any(|write| {
            let request = &write.record.request;
            let puts = || request.lease_puts();
            matches!(request, Request::Txn(_)) && puts().any(|put| put.lease == lease)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.writes.len()
    }

    /// How many writes were called no later than `at`. They have the lowest numbers.
    pub(crate) fn called_by(&self, at: u64) -> usize {
        self.writes.partition_point(|unknown| unknown.record.call_ns <= at)
    }

    /// The writes that could put a key, by call. With a value: the writes that could put that
    /// value.
    pub(crate) fn putters(&self, key: &Blob, value: Option<&Blob>) -> Vec<u32> {
        let mut found: Vec<u32> = self.keeps.get(key).cloned().unwrap_or_default();
        if let Some(values) = self.puts.get(key) {
            match value {
                Some(value) => found.extend(values.get(value).into_iter().flatten()),
                None => found.extend(values.values().flatten()),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The writes that could delete a key, by call.
    pub(crate) fn deleters(&self, key: &Blob) -> Vec<u32> {
        let by_range = self.range_deletes.iter().filter(|(span, _)| span.contains(key));
        let mut found: Vec<u32> = by_range.map(|(_, number)| *number).collect();
        found.extend(self.deletes.get(key).into_iter().flatten());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// How many keys the writes name.
    pub(crate) fn keys(&self) -> u32 {
        self.of_key.len() as u32
    }

    /// The key with a number.
    pub(crate) fn key(&self, key: u32) -> &Blob {
        self.names.key(key)
    }

    /// The number of a key, if a write names the key.
    pub(crate) fn number(&self, key: &[u8]) -> Option<u32> {
        self.names.get(key)
    }

    /// The plain puts of a key, by call.
    pub(crate) fn plain_puts(&self, key: u32) -> &[u32] {
        &self.of_key[key as usize].plain_puts
    }

    /// The plain deletions of a key, by call.
    pub(crate) fn plain_deletes(&self, key: u32) -> &[u32] {
        &self.of_key[key as usize].plain_deletes
    }

    /// Every put of a key, by call. A transaction with two such puts counts twice.
    pub(crate) fn suppliers(&self, key: u32) -> &[u32] {
        &self.of_key[key as usize].suppliers
    }

    /// The writes that are not plain, by call.
    pub(crate) fn others(&self) -> &[u32] {
        &self.others
    }

    /// Whether a write could change a key of the span.
    pub(crate) fn touches(&self, number: u32, span: &Span) -> bool {
        self.writes[number as usize].touches.iter().any(|own| own.overlaps(span))
    }

    /// The earliest call of a write that could change a key of the span.
    pub(crate) fn first_touching(&self, span: &Span) -> Option<u64> {
        let find = || (0..self.writes.len() as u32).find(|number| self.touches(*number, span));
        let first = if let Some(key) = self.names.get(&span.key).filter(|_| span.is_one()) {
            *self.of_key[key as usize].first.get_or_init(find)
        } else {
            let known = self.firsts.borrow().get(span).copied();
            known.unwrap_or_else(|| {
                let first = find();
                self.firsts.borrow_mut().insert(span.clone(), first);
                first
            })
        };
        first.map(|first| self.writes[first as usize].record.call_ns)
    }

    /// Whether a write could delete a range that contains a key.
    pub(crate) fn in_deleted_range(&self, key: &Blob) -> bool {
        self.range_deletes.iter().any(|(span, _)| span.contains(key))
    }
}

/// By lease: the keys that requests put with the lease, and the keys that were attached to it at
/// the start.
fn attached<'a>(ops: &Ops<'a>) -> BTreeMap<i64, BTreeSet<&'a Blob>> {
    let mut attached: BTreeMap<i64, BTreeSet<&Blob>> = BTreeMap::new();
    let ends = ops.unknown.iter().map(|place| &ops.record(*place).request);
    if !ends.into_iter().any(|request| matches!(request, Request::LeaseRevoke(_))) {
        return attached;
    }
    for put in ops.records.iter().flat_map(|record| record.request.lease_puts()) {
        attached.entry(put.lease).or_default().insert(&put.key);
    }
    for (lease, keys) in ops.attached.into_iter().flatten() {
        attached.entry(*lease).or_default().extend(keys);
    }
    attached
}

/// Operation, key and value of a request. Equal requests share them, others mostly do not.
fn bucket(request: &Request) -> (Op, &Blob, &Blob) {
    fn first(op: &RequestOp) -> Option<(&Blob, &Blob)> {
        match op {
            RequestOp::Put(put) => Some((&put.key, &put.value)),
            RequestOp::DeleteRange(delete) => Some((&delete.key, &delete.range_end)),
            RequestOp::Range(_) | RequestOp::Txn(_) => None,
        }
    }
    let names = match request {
        Request::Put(put) => Some((&put.key, &put.value)),
        Request::DeleteRange(delete) => Some((&delete.key, &delete.range_end)),
        Request::Txn(txn) => txn.success.iter().chain(&txn.failure).find_map(first),
        _ => None,
    };
    let (key, value) = names.unwrap_or((Blob::EMPTY, Blob::EMPTY));
    (request.op(), key, value)
}

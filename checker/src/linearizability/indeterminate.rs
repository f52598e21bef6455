//! The writes of unknown outcome: what each could change, and what that would depend on.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::followed::reservations::Reservations;
use super::ops::Ops;
use crate::history::{
    Blob, DeleteRangeRequest, Op, PlainOp, PutRequest, Record, Request, RequestOp, Response,
    TxnPart, TxnRequest,
};
use crate::model::{KeyIndex, Span};

/// One write that perhaps happened.
#[derive(Debug)]
pub(crate) struct IndeterminateWrite<'a> {
    pub(crate) record: &'a Record,
    /// Keys that it could put or delete, whichever way its conditions go.
    pub(crate) touches: Vec<Span>,
    /// Keys on which depends what it changes.
    pub(crate) depends: Vec<Span>,
    /// The first write with the same request. Whatever is available for a revision is so for all
    /// later ones, so equal requests are interchangeable.
    pub(crate) class: u32,
    /// The first and the last revision that it can have made, as far as leases say.
    pub(crate) within: (i64, i64),
}

/// All of them, in the order of their calls, with ways to find them.
#[derive(Debug, Default)]
pub(crate) struct IndeterminateWrites<'a> {
    pub(crate) writes: Vec<IndeterminateWrite<'a>>,
    /// Who could put this value to this key.
    puts: BTreeMap<&'a Blob, BTreeMap<&'a Blob, Vec<u32>>>,
    /// Who could put this key and keep its value.
    keeps: BTreeMap<&'a Blob, Vec<u32>>,
    /// Who could delete this key, by name.
    deletes: BTreeMap<&'a Blob, Vec<u32>>,
    /// Who could delete a whole range.
    range_deletes: Vec<(Span, u32)>,
    /// Every key that a write could put or delete by its name.
    names: KeyIndex,
    of_key: Vec<WritesOfKey>,
    /// All that are not plain.
    others: Vec<u32>,
    /// The first that could touch a span without a number, as far as that was asked.
    firsts: RefCell<BTreeMap<Span, Option<u32>>>,
    /// What earlier parts may have done of them.
    pub(super) reservations: Reservations,
    /// Whether there are ends of leases among them.
    pub(crate) ends: bool,
}

/// The writes that name a key, in the order of their calls.
#[derive(Debug, Default)]
struct WritesOfKey {
    plain_puts: Vec<u32>,
    plain_deletes: Vec<u32>,
    /// Everything that could put it, as often as it could.
    suppliers: Vec<u32>,
    /// The first that could touch it; found when it is first asked for.
    first: OnceCell<Option<u32>>,
}

/// What a write of unknown outcome does, if its effect on a key depends on no other key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plain<'a> {
    /// Puts this value, whatever was there.
    Put { key: &'a Blob, value: &'a Blob },
    /// Deletes one key.
    Delete,
    /// Something else.
    No,
}

impl<'a> IndeterminateWrite<'a> {
    pub(crate) fn plain(&self) -> Plain<'a> {
        match &self.record.request {
            // What hangs on a lease may go with it.
            Request::Put(put) if !put.ignore_value && !put.ignore_lease && put.lease == 0 => {
                Plain::Put { key: &put.key, value: &put.value }
            }
            Request::DeleteRange(delete) if delete.range_end.is_empty() => Plain::Delete,
            _ => Plain::No,
        }
    }

    /// The lease that a put hangs the key on, 0 for none.
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
        let hung = hung(ops);
        let mut classes: BTreeMap<(Op, &Blob, &Blob), Vec<u32>> = BTreeMap::new();
        for (number, place) in ops.unknown.iter().enumerate() {
            let record = ops.record(*place);
            let alike = classes.entry(handle(&record.request)).or_default();
            // An answered revocation has seen the revision that it may have made.
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
            let in_doubt = all.reservations.of(number as u32).is_some();
            let class = same.copied().unwrap_or(number as u32);
            if class == number as u32 && !in_doubt {
                alike.push(class);
            }
            let class = if only.is_some() || in_doubt { number as u32 } else { class };
            let unknown = IndeterminateWrite {
                record,
                touches: Vec::new(),
                depends: Vec::new(),
                class,
                within,
            };
            all.writes.push(unknown);
            if let Request::LeaseRevoke(lease) = &record.request {
                all.enter_revoke(number as u32, lease.id, hung.get(&lease.id));
            }
            all.enter(number as u32, &record.request);
            all.enter_kind(number as u32, &record.request);
        }
        all
    }

    /// Whether a transaction may put a key with a lease.
    pub(super) fn puts_in_txn(&self, lease: i64) -> bool {
        self.writes.iter().any(|write| {
            let request = &write.record.request;
            let puts = || request.lease_puts().into_iter();
            matches!(request, Request::Txn(_)) && puts().any(|put| put.lease == lease)
        })
    }

    fn enter_kind(&mut self, number: u32, request: &Request) {
        match (self.writes[number as usize].plain(), request) {
            (Plain::Put { key, .. }, _) => self.named(key).plain_puts.push(number),
            (Plain::Delete, Request::DeleteRange(delete)) => {
                self.named(&delete.key).plain_deletes.push(number);
            }
            _ => self.others.push(number),
        }
    }

    fn named(&mut self, key: &Blob) -> &mut WritesOfKey {
        let place = self.names.enter(key) as usize;
        if place == self.of_key.len() {
            self.of_key.push(WritesOfKey::default());
        }
        &mut self.of_key[place]
    }

    fn enter(&mut self, number: u32, request: &'a Request) {
        match request {
            Request::Put(put) => self.enter_put(number, put),
            Request::DeleteRange(delete) => self.enter_delete(number, delete),
            Request::Txn(txn) => self.enter_txn(number, txn),
            _ => {}
        }
    }

    /// It deletes what hangs on the lease, and no put with the lease can come after it.
    fn enter_revoke(&mut self, number: u32, lease: i64, keys: Option<&BTreeSet<&'a Blob>>) {
        let own = &mut self.writes[number as usize];
        own.touches.push(end_of(lease));
        own.depends.push(end_of(lease));
        for key in keys.into_iter().flatten() {
            own.touches.push(Span::one(key));
            own.depends.push(Span::one(key));
            self.deletes.entry(key).or_default().push(number);
        }
        for key in keys.into_iter().flatten() {
            self.named(key);
        }
        self.ends = true;
    }

    fn enter_put(&mut self, number: u32, put: &'a PutRequest) {
        let own = &mut self.writes[number as usize];
        own.touches.push(Span::one(&put.key));
        if put.lease != 0 {
            own.depends.push(end_of(put.lease));
        }
        if put.ignore_value || put.ignore_lease {
            own.depends.push(Span::one(&put.key));
        }
        self.named(&put.key).suppliers.push(number);
        if put.ignore_value {
            self.keeps.entry(&put.key).or_default().push(number);
        } else {
            let values = self.puts.entry(&put.key).or_default();
            values.entry(&put.value).or_default().push(number);
        }
    }

    fn enter_delete(&mut self, number: u32, delete: &'a DeleteRangeRequest) {
        let span = Span::new(&delete.key, &delete.range_end);
        let own = &mut self.writes[number as usize];
        own.touches.push(span.clone());
        own.depends.push(span.clone());
        if span.is_one() {
            self.named(&delete.key);
            self.deletes.entry(&delete.key).or_default().push(number);
        } else {
            self.range_deletes.push((span, number));
        }
    }

    fn enter_txn(&mut self, number: u32, txn: &'a TxnRequest) {
        for part in txn.parts() {
            match part {
                TxnPart::Compare(compare) => {
                    let span = Span::new(&compare.key, &compare.range_end);
                    self.writes[number as usize].depends.push(span);
                }
                TxnPart::Op(PlainOp::Range(_)) => {}
                TxnPart::Op(PlainOp::Put(put)) => self.enter_put(number, put),
                TxnPart::Op(PlainOp::DeleteRange(delete)) => self.enter_delete(number, delete),
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.writes.len()
    }

    /// How many were called no later than `at`; they are the first ones.
    pub(crate) fn called_by(&self, at: u64) -> usize {
        self.writes.partition_point(|unknown| unknown.record.call_ns <= at)
    }

    /// Who could have put a key, with a value if that is known; in the order of their calls.
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

    /// Who could have deleted a key.
    pub(crate) fn deleters(&self, key: &Blob) -> Vec<u32> {
        let by_range = self.range_deletes.iter().filter(|(span, _)| span.contains(key));
        let mut found: Vec<u32> = by_range.map(|(_, number)| *number).collect();
        found.extend(self.deletes.get(key).into_iter().flatten());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// How many keys are named by writes.
    pub(crate) fn keys(&self) -> u32 {
        self.of_key.len() as u32
    }

    /// A key by its number.
    pub(crate) fn key(&self, key: u32) -> &Blob {
        self.names.key(key)
    }

    /// The number of a key, if it is named.
    pub(crate) fn number(&self, key: &[u8]) -> Option<u32> {
        self.names.get(key)
    }

    /// The plain puts of a key.
    pub(crate) fn plain_puts(&self, key: u32) -> &[u32] {
        &self.of_key[key as usize].plain_puts
    }

    /// The plain deletions of a key.
    pub(crate) fn plain_deletes(&self, key: u32) -> &[u32] {
        &self.of_key[key as usize].plain_deletes
    }

    /// Everything that could put a key, as often as it could.
    pub(crate) fn suppliers(&self, key: u32) -> &[u32] {
        &self.of_key[key as usize].suppliers
    }

    /// The writes that are not plain.
    pub(crate) fn others(&self) -> &[u32] {
        &self.others
    }

    /// Whether a write could touch a key of the span.
    pub(crate) fn touches(&self, number: u32, span: &Span) -> bool {
        self.writes[number as usize].touches.iter().any(|own| own.overlaps(span))
    }

    /// The earliest call of a write that could touch the span.
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

    /// Whether a write could delete a range in which a key lies.
    pub(crate) fn in_deleted_range(&self, key: &Blob) -> bool {
        self.range_deletes.iter().any(|(span, _)| span.contains(key))
    }
}

/// Stands for the end of a lease among spans of keys: no key has such a name, and if one has, more
/// is held to matter than does.
fn end_of(lease: i64) -> Span {
    let mut name = b"\0the end of lease \0".to_vec();
    name.extend(lease.to_be_bytes());
    Span::one(&Blob::from(name))
}

/// The keys that any request puts with each lease, or that hung on it when the recording began.
fn hung<'a>(ops: &Ops<'a>) -> BTreeMap<i64, BTreeSet<&'a Blob>> {
    let mut hung: BTreeMap<i64, BTreeSet<&Blob>> = BTreeMap::new();
    let ends = ops.unknown.iter().map(|place| &ops.record(*place).request);
    if !ends.into_iter().any(|request| matches!(request, Request::LeaseRevoke(_))) {
        return hung;
    }
    for put in ops.records.iter().flat_map(|record| record.request.lease_puts()) {
        hung.entry(put.lease).or_default().insert(&put.key);
    }
    for (lease, keys) in ops.hanging.into_iter().flatten() {
        hung.entry(*lease).or_default().extend(keys);
    }
    hung
}

/// Something that equal requests have in common, and others mostly not.
fn handle(request: &Request) -> (Op, &Blob, &Blob) {
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

/// Every span of keys on which a request's answer depends.
pub(crate) fn reads(request: &Request) -> Vec<Span> {
    let mut spans = Vec::new();
    if matches!(request, Request::LeaseRevoke(_)) {
        spans.push(Span::everything());
    }
    for part in request.parts() {
        spans.push(match part {
            TxnPart::Compare(compare) => Span::new(&compare.key, &compare.range_end),
            TxnPart::Op(PlainOp::Range(range)) => Span::new(&range.key, &range.range_end),
            TxnPart::Op(PlainOp::Put(put)) => Span::one(&put.key),
            TxnPart::Op(PlainOp::DeleteRange(delete)) => Span::new(&delete.key, &delete.range_end),
        });
        if let TxnPart::Op(PlainOp::Put(put)) = part
            && put.lease != 0
        {
            spans.push(end_of(put.lease));
        }
    }
    spans
}

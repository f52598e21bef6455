//! The writes of unknown outcome: what each could change, and what that would depend on.

use std::collections::BTreeMap;

use super::ops::Ops;
use crate::history::{
    Blob, DeleteRangeRequest, Op, PutRequest, Record, Request, RequestOp, TxnRequest,
};
use crate::model::Span;

/// One write that perhaps happened.
#[derive(Debug)]
pub(crate) struct Unknown<'a> {
    pub(crate) record: &'a Record,
    /// Keys that it could put or delete, whichever way its conditions go.
    pub(crate) touches: Vec<Span>,
    /// Keys on which depends what it changes.
    pub(crate) depends: Vec<Span>,
    /// The first write with the same request. Whatever is available for a revision is so for all
    /// later ones, so equal requests are interchangeable.
    pub(crate) class: u32,
}

/// All of them, in the order of their calls, with ways to find them.
#[derive(Debug, Default)]
pub(crate) struct Unknowns<'a> {
    pub(crate) writes: Vec<Unknown<'a>>,
    /// Who could put this value to this key.
    puts: BTreeMap<&'a Blob, BTreeMap<&'a Blob, Vec<u32>>>,
    /// Who could put this key and keep its value.
    keeps: BTreeMap<&'a Blob, Vec<u32>>,
    /// Who could delete this key, by name.
    deletes: BTreeMap<&'a Blob, Vec<u32>>,
    /// Who could delete a whole range.
    sweeps: Vec<(Span, u32)>,
}

impl<'a> Unknowns<'a> {
    pub(crate) fn new(ops: &Ops<'a>) -> Self {
        let mut all = Unknowns::default();
        let mut classes: BTreeMap<(Op, &Blob, &Blob), Vec<u32>> = BTreeMap::new();
        for (number, place) in ops.unknown.iter().enumerate() {
            let record = ops.record(*place);
            let alike = classes.entry(handle(&record.request)).or_default();
            let same = alike
                .iter()
                .find(|other| all.writes[**other as usize].record.request == record.request);
            let class = same.copied().unwrap_or(number as u32);
            if class == number as u32 {
                alike.push(class);
            }
            let unknown = Unknown { record, touches: Vec::new(), depends: Vec::new(), class };
            all.writes.push(unknown);
            all.enter(number as u32, &record.request);
        }
        all
    }

    fn enter(&mut self, number: u32, request: &'a Request) {
        match request {
            Request::Put(put) => self.enter_put(number, put),
            Request::DeleteRange(delete) => self.enter_delete(number, delete),
            Request::Txn(txn) => self.enter_txn(number, txn),
            _ => {}
        }
    }

    fn enter_put(&mut self, number: u32, put: &'a PutRequest) {
        let own = &mut self.writes[number as usize];
        own.touches.push(Span::one(&put.key));
        if put.ignore_value || put.ignore_lease {
            own.depends.push(Span::one(&put.key));
        }
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
            self.deletes.entry(&delete.key).or_default().push(number);
        } else {
            self.sweeps.push((span, number));
        }
    }

    fn enter_txn(&mut self, number: u32, txn: &'a TxnRequest) {
        let conditions = txn.compare.iter();
        let spans = conditions.map(|compare| Span::new(&compare.key, &compare.range_end));
        self.writes[number as usize].depends.extend(spans);
        for op in txn.success.iter().chain(&txn.failure) {
            match op {
                RequestOp::Range(_) => {}
                RequestOp::Put(put) => self.enter_put(number, put),
                RequestOp::DeleteRange(delete) => self.enter_delete(number, delete),
                RequestOp::Txn(inner) => self.enter_txn(number, inner),
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
        let sweeping = self.sweeps.iter().filter(|(span, _)| span.contains(key));
        let mut found: Vec<u32> = sweeping.map(|(_, number)| *number).collect();
        found.extend(self.deletes.get(key).into_iter().flatten());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a write could touch any of the spans.
    pub(crate) fn touches(&self, number: u32, spans: &[Span]) -> bool {
        let touches = &self.writes[number as usize].touches;
        touches.iter().any(|own| spans.iter().any(|span| own.overlaps(span)))
    }

    /// The earliest call of a write that could touch any of the spans.
    pub(crate) fn first_touching(&self, spans: &[Span]) -> Option<u64> {
        let mut all = 0..self.writes.len() as u32;
        let first = all.find(|number| self.touches(*number, spans))?;
        Some(self.writes[first as usize].record.call_ns)
    }

    /// Every key that a write could put or delete by its name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a Blob> {
        let keys = self.puts.keys().chain(self.keeps.keys());
        keys.chain(self.deletes.keys()).copied()
    }

    /// Whether a write could delete a range in which a key lies.
    pub(crate) fn swept(&self, key: &Blob) -> bool {
        self.sweeps.iter().any(|(span, _)| span.contains(key))
    }
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
    match request {
        Request::Range(range) => spans.push(Span::new(&range.key, &range.range_end)),
        Request::Put(put) => spans.push(Span::one(&put.key)),
        Request::DeleteRange(delete) => spans.push(Span::new(&delete.key, &delete.range_end)),
        Request::Txn(txn) => txn_reads(txn, &mut spans),
        _ => {}
    }
    spans
}

fn txn_reads(txn: &TxnRequest, spans: &mut Vec<Span>) {
    spans.extend(txn.compare.iter().map(|compare| Span::new(&compare.key, &compare.range_end)));
    for op in txn.success.iter().chain(&txn.failure) {
        match op {
            RequestOp::Range(range) => spans.push(Span::new(&range.key, &range.range_end)),
            RequestOp::Put(put) => spans.push(Span::one(&put.key)),
            RequestOp::DeleteRange(delete) => {
                spans.push(Span::new(&delete.key, &delete.range_end));
            }
            RequestOp::Txn(inner) => txn_reads(inner, spans),
        }
    }
}

//! What the answers show of keys that unknown writes could have touched: hard evidence, since an
//! order that contradicts an answer is no order.

use std::collections::BTreeMap;

use super::ops::Ops;
use super::unknown::Unknowns;
use crate::history::{
    Blob, DeleteRangeRequest, DeleteRangeResponse, KeyValue, RangeRequest, RangeResponse, Request,
    RequestOp, Response, ResponseOp, TxnRequest, TxnResponse,
};
use crate::model::{Span, Version};

/// A key was seen with a version of `written`, and still so at `until`.
#[derive(Clone, Copy, Debug)]
struct Fact {
    written: i64,
    until: i64,
    version: i64,
    create: i64,
}

/// Everything known of one key.
#[derive(Debug, Default)]
struct KeyFacts {
    /// By `written`, then `until`.
    seen: Vec<Fact>,
    /// Revisions at which it was seen to be absent.
    absent: Vec<i64>,
    /// Revisions of puts that were answered.
    puts: Vec<i64>,
    /// Revisions of answered requests that could have deleted it.
    deletes: Vec<i64>,
    /// Whether an unknown write could delete it.
    deletable: bool,
}

/// Facts of all keys that matter.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    keys: BTreeMap<&'a Blob, KeyFacts>,
    /// Whether answers say versions and revisions of creation, which lets puts be counted.
    counted: bool,
    /// For revisions without a known write: keys seen with that revision.
    holes: BTreeMap<i64, Vec<Seen<'a>>>,
}

/// A key seen with a revision whose write is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) kv: &'a KeyValue,
    /// Whether the answer left values out.
    pub(crate) keys_only: bool,
    /// In `records`.
    pub(crate) place: u32,
}

/// How well a change of a key at a hole fits what is known of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// A change is still owed before the revision.
    Needed(i64),
    /// Nobody looks.
    Free,
    /// Possible only if the key is deleted later.
    Doubtful,
    /// Contradicts what is known, given the state now.
    Wrong,
    /// Contradicts what is known, whatever the state.
    Never,
}

/// An answer being gathered: whose, at which revision, and whether it made it.
#[derive(Clone, Copy)]
struct Source {
    place: u32,
    revision: i64,
    mutator: bool,
}

impl<'a> Facts<'a> {
    /// Gathers from all answers of the quorum.
    pub(crate) fn gather(ops: &Ops<'a>, unknowns: &Unknowns<'a>) -> Self {
        let counted = ops.recorded.version && ops.recorded.create_revision;
        let mut facts = Facts { counted, ..Facts::default() };
        let made = ops.mutators.iter().enumerate();
        let made = made.filter_map(|(number, place)| {
            place.map(|place| Source { place, revision: number as i64 + 2, mutator: true })
        });
        let seen = ops.observers.iter();
        let seen = seen.map(|&(revision, place)| Source { place, revision, mutator: false });
        for source in made.clone().chain(seen) {
            facts.answer(ops, unknowns, source);
        }
        for source in made {
            facts.deletions(&ops.record(source.place).request, source.revision);
        }
        for key in facts.keys.values_mut() {
            key.seen.sort_by_key(|fact| (fact.written, fact.until));
            key.absent.sort_unstable();
            key.puts.sort_unstable();
            key.deletes.sort_unstable();
        }
        for (key, known) in &mut facts.keys {
            known.deletable = !unknowns.deleters(key).is_empty();
        }
        facts
    }

    fn answer(&mut self, ops: &Ops<'a>, unknowns: &Unknowns<'a>, source: Source) {
        let record = ops.record(source.place);
        let mut gather = Gather { facts: self, ops, unknowns, source };
        match (&record.request, &record.response) {
            (Request::Range(request), Some(Response::Range(answer))) => {
                gather.range(request, answer);
            }
            (Request::Put(put), Some(Response::Put(answer))) => {
                gather.put(&put.key, put.prev_kv, answer.prev_kv.as_ref());
            }
            (Request::DeleteRange(delete), Some(Response::DeleteRange(answer))) => {
                gather.delete(delete, answer);
            }
            (Request::Txn(request), Some(Response::Txn(answer))) => gather.txn(request, answer),
            _ => {}
        }
    }

    /// Notes that a request could have deleted keys of which something is known.
    fn deletions(&mut self, request: &'a Request, revision: i64) {
        match request {
            Request::DeleteRange(delete) => self.deletion(delete, revision),
            Request::Txn(txn) => self.txn_deletions(txn, revision),
            _ => {}
        }
    }

    fn txn_deletions(&mut self, txn: &'a TxnRequest, revision: i64) {
        for op in txn.success.iter().chain(&txn.failure) {
            match op {
                RequestOp::DeleteRange(delete) => self.deletion(delete, revision),
                RequestOp::Txn(inner) => self.txn_deletions(inner, revision),
                RequestOp::Range(_) | RequestOp::Put(_) => {}
            }
        }
    }

    fn deletion(&mut self, delete: &'a DeleteRangeRequest, revision: i64) {
        let span = Span::new(&delete.key, &delete.range_end);
        if span.is_one() {
            if let Some(known) = self.keys.get_mut(&delete.key) {
                known.deletes.push(revision);
            }
            return;
        }
        for (key, known) in &mut self.keys {
            if span.contains(key) {
                known.deletes.push(revision);
            }
        }
    }

    /// Keys seen with the revision of a hole.
    pub(crate) fn at_hole(&self, hole: i64) -> &[Seen<'a>] {
        self.holes.get(&hole).map_or(&[], Vec::as_slice)
    }

    /// How a put of a key at a hole would fit; `now` is the key before it.
    pub(crate) fn fit_put(&self, key: &Blob, hole: i64, now: Option<&Version>) -> Fit {
        let Some(known) = self.keys.get(key) else { return Fit::Free };
        if known.frozen(hole) {
            return Fit::Never;
        }
        let next = known.next(hole);
        let gone = known.absent_after(hole);
        if let Some(gone) = gone.filter(|gone| next.is_none_or(|next| *gone < next.written)) {
            return known.deleted_within(hole, gone);
        }
        let Some(next) = next else { return Fit::Free };
        if !self.counted {
            return if next.written == hole { Fit::Needed(hole) } else { Fit::Free };
        }
        if let Some(now) = now
            && now.create_revision == next.create
        {
            let from = known.puts.partition_point(|put| *put < hole);
            let to = known.puts.partition_point(|put| *put <= next.written);
            let at_next = i64::from(known.puts.binary_search(&next.written).is_err());
            let owed = next.version.saturating_sub(now.version + (to - from) as i64 + at_next);
            let fits = if next.written == hole { owed == 0 } else { owed > 0 };
            return if fits { Fit::Needed(next.written) } else { Fit::Wrong };
        }
        match next.create.cmp(&hole) {
            std::cmp::Ordering::Equal => Fit::Needed(hole),
            std::cmp::Ordering::Greater => known.deleted_within(hole, next.create - 1),
            std::cmp::Ordering::Less => Fit::Wrong,
        }
    }

    /// How a deletion of a key at a hole would fit; `now` is the key before it.
    pub(crate) fn fit_delete(&self, key: &Blob, hole: i64, now: &Version) -> Fit {
        let Some(known) = self.keys.get(key) else { return Fit::Free };
        if known.frozen(hole) {
            return Fit::Never;
        }
        let gone = known.absent_after(hole);
        let next = known.next(hole);
        let by = match (next, gone) {
            (Some(next), Some(gone)) if gone < next.written => Some(gone),
            (Some(_), _) if !self.counted => return Fit::Free,
            (Some(next), _) if next.create == now.create_revision => return Fit::Wrong,
            (Some(next), _) => Some(next.create.saturating_sub(1)),
            (None, gone) => gone,
        };
        match by {
            Some(by) if !known.deletes.iter().any(|at| (hole..=by).contains(at)) => Fit::Needed(by),
            _ => Fit::Free,
        }
    }
}

impl KeyFacts {
    /// Whether the key is known not to have changed at the hole.
    fn frozen(&self, hole: i64) -> bool {
        let before = self.seen.partition_point(|fact| fact.written < hole);
        // Facts of one version lie together, the longest last; of an older version none may reach
        // beyond a newer one, or no order would fit anyway.
        before > 0 && self.seen[before - 1].until >= hole
    }

    fn next(&self, hole: i64) -> Option<Fact> {
        let at = self.seen.partition_point(|fact| fact.written < hole);
        self.seen.get(at).copied()
    }

    fn absent_after(&self, hole: i64) -> Option<i64> {
        let at = self.absent.partition_point(|gone| *gone < hole);
        self.absent.get(at).copied()
    }

    fn deleted_within(&self, after: i64, by: i64) -> Fit {
        let from = self.deletes.partition_point(|delete| *delete <= after);
        if self.deletable || self.deletes.get(from).is_some_and(|delete| *delete <= by) {
            Fit::Doubtful
        } else {
            Fit::Never
        }
    }
}

struct Gather<'f, 'b, 'a> {
    facts: &'f mut Facts<'a>,
    ops: &'b Ops<'a>,
    unknowns: &'b Unknowns<'a>,
    source: Source,
}

impl<'a> Gather<'_, '_, 'a> {
    fn known(&mut self, key: &'a Blob) -> Option<&mut KeyFacts> {
        if !self.facts.keys.contains_key(key) && !self.unknowns.could_touch(key) {
            return None;
        }
        Some(self.facts.keys.entry(key).or_default())
    }

    /// A key was seen at a revision (the answer's own, or a past one that was asked for).
    fn seen(&mut self, kv: &'a KeyValue, keys_only: bool, at: i64) {
        let before = at - i64::from(self.source.mutator);
        let until = if kv.mod_revision == at { at } else { before };
        let fact = Fact {
            written: kv.mod_revision,
            until,
            version: kv.version,
            create: kv.create_revision,
        };
        if let Some(known) = self.known(&kv.key) {
            known.seen.push(fact);
        }
        let hole = kv.mod_revision;
        let is_hole = hole >= 2 && hole <= self.ops.top && self.ops.mutator(hole).is_none();
        if is_hole {
            let seen = Seen { kv, keys_only, place: self.source.place };
            self.facts.holes.entry(hole).or_default().push(seen);
        }
    }

    fn absent(&mut self, key: &'a Blob, at: i64) {
        if let Some(known) = self.known(key) {
            known.absent.push(at);
        }
    }

    fn range(&mut self, request: &'a RangeRequest, answer: &'a RangeResponse) {
        let at = if request.revision > 0 { request.revision } else { self.source.revision };
        for kv in &answer.kvs {
            self.seen(kv, request.keys_only, at);
        }
        if request.range_end.is_empty() && answer.count == 0 && !self.source.mutator {
            self.absent(&request.key, at);
        }
    }

    fn put(&mut self, key: &'a Blob, asked: bool, before: Option<&'a KeyValue>) {
        let revision = self.source.revision;
        if let Some(known) = self.known(key) {
            known.puts.push(revision);
        }
        match before {
            Some(kv) => self.seen(kv, false, revision),
            None if asked => self.absent(key, revision - 1),
            None => {}
        }
    }

    fn delete(&mut self, request: &'a DeleteRangeRequest, answer: &'a DeleteRangeResponse) {
        for kv in &answer.prev_kvs {
            self.seen(kv, false, self.source.revision);
        }
        if request.range_end.is_empty() && answer.deleted == 0 && !self.source.mutator {
            self.absent(&request.key, self.source.revision);
        }
    }

    fn txn(&mut self, request: &'a TxnRequest, answer: &'a TxnResponse) {
        let ops = if answer.succeeded { &request.success } else { &request.failure };
        for (op, answer) in ops.iter().zip(&answer.responses) {
            match (op, answer) {
                (RequestOp::Range(request), ResponseOp::Range(answer)) => {
                    self.range(request, answer);
                }
                (RequestOp::Put(put), ResponseOp::Put(answer)) => {
                    self.put(&put.key, put.prev_kv, answer.prev_kv.as_ref());
                }
                (RequestOp::DeleteRange(delete), ResponseOp::DeleteRange(answer)) => {
                    self.delete(delete, answer);
                }
                (RequestOp::Txn(request), ResponseOp::Txn(answer)) => self.txn(request, answer),
                _ => {}
            }
        }
    }
}

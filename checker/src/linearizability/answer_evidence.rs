//! What the answers show of keys that unknown writes could have touched: hard evidence, since an
//! order that contradicts an answer is no order.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::indeterminate::IndeterminateWrites;
use super::key_timeline::{KeyTimeline, ObservedVersion};
use super::observations::{self, Observation, Source};
use super::ops::Ops;
use crate::history::{
    Blob, DeleteRangeRequest, KeyValue, Op, Operand, PlainOp, Request, SortTarget, TxnPart,
};
use crate::model::{KeyIndex, Span};

/// AnswerEvidence of all keys that matter.
#[derive(Debug)]
pub(crate) struct AnswerEvidence<'a, 'b> {
    ops: &'b Ops<'a>,
    indeterminate: &'b IndeterminateWrites<'a>,
    /// Whether answers say versions and revisions of creation, which lets puts be counted.
    pub(super) counted: bool,
    /// For revisions without a known write: keys seen with that revision.
    holes: BTreeMap<i64, Vec<Seen<'a>>>,
    /// For such revisions: a key seen to be created there.
    births: BTreeMap<i64, &'a Blob>,
    /// For keys with values seen at such revisions: which.
    values: BTreeMap<(&'a Blob, &'a Blob), Vec<i64>>,
    compared: OnceCell<bool>,
    /// Gathered when they are first asked for: where watchers saw everything they never are.
    keys: OnceCell<Keys<'a>>,
}

/// The keys that unknown writes could touch, and what is known of them.
#[derive(Debug, Default)]
struct Keys<'a> {
    index: KeyIndex,
    known: Vec<KeyTimeline<'a>>,
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

impl<'a> Keys<'a> {
    /// Gathers from all answers of the quorum.
    fn gather(ops: &Ops<'a>, indeterminate: &IndeterminateWrites<'a>, counted: bool) -> Self {
        let mut keys = Keys::default();
        for key in 0..indeterminate.keys() {
            keys.enter(indeterminate.key(key));
        }
        observations::each(ops, |source, observation| {
            keys.enter_observation(indeterminate, source, observation);
        });
        for source in observations::made(ops) {
            keys.deletions(&ops.record(source.place).request, source.revision);
        }
        for (number, known) in keys.known.iter_mut().enumerate() {
            let key = keys.index.key(number as u32);
            known.deleters = indeterminate.deleters(key);
            known.replaceable = indeterminate.number(key).is_some_and(|key| {
                let puts = indeterminate.suppliers(key);
                known.deleters.iter().any(|number| puts.binary_search(number).is_ok())
            });
            known.finish(ops.base, counted);
        }
        keys
    }

    fn enter(&mut self, key: &Blob) -> &mut KeyTimeline<'a> {
        let number = self.index.enter(key) as usize;
        if number == self.known.len() {
            self.known.push(KeyTimeline::default());
        }
        &mut self.known[number]
    }

    fn get(&self, key: &[u8]) -> Option<&KeyTimeline<'a>> {
        self.index.get(key).map(|number| &self.known[number as usize])
    }

    fn enter_observation(
        &mut self,
        indeterminate: &IndeterminateWrites<'_>,
        source: Source,
        observation: Observation<'a>,
    ) {
        let key = match observation {
            Observation::There { kv, .. } => &kv.key,
            Observation::Absent { key, .. }
            | Observation::Put { key }
            | Observation::Deleted { key } => key,
        };
        let known = match self.index.get(key) {
            Some(number) => &mut self.known[number as usize],
            None if indeterminate.in_deleted_range(key) => self.enter(key),
            None => return,
        };
        match observation {
            Observation::There { kv, keys_only, at } => {
                let before = at - i64::from(source.mutator);
                let until = if kv.mod_revision == at { at } else { before };
                let (version, create) = (kv.version, kv.create_revision);
                let written = kv.mod_revision;
                known.seen.push(ObservedVersion {
                    written,
                    until,
                    version,
                    create,
                    kv,
                    full: !keys_only,
                });
            }
            Observation::Absent { at, .. } => known.absent.push(at),
            Observation::Put { .. } => known.puts.push(source.revision),
            Observation::Deleted { .. } => {
                known.there.push(source.revision - 1);
                known.absent.push(source.revision);
            }
        }
    }

    /// Notes that a request could have deleted keys of which something is known.
    fn deletions(&mut self, request: &Request, revision: i64) {
        let known = [Op::Range, Op::Put, Op::DeleteRange, Op::Txn];
        if !known.contains(&request.op()) {
            // Whatever else makes a revision, such as the end of a lease, deletes who knows what.
            self.known.iter_mut().for_each(|known| known.deletes.push(revision));
        }
        for op in request.ops() {
            if let PlainOp::DeleteRange(delete) = op {
                self.deletion(delete, revision);
            }
        }
    }

    fn deletion(&mut self, delete: &DeleteRangeRequest, revision: i64) {
        let span = Span::new(&delete.key, &delete.range_end);
        if span.is_one() {
            if let Some(number) = self.index.get(&delete.key) {
                self.known[number as usize].deletes.push(revision);
            }
            return;
        }
        for (number, known) in self.known.iter_mut().enumerate() {
            if span.contains(self.index.key(number as u32)) {
                known.deletes.push(revision);
            }
        }
    }
}

impl<'a, 'b> AnswerEvidence<'a, 'b> {
    pub(crate) fn new(ops: &'b Ops<'a>, indeterminate: &'b IndeterminateWrites<'a>) -> Self {
        let counted = ops.recorded.version && ops.recorded.create_revision;
        let mut answer_evidence = AnswerEvidence {
            ops,
            indeterminate,
            counted,
            holes: BTreeMap::new(),
            births: BTreeMap::new(),
            values: BTreeMap::new(),
            compared: OnceCell::new(),
            keys: OnceCell::new(),
        };
        if ops.mutators.iter().all(Option::is_some) {
            return answer_evidence;
        }
        let is_hole = |revision: i64| {
            revision > ops.base && revision <= ops.top && ops.mutator(revision).is_none()
        };
        observations::each(ops, |source, observation| {
            let Observation::There { kv, keys_only, .. } = observation else { return };
            let hole = kv.mod_revision;
            if is_hole(hole) {
                let seen = Seen { kv, keys_only, place: source.place };
                answer_evidence.holes.entry(hole).or_default().push(seen);
            }
            if counted && is_hole(kv.create_revision) {
                answer_evidence.births.insert(kv.create_revision, &kv.key);
            }
        });
        for (hole, seen) in &answer_evidence.holes {
            for Seen { kv, .. } in seen.iter().filter(|seen| !seen.keys_only) {
                let holes = answer_evidence.values.entry((&kv.key, &kv.value)).or_default();
                if holes.last() != Some(hole) {
                    holes.push(*hole);
                }
            }
        }
        answer_evidence
    }

    fn known(&self, key: &[u8]) -> Option<&KeyTimeline<'a>> {
        self.keys.get_or_init(|| Keys::gather(self.ops, self.indeterminate, self.counted)).get(key)
    }

    /// Whether an answer shows that a key did not change at a revision.
    pub(crate) fn unchanged_at(&self, key: &[u8], hole: i64) -> bool {
        self.known(key).is_some_and(|known| known.unchanged_at(hole))
    }

    /// Revisions up to `at`, the last one first, at which answers show all of a key: None if it is
    /// not there.
    pub(crate) fn shown(
        &self,
        key: &[u8],
        at: i64,
    ) -> impl Iterator<Item = (i64, Option<&'a KeyValue>)> {
        let known = self.known(key).filter(|_| self.counted);
        let seen = known.map_or(&[][..], |known| {
            &known.seen[..known.seen.partition_point(|observed| observed.written <= at)]
        });
        let absent = known.map_or(&[][..], |known| {
            &known.absent[..known.absent.partition_point(|gone| *gone <= at)]
        });
        let mut seen = seen.iter().rev().filter(|observed| observed.full).peekable();
        let mut absent = absent.iter().rev().copied().peekable();
        std::iter::from_fn(move || {
            let there = seen.peek().map(|observed| observed.until.min(at));
            if absent.peek().copied() > there {
                return Some((absent.next()?, None));
            }
            let observed = seen.next()?;
            Some((there?, Some(observed.kv)))
        })
    }

    /// A key that answers show to have been created at a hole.
    pub(crate) fn born_at(&self, hole: i64) -> Option<&'a Blob> {
        self.births.get(&hole).copied()
    }

    /// The holes at which a key was seen with a value, in order.
    pub(crate) fn holes_with(&self, key: &'a Blob, value: &'a Blob) -> &[i64] {
        self.values.get(&(key, value)).map_or(&[], Vec::as_slice)
    }

    /// Whether answers depend on values or leases in other ways than by showing them.
    pub(crate) fn values_matter(&self) -> bool {
        *self.compared.get_or_init(|| {
            self.ops.records.iter().any(|record| depends_on_values(&record.request))
        })
    }

    /// What is known of a key, if unknown writes could touch it.
    pub(crate) fn of(&self, key: &[u8]) -> Option<&KeyTimeline<'a>> {
        self.known(key)
    }

    /// Keys seen with the revision of a hole.
    pub(crate) fn at_hole(&self, hole: i64) -> &[Seen<'a>] {
        self.holes.get(&hole).map_or(&[], Vec::as_slice)
    }
}

fn depends_on_values(request: &Request) -> bool {
    request.parts().any(|part| match part {
        TxnPart::Compare(compare) => {
            matches!(compare.operand, Operand::Value(_) | Operand::Lease(_))
        }
        TxnPart::Op(PlainOp::Range(range)) => range.sort_target == SortTarget::Value,
        TxnPart::Op(PlainOp::Put(put)) => put.ignore_value || put.ignore_lease,
        TxnPart::Op(PlainOp::DeleteRange(_)) => false,
    })
}

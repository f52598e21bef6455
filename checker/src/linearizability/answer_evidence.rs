//! What the answers of the quorum show of keys that indeterminate writes could have changed. An
//! order that contradicts an answer is no order, so this evidence binds.

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

/// The evidence of the answers, by hole and by key.
#[derive(Debug)]
pub(crate) struct AnswerEvidence<'a, 'b> {
    ops: &'b Ops<'a>,
    indeterminate: &'b IndeterminateWrites<'a>,
    /// Whether the recording has versions and creation revisions. Only then can puts be counted.
    pub(super) counted: bool,
    /// For each hole: the keys that an answer shows with that `mod_revision`.
    holes: BTreeMap<i64, Vec<Seen<'a>>>,
    /// For each hole: a key that an answer shows with that `create_revision`.
    births: BTreeMap<i64, &'a Blob>,
    /// For each key and value: the holes at which an answer shows it.
    values: BTreeMap<(&'a Blob, &'a Blob), Vec<i64>>,
    compared: OnceCell<bool>,
    /// Gathered on first use. If watchers saw everything, nothing uses it.
    keys: OnceCell<Keys<'a>>,
}

/// All keys that indeterminate writes could change, with their timelines.
#[derive(Debug, Default)]
struct Keys<'a> {
    index: KeyIndex,
    known: Vec<KeyTimeline<'a>>,
}

/// A key that an answer shows with the revision of a hole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) kv: &'a KeyValue,
    /// Whether the answer leaves out values.
    pub(crate) keys_only: bool,
    /// Index of the answer in `records`.
    pub(crate) place: u32,
}

impl<'a> Keys<'a> {
    /// Gathers the timelines from all answers of the quorum.
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

    /// Notes the keys that a request could have deleted at a revision.
    fn deletions(&mut self, request: &Request, revision: i64) {
        let known = [Op::Range, Op::Put, Op::DeleteRange, Op::Txn];
        if !known.contains(&request.op()) {
            // Further requests that make a revision, such as the end of a lease, may delete all
            // keys.
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

    /// Whether an answer shows that a key did not change at a hole.
    pub(crate) fn unchanged_at(&self, key: &[u8], hole: i64) -> bool {
        self.known(key).is_some_and(|known| known.unchanged_at(hole))
    }

    /// The revisions up to `at`, the latest first, at which an answer shows a key completely. The
    /// key is None where the answer shows that it did not exist.
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

    /// The holes at which an answer shows this value of a key, in order.
    pub(crate) fn holes_with(&self, key: &'a Blob, value: &'a Blob) -> &[i64] {
        self.values.get(&(key, value)).map_or(&[], Vec::as_slice)
    }

    /// Whether an answer depends on a value or a lease other than by showing it.
    pub(crate) fn values_matter(&self) -> bool {
        *self.compared.get_or_init(|| {
            self.ops.records.iter().any(|record| depends_on_values(&record.request))
        })
    }

    /// The timeline of a key that indeterminate writes could change.
    pub(crate) fn of(&self, key: &[u8]) -> Option<&KeyTimeline<'a>> {
        self.known(key)
    }

    /// The keys that answers show with the revision of a hole.
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

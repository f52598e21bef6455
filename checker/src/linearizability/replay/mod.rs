//! Replays the writes in the order of their revisions, and fills each hole with an indeterminate
//! write.

mod answers;
mod call_bounds;
mod candidates;
mod choice_point;
mod conflict_set;
mod demand;
mod failure;
mod feasibility;
mod fits;
mod interchangeable;
mod invariants;
mod later_needs;
mod outcome;
mod search;

use super::answer_evidence::AnswerEvidence;
use super::followed::PossibleWriters;
use super::followed::ambiguity::Writer;
use super::indeterminate::IndeterminateWrites;
use super::ops::Ops;
use super::watch_evidence::WatchEvidence;
use crate::budget::Budget;
use crate::model::Store;

pub(in crate::linearizability) use choice_point::ChoicePoint;
use demand::Demand;
pub(crate) use outcome::{Cause, Ending, Failure, Placement};

/// The operations and the evidence that a replay must agree with.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a, 'b> {
    pub(crate) ops: &'b Ops<'a>,
    pub(crate) indeterminate: &'b IndeterminateWrites<'a>,
    pub(crate) answer_evidence: &'b AnswerEvidence<'a, 'b>,
    /// None if watch events and members' own answers are not weighed.
    pub(crate) watch_evidence: Option<&'b WatchEvidence<'a, 'b>>,
}

/// A replay while it runs. The store stands at the last revision that was applied; every hole below
/// it has a choice point.
///
/// Invariants, where no candidate is half tried:
/// * choice points are in the order of their holes, and each has chosen the last candidate that it
///   tried; its conflict set names earlier ones only;
/// * a write is used by the choice point that has chosen it, and by no other; what it claims of an
///   ambiguous revision is in `claims`, in the order of the choice points;
/// * of each demand as much is left as the choice points have not served;
/// * a write was called no later than those of later revisions, as far as answers bound them;
/// * `held` counts the memory of the choice points.
pub(crate) struct Replay<'a, 'b> {
    pub(super) ops: &'b Ops<'a>,
    pub(super) indeterminate: &'b IndeterminateWrites<'a>,
    pub(super) answer_evidence: &'b AnswerEvidence<'a, 'b>,
    pub(super) watch_evidence: Option<&'b WatchEvidence<'a, 'b>>,
    /// At index i: the time by which the write of revision base + 1 + i was called.
    pub(super) called_by: Vec<u64>,
    /// The last revision to reach.
    top: i64,
    first_hole: i64,
    budget: Budget,
    /// The memory that the choice points take.
    held: u64,
    /// Computed on first use.
    demand: Option<Demand>,
    pub(super) store: Store,
    pub(super) choice_points: Vec<ChoicePoint>,
    /// For each indeterminate write, by number: the choice point that uses it.
    pub(super) used: Vec<Option<usize>>,
    /// The writers of ambiguous revisions that choice points use.
    pub(super) claims: Vec<(Writer, usize)>,
    pub(super) steps: u64,
    /// How many candidates were given up so far.
    contradictions: u64,
    deepest: Option<Failure>,
    /// Revisions applied and taken back, as far as invariants are checked.
    applied: u64,
}

impl<'a, 'b> Replay<'a, 'b> {
    pub(crate) fn new(input: Input<'a, 'b>, store: Store, budget: Budget) -> Self {
        let Input { ops, indeterminate, answer_evidence, watch_evidence } = input;
        let top = watch_evidence.map_or(ops.top, |watch_evidence| ops.top.max(watch_evidence.top));
        let hole = ops.holes().next();
        let mut replay = Replay {
            ops,
            indeterminate,
            answer_evidence,
            watch_evidence,
            called_by: Vec::new(),
            top,
            first_hole: hole.unwrap_or(ops.top + 1),
            budget,
            held: 0,
            demand: None,
            store,
            choice_points: Vec::new(),
            used: vec![None; indeterminate.len()],
            claims: Vec::new(),
            steps: 0,
            contradictions: 0,
            deepest: None,
            applied: 0,
        };
        replay.bound_calls();
        replay
    }

    pub(super) fn place(&self, revision: i64) -> usize {
        (revision - self.ops.base) as usize - 1
    }

    pub(crate) fn run(mut self) -> Ending {
        let base = self.ops.base;
        if let Err(contradiction) = self.check_gap(base) {
            let failure = self.failure(base, contradiction.cause);
            return self.refuted(failure);
        }
        while self.store.revision() < self.top {
            let revision = self.store.revision() + 1;
            let done = if self.ops.mutator(revision).is_some() {
                self.apply_answered(revision).map_err(|contradiction| {
                    let conflicts = self.conflict_set(
                        &contradiction.spans,
                        contradiction.at,
                        self.choice_points.len(),
                    );
                    self.deepen(revision, contradiction.cause);
                    conflicts
                })
            } else {
                self.open_choice_point(revision);
                self.try_next()
            };
            if let Err(conflicts) = done
                && !self.backjump(conflicts)
            {
                let failure = self.last_failure();
                return self.refuted(failure);
            }
            if self.exhausted() {
                let revision = self.store.revision() + 1;
                let deepest = self.deepest.clone();
                let mut failure = deepest.unwrap_or_else(|| self.failure(revision, Cause::Open));
                failure.held = (self.held > self.budget.memory_bytes).then_some(self.held);
                self.store.undo_to(base);
                return Ending::Exhausted(failure, self.steps, self.store);
            }
            self.applied();
        }
        let writers =
            if self.ops.goes_on { self.possible_writers() } else { PossibleWriters::default() };
        let placed = self.choice_points.iter().filter_map(|point| {
            let chosen = point.chosen? as usize;
            Some((point.hole, self.ops.unknown[chosen]))
        });
        Ending::Placed(Placement {
            placed: placed.collect(),
            writers,
            store: self.store,
            steps: self.steps,
            base,
        })
    }

    fn refuted(mut self, failure: Failure) -> Ending {
        self.store.undo_to(self.ops.base);
        Ending::Refuted(failure, self.steps, self.store)
    }
}

//! Decides whether the operations have an order, first with the evidence of watchers, then without
//! it.

use super::answer_evidence::AnswerEvidence;
use super::indeterminate::IndeterminateWrites;
use super::judged_range::{Bounds, JudgedRange};
use super::ops::Ops;
use super::reasons::{self, Sentence};
use super::replay::{Cause, Ending, Failure, Input, Placement, Replay};
use super::watch_evidence::WatchEvidence;
use super::{real_time, unplaced};
use crate::budget::Budget;
use crate::history::Blob;
use crate::model::{Scope, Store};
use crate::streams::Streams;
use crate::verdict::Verdict;

/// The result of the check, and what later checks need of it.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) verdict: Verdict,
    /// The order that was found.
    pub(crate) placement: Option<Placement>,
    /// If no order was found: the store before the first operation.
    pub(crate) store: Option<Store>,
    /// The evidence of a watcher or of a member's own store that contradicts the order.
    pub(crate) contradicted: Option<Sentence>,
    /// Set if the search with all evidence ran out of its budget.
    pub(crate) inconclusive: Option<Sentence>,
    /// For each unplaced operation, by place: the slots that it may have.
    pub(crate) unplaced: Vec<(u32, Bounds)>,
    pub(crate) steps: u64,
    /// Whether two slots alone contradict real time.
    pub(crate) stale: bool,
    /// The answer that contradicts the order, if no indeterminate write was placed before it.
    pub(crate) about: Option<About>,
    /// Whether the contradiction came after indeterminate writes had been placed.
    pub(crate) guessed: bool,
}

/// A key for which an answer contradicts the order.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) key: Blob,
    /// The answer's field that is wrong.
    pub(crate) field: String,
    pub(crate) revision: i64,
}

impl Ordered {
    fn about(mut self, failure: &Failure) -> Self {
        self.guessed = failure.guessed;
        if let (Cause::Answer(_, mismatch), false) = (&failure.cause, failure.guessed)
            && let Scope::Key(key) = &mismatch.scope
        {
            let (key, field) = (key.clone(), mismatch.field.clone());
            self.about = Some(About { key, field, revision: failure.revision });
        }
        self
    }

    fn new(verdict: Verdict, steps: u64) -> Self {
        Ordered {
            verdict,
            placement: None,
            store: None,
            contradicted: None,
            inconclusive: None,
            unplaced: Vec::new(),
            steps,
            stale: false,
            about: None,
            guessed: false,
        }
    }

    fn end(verdict: Verdict, steps: u64, store: Store) -> Self {
        Ordered { store: Some(store), ..Ordered::new(verdict, steps) }
    }

    fn placed(placement: Placement, steps: u64) -> Self {
        let steps = steps + placement.steps;
        Ordered { placement: Some(placement), ..Ordered::new(Verdict::Legal, steps) }
    }
}

/// Decides whether the operations have an order that starts from `store`. Each try gets the whole
/// budget.
pub(crate) fn order(
    ops: &Ops<'_>,
    streams: &Streams<'_>,
    store: Store,
    judged_range: &JudgedRange,
    budget: impl Into<Budget>,
) -> Ordered {
    let budget = budget.into();
    if let Err(verdict) = real_time::check(ops) {
        let ordered = Ordered::end(verdict, 0, store);
        return Ordered { stale: true, ..ordered };
    }
    let indeterminate = IndeterminateWrites::new(ops);
    let mut ordered = replayed(ops, &indeterminate, streams, store, budget);
    if let Some(placement) = &ordered.placement {
        match unplaced::check(ops, &indeterminate, &placement.store, judged_range, budget.steps) {
            Ok(unplaced) => ordered.unplaced = unplaced,
            Err(verdict) => ordered.verdict = verdict,
        }
    }
    ordered
}

fn replayed(
    ops: &Ops<'_>,
    indeterminate: &IndeterminateWrites<'_>,
    streams: &Streams<'_>,
    store: Store,
    budget: Budget,
) -> Ordered {
    let watch_evidence = WatchEvidence::new(ops, streams);
    let answer_evidence = AnswerEvidence::new(ops, indeterminate);
    let answers =
        Input { ops, indeterminate, answer_evidence: &answer_evidence, watch_evidence: None };
    let holes = ops.holes().next().is_some();
    // No watcher and no member said anything that could be wrong.
    let silent = streams.watchers.is_empty() && ops.locals.all().is_empty();
    if silent || !holes && watch_evidence.top <= ops.top {
        let unbounded = Budget { steps: u64::MAX, memory_bytes: u64::MAX };
        let budget = if holes { budget } else { unbounded };
        return match Replay::new(answers, store, budget).run() {
            Ending::Placed(placement) => Ordered::placed(placement, 0),
            Ending::Refuted(failure, steps, store) => {
                let verdict = reasons::refuted(ops, indeterminate, &failure);
                Ordered::end(verdict, steps, store).about(&failure)
            }
            Ending::Exhausted(failure, steps, store) => {
                Ordered::end(reasons::open(ops, &failure, steps), steps, store)
            }
        };
    }
    let mut with = With::OutOfReach;
    let mut store = store;
    if watch_evidence.top <= ops.top + indeterminate.len() as i64 {
        let all = Input { watch_evidence: Some(&watch_evidence), ..answers };
        (with, store) = match Replay::new(all, store, budget).run() {
            Ending::Placed(placement) => return Ordered::placed(placement, 0),
            Ending::Refuted(failure, steps, store) => (With::Refuted(failure, steps), store),
            Ending::Exhausted(failure, steps, store) => (With::Exhausted(failure, steps), store),
        };
    }
    let without = Replay::new(answers, store, budget).run();
    weigh(ops, indeterminate, with, without)
}

/// How the replay with all evidence ended, if not with an order.
enum With {
    /// The evidence names a revision that even all indeterminate writes cannot reach.
    OutOfReach,
    Refuted(Failure, u64),
    Exhausted(Failure, u64),
}

/// Concludes from the replay with all evidence and from the replay with answers alone.
fn weigh(
    ops: &Ops<'_>,
    indeterminate: &IndeterminateWrites<'_>,
    with: With,
    without: Ending,
) -> Ordered {
    match (with, without) {
        (_, Ending::Refuted(failure, steps, store)) => {
            let verdict = reasons::refuted(ops, indeterminate, &failure);
            Ordered::end(verdict, steps, store).about(&failure)
        }
        (With::Exhausted(failure, spent), Ending::Placed(placement)) => {
            let mut ordered = Ordered::placed(placement, spent);
            ordered.inconclusive = Some(reasons::inconclusive(ops, &failure, spent));
            ordered
        }
        (with, Ending::Placed(placement)) => {
            let (reason, spent) = if let With::Refuted(failure, spent) = with {
                (reasons::contradicted_evidence(ops, &failure), spent)
            } else {
                let reason = "a watch event or a member's own answer names a revision that \
                              cannot have been reached";
                ((reason.to_owned(), Vec::new()), 0)
            };
            let mut ordered = Ordered::placed(placement, spent);
            ordered.contradicted = Some(reason);
            ordered
        }
        (With::Refuted(failure, spent), Ending::Exhausted(_, steps, store)) => {
            // No order fits all evidence, and no order was found for the answers alone. Either the
            // answers contradict each other, or the watchers contradict the answers.
            Ordered::end(reasons::refuted(ops, indeterminate, &failure), spent + steps, store)
        }
        (_, Ending::Exhausted(failure, steps, store)) => {
            Ordered::end(reasons::open(ops, &failure, steps), steps, store)
        }
    }
}

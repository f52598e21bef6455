//! The order of all operations, with the evidence of watchers and without it.

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

/// What the order of revisions says.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) verdict: Verdict,
    /// The replay; None if none stands.
    pub(crate) placement: Option<Placement>,
    /// Without a placement: the store that it began with.
    pub(crate) store: Option<Store>,
    /// The order stands only if watchers or members' own stores told something untrue: a
    /// sentence that says what.
    pub(crate) contradicted: Option<Sentence>,
    /// Whether other evidence could not be weighed within the budget.
    pub(crate) inconclusive: Option<Sentence>,
    /// Where compactions and errors may stand.
    pub(crate) unplaced: Vec<(u32, Bounds)>,
    pub(crate) steps: u64,
    /// Whether real time alone contradicts it.
    pub(crate) stale: bool,
    /// What the answers contradict each other about, if no guess had a part in it.
    pub(crate) about: Option<About>,
    /// Whether the answers alone contradict each other, after guesses who made which revision.
    pub(crate) guessed: bool,
}

/// A key of which an answer contradicts the order.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) key: Blob,
    /// Of the answer.
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

/// Decides whether the operations have an order from a store on, within the budget for each try.
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
    // Nobody told anything that could be wrong.
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

/// What came out with the evidence of watchers, if not an order.
enum With {
    /// Their revisions are out of reach.
    OutOfReach,
    Refuted(Failure, u64),
    Exhausted(Failure, u64),
}

/// Puts together what came out with the evidence of watchers and without it.
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
            // With the watchers' evidence there is no order; without it, none was found. AmbiguousRevision
            // the answers or the watchers are wrong.
            Ordered::end(reasons::refuted(ops, indeterminate, &failure), spent + steps, store)
        }
        (_, Ending::Exhausted(failure, steps, store)) => {
            Ordered::end(reasons::open(ops, &failure, steps), steps, store)
        }
    }
}

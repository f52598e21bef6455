//! Linearizability of the whole key space, decided by sorting instead of searching.
//!
//! etcd's answers say at which revision they were given. That turns the question "is there an
//! order?" into "is this the order?":
//!
//! * A write that changed something made revision r, alone: slot 2r. An answer that changed
//!   nothing saw revision r: slot 2r+1. Two writes in one slot are a violation.
//! * **Theorem.** If every operation has such a slot, the history is linearizable exactly if
//!   1. a replay of the writes in slot order gives each recorded answer, with everything at
//!      2r+1 answered from the state after r, and
//!   2. no operation was called after another of a higher slot had returned.
//!
//!   *Enough*: order by (slot, call time). Slots of writes are unique, so equal slots are answers
//!   that changed nothing, which commute; if a returned before b was called then slot(a) <=
//!   slot(b) by 2, and with equal slots the order of calls puts a first. The answers are right
//!   by 1. *Necessary*: in any order that fits, the sequential store is at revision r exactly
//!   between the writes of r and r+1, and every answer names its revision; so writes can only
//!   stand in the order of revisions, and the others only in their gap.
//!
//! That the header's revision is the revision at which the request was applied is etcd's promise;
//! it is checked here, not trusted.
//!
//! Writes of **unknown** outcome have a call and no return. Each made one of the revisions that
//! no answer claims (a hole), or changed nothing, or never happened; the latter two need no place.
//! A write may fill hole r unless something ordered after it returned before it was called; so
//! what may fill a hole may, for all real time says, fill any later one. `replay` searches over
//! the holes alone, led by what answers and watchers saw of a hole (`facts`, `hints`); where they
//! saw nothing, `candidates` says who may have made it, `crowded` whether the holes left suffice for
//! what must still be done in them, and after a contradiction `blame` says
//! which earlier choices (`frame`) it rests on, to which the search jumps back. Where the recording
//! goes on, `makers` asks of each hole who else may have made it, and `either` what of them is left. Answers
//! bind; what watchers and members' own stores say may itself be wrong, so a failure with it is
//! followed by a try without it.
//!
//! Compactions and definite errors have no slot: `floats` asks whether a place for them exists.

use std::collections::BTreeMap;

mod around;
mod blame;
mod by_revision;
mod candidates;
mod crowded;
pub(crate) mod either;
mod facts;
mod floats;
mod frame;
mod hints;
mod known;
mod makers;
pub(crate) mod ops;
pub(crate) mod pledges;
mod reasons;
mod replay;
mod shown;
pub(crate) mod sights;
pub(crate) mod sweep;
mod unknown;

use either::Either;
use facts::Facts;
pub(crate) use floats::Bounds;
use hints::Hints;
pub(crate) use hints::{kind_of, local_answer, place_of, wrong_creation};
use ops::Ops;
use reasons::Sentence;
pub(crate) use replay::Placement;
use replay::{Ending, Failure, Replay, What};
use unknown::Unknowns;

use crate::afford::Budget;
use crate::history::Blob;
use crate::model::{Scope, Store};
use crate::verdict::Verdict;
use crate::watch::streams::Streams;

/// The checker's name.
pub(crate) const LINEARIZABILITY: &str = "linearizability";

/// The part of a recording that is judged.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// The revision of the store before it.
    pub(crate) base: i64,
    /// The last revision to be judged, if the recording goes on after it.
    pub(crate) until: Option<i64>,
    /// When that revision had certainly been made.
    pub(crate) seen_ns: u64,
    /// Of compactions and errors of which an earlier part knows more: where they may stand, by id.
    pub(crate) floats: BTreeMap<u64, Bounds>,
    /// Of quiet times, what had been shown when they began, by id.
    pub(crate) quiet: BTreeMap<u64, i64>,
    /// Revisions before it that one of several writes made, nobody knows which.
    pub(crate) doubts: Vec<Either>,
}

impl Stretch {
    /// All of a recording that starts at a revision.
    pub(crate) fn whole(base: i64) -> Self {
        let (floats, quiet) = (BTreeMap::new(), BTreeMap::new());
        Stretch { base, until: None, seen_ns: u64::MAX, floats, quiet, doubts: Vec::new() }
    }
}

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
    pub(crate) tired: Option<Sentence>,
    /// Where compactions and errors may stand.
    pub(crate) floats: Vec<(u32, Bounds)>,
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
        if let (What::Answer(_, mismatch), false) = (&failure.what, failure.guessed)
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
            tired: None,
            floats: Vec::new(),
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
    (store, stretch): (Store, &Stretch),
    budget: impl Into<Budget>,
) -> Ordered {
    let budget = budget.into();
    if let Err(verdict) = sweep::real_time(ops) {
        let ordered = Ordered::end(verdict, 0, store);
        return Ordered { stale: true, ..ordered };
    }
    let unknowns = Unknowns::new(ops);
    let mut ordered = replayed(ops, &unknowns, streams, (store, budget));
    if let Some(placement) = &ordered.placement {
        match floats::floats(ops, &unknowns, (&placement.store, stretch), budget.steps) {
            Ok(floats) => ordered.floats = floats,
            Err(verdict) => ordered.verdict = verdict,
        }
    }
    ordered
}

fn replayed(
    ops: &Ops<'_>,
    unknowns: &Unknowns<'_>,
    streams: &Streams<'_>,
    (store, budget): (Store, Budget),
) -> Ordered {
    let hints = Hints::new(ops, streams);
    let facts = Facts::new(ops, unknowns);
    let holes = ops.holes().next().is_some();
    // Nobody told anything that could be wrong.
    let silent = streams.watchers.is_empty() && ops.locals.all().is_empty();
    if silent || !holes && hints.top <= ops.top {
        let unbounded = Budget { steps: u64::MAX, memory_bytes: u64::MAX };
        let budget = if holes { budget } else { unbounded };
        return match Replay::new(ops, (unknowns, &facts), None, (store, budget)).run() {
            Ending::Placed(placement) => Ordered::placed(placement, 0),
            Ending::Refuted(failure, steps, store) => {
                let verdict = reasons::refuted(ops, unknowns, &failure);
                Ordered::end(verdict, steps, store).about(&failure)
            }
            Ending::Exhausted(failure, steps, store) => {
                Ordered::end(reasons::open(ops, &failure, steps), steps, store)
            }
        };
    }
    let mut with = With::OutOfReach;
    let mut store = store;
    if hints.top <= ops.top + unknowns.len() as i64 {
        let replay = Replay::new(ops, (unknowns, &facts), Some(&hints), (store, budget));
        (with, store) = match replay.run() {
            Ending::Placed(placement) => return Ordered::placed(placement, 0),
            Ending::Refuted(failure, steps, store) => (With::Refuted(failure, steps), store),
            Ending::Exhausted(failure, steps, store) => (With::Exhausted(failure, steps), store),
        };
    }
    let without = Replay::new(ops, (unknowns, &facts), None, (store, budget)).run();
    weigh(ops, unknowns, with, without)
}

/// What came out with the evidence of watchers, if not an order.
enum With {
    /// Their revisions are out of reach.
    OutOfReach,
    Refuted(Failure, u64),
    Exhausted(Failure, u64),
}

/// Puts together what came out with the evidence of watchers and without it.
fn weigh(ops: &Ops<'_>, unknowns: &Unknowns<'_>, with: With, without: Ending) -> Ordered {
    match (with, without) {
        (_, Ending::Refuted(failure, steps, store)) => {
            let verdict = reasons::refuted(ops, unknowns, &failure);
            Ordered::end(verdict, steps, store).about(&failure)
        }
        (With::Exhausted(failure, spent), Ending::Placed(placement)) => {
            let mut ordered = Ordered::placed(placement, spent);
            ordered.tired = Some(reasons::tired(ops, &failure, spent));
            ordered
        }
        (with, Ending::Placed(placement)) => {
            let (reason, spent) = if let With::Refuted(failure, spent) = with {
                (reasons::told_wrong(ops, &failure), spent)
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
            // With the watchers' evidence there is no order; without it, none was found. Either
            // the answers or the watchers are wrong.
            Ordered::end(reasons::refuted(ops, unknowns, &failure), spent + steps, store)
        }
        (_, Ending::Exhausted(failure, steps, store)) => {
            Ordered::end(reasons::open(ops, &failure, steps), steps, store)
        }
    }
}

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
//! the holes alone, led by what answers and watchers saw of a hole (`facts`, `hints`). Answers
//! bind; what watchers and members' own stores say may itself be wrong, so a failure with it is
//! followed by a try without it.
//!
//! Compactions and definite errors have no slot: `floats` asks whether a place for them exists.

mod by_revision;
mod facts;
mod floats;
mod hints;
pub(crate) mod ops;
mod reasons;
mod replay;
mod sights;
mod sweep;
mod unknown;

use facts::Facts;
use hints::Hints;
pub(crate) use hints::{kind_of, local_answer};
use ops::Ops;
pub(crate) use replay::Placement;
use replay::{Ending, Replay};
use unknown::Unknowns;

use crate::verdict::Verdict;
use crate::watch::streams::Streams;

/// The checker's name.
pub(crate) const LINEARIZABILITY: &str = "linearizability";

/// What the order of revisions says.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) verdict: Verdict,
    /// The replay; None if none stands.
    pub(crate) placement: Option<Placement>,
    /// The order stands only if watchers or members' own stores told something untrue: a
    /// sentence that says what.
    pub(crate) contradicted: Option<String>,
    /// Whether other evidence could not be weighed within the budget.
    pub(crate) tired: Option<String>,
    pub(crate) steps: u64,
}

impl Ordered {
    fn end(verdict: Verdict, steps: u64) -> Self {
        Ordered { verdict, placement: None, contradicted: None, tired: None, steps }
    }

    fn placed(placement: Placement, steps: u64) -> Self {
        let steps = steps + placement.steps;
        Ordered {
            verdict: Verdict::Legal,
            placement: Some(placement),
            contradicted: None,
            tired: None,
            steps,
        }
    }
}

/// Decides whether the operations have an order, within `budget` steps for each try.
pub(crate) fn order(ops: &Ops<'_>, streams: &Streams<'_>, budget: u64) -> Ordered {
    if let Err(verdict) = sweep::real_time(ops) {
        return Ordered::end(verdict, 0);
    }
    let unknowns = Unknowns::new(ops);
    let mut ordered = replayed(ops, &unknowns, streams, budget);
    if let Some(placement) = &ordered.placement
        && let Err(verdict) = floats::floats(ops, &unknowns, &placement.store, budget)
    {
        ordered.verdict = verdict;
    }
    ordered
}

fn replayed(ops: &Ops<'_>, unknowns: &Unknowns<'_>, streams: &Streams<'_>, budget: u64) -> Ordered {
    let hints = Hints::new(ops, streams);
    let facts = Facts::new(ops, unknowns);
    let holes = ops.mutators.iter().any(Option::is_none);
    if !holes && hints.top <= ops.top {
        return match Replay::new(ops, (unknowns, &facts), None, u64::MAX).run() {
            Ending::Placed(placement) => Ordered::placed(placement, 0),
            Ending::Refuted(failure, steps) | Ending::Exhausted(failure, steps) => {
                Ordered::end(reasons::refuted(ops, unknowns, &failure), steps)
            }
        };
    }
    let reachable = hints.top <= ops.top + unknowns.len() as i64;
    let with = reachable.then(|| Replay::new(ops, (unknowns, &facts), Some(&hints), budget).run());
    if let Some(Ending::Placed(placement)) = with {
        return Ordered::placed(placement, 0);
    }
    let without = Replay::new(ops, (unknowns, &facts), None, budget).run();
    weigh(ops, unknowns, with, without)
}

/// Puts together what came out with the evidence of watchers (a refutation, or nothing in the
/// budget; None if their revisions are out of reach) and without it.
fn weigh(ops: &Ops<'_>, unknowns: &Unknowns<'_>, with: Option<Ending>, without: Ending) -> Ordered {
    match (with, without) {
        (_, Ending::Refuted(failure, steps)) => {
            Ordered::end(reasons::refuted(ops, unknowns, &failure), steps)
        }
        (Some(Ending::Exhausted(failure, spent)), Ending::Placed(placement)) => {
            let mut ordered = Ordered::placed(placement, spent);
            ordered.tired = Some(reasons::tired(ops, &failure, spent));
            ordered
        }
        (with, Ending::Placed(placement)) => {
            let (reason, spent) = if let Some(Ending::Refuted(failure, spent)) = with {
                (reasons::told_wrong(ops, &failure), spent)
            } else {
                let reason = "a watch event or a member's own answer names a revision that \
                              cannot have been reached";
                (reason.to_owned(), 0)
            };
            let mut ordered = Ordered::placed(placement, spent);
            ordered.contradicted = Some(reason);
            ordered
        }
        (Some(Ending::Refuted(failure, spent)), Ending::Exhausted(_, steps)) => {
            // With the watchers' evidence there is no order; without it, none was found. Either
            // the answers or the watchers are wrong.
            Ordered::end(reasons::refuted(ops, unknowns, &failure), spent + steps)
        }
        (_, Ending::Exhausted(failure, steps)) => {
            let reason = reasons::tired(ops, &failure, steps);
            Ordered::end(Verdict::unknown(LINEARIZABILITY, reason, Vec::new()), steps)
        }
    }
}

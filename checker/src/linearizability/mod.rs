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
//! the holes alone, led by what answers and watchers saw of a hole (`answer_evidence`, `watch_evidence`); where they
//! saw nothing, `candidates` says who may have made it, `feasibility` whether the holes left suffice for
//! what must still be done in them, and after a contradiction `conflict_set` says
//! which earlier choices (`choice_point`) it rests on, to which the search jumps back. Answers
//! bind; what watchers and members' own stores say may itself be wrong, so a failure with it is
//! followed by a try without it.
//!
//! Where the recording goes on (`follow`), somebody must say of each hole who else may have made it,
//! and what of them is left: only that is in `followed`.
//!
//! Compactions and definite errors have no slot: `unplaced` asks whether a place for them exists.

mod answer_evidence;
mod by_revision;
pub(crate) mod followed;
mod indeterminate;
mod judged_range;
mod key_timeline;
mod neighbours;
pub(crate) mod observations;
pub(crate) mod ops;
mod order;
pub(crate) mod real_time;
mod reasons;
mod replay;
mod unplaced;
mod watch_evidence;

pub(crate) use judged_range::{Bounds, JudgedRange};
pub(crate) use order::{About, Ordered, order};
pub(crate) use replay::Placement;
pub(crate) use watch_evidence::{kind_of, local_answer, place_of, wrong_creation};

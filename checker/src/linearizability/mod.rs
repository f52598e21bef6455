//! Linearizability of the whole key space, decided by sorting instead of searching.
//!
//! Each answer of etcd names a revision. So the question "is there an order?" becomes "is this the
//! order?".
//!
//! # The theorem
//!
//! * A write that changed something made a revision r, and no other write made r. Its **slot** is
//!   2r. An answer that changed nothing saw the store at a revision r. Its slot is 2r+1, the
//!   **gap** after r. Two writes in one slot are a violation.
//! * **Theorem.** If every operation has such a slot, the history is linearizable exactly if
//!   1. a replay of the writes in slot order gives each recorded answer, where an operation at 2r+1
//!      is answered from the state after r, and
//!   2. no operation was called after an operation of a higher slot had returned.
//!
//!   *Enough*: order the operations by (slot, call time). Only answers that changed nothing share a
//!   slot, and they commute. If a returned before b was called then slot(a) <= slot(b) by 2, and
//!   with equal slots the order of calls puts a first. The answers are right by 1. *Necessary*: in
//!   any valid order the sequential store is at revision r exactly between the writes of r and r+1,
//!   and every answer names its revision. So the writes stand in the order of revisions, and every
//!   other answer stands in its gap.
//!
//! etcd promises that the header's revision is the revision at which the request was applied. The
//! replay checks that promise and does not trust it.
//!
//! # Writes of unknown outcome
//!
//! An **indeterminate write** has a call and no return. It made a revision, or changed nothing, or
//! never happened. Only in the first case does it need a slot. A **hole** is a revision that no
//! answer claims: an indeterminate write must have made it.
//!
//! An indeterminate write can fill hole r only if it was called **in time**: before any operation
//! with a slot above 2r returned. A write that was called in time for one hole was called in time
//! for every later hole.
//!
//! `replay` searches over the holes alone. At each hole it opens a `choice_point` with the
//! candidates that `answer_evidence` and `watch_evidence` leave. Without evidence `candidates`
//! ranks all writes that were called in time. `feasibility` tells whether the remaining holes
//! suffice for the writes that must still fill one. After a contradiction `conflict_set` names the
//! choice points that the contradiction depends on, and the search jumps back to the latest of
//! them.
//!
//! Answers bind. Watch events and answers from one member's own store may be wrong: if no order
//! fits them, `order` tries again without them.
//!
//! # What has no slot
//!
//! A compaction or a definite error names no revision: it is **unplaced**. `unplaced` asks whether
//! some slot fits it.
//!
//! # A recording that goes on
//!
//! `follow` judges a recording part by part while it is written. It must know which other writes
//! could have made a hole, and which writes remain for later parts. Everything that only `follow`
//! needs is in `followed`.

mod answer_evidence;
mod by_revision;
pub(crate) mod followed;
mod indeterminate;
mod judged_range;
mod key_fit;
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

//! The part of this check that only a followed recording needs (`follow`): the possible writers of
//! each hole, and the writes that remain for later parts.
//!
//! [`ambiguity`] is a revision with several possible writers. [`writers`] finds the possible
//! writers after an order was found. [`reservations`] keeps the possible writers of earlier parts,
//! and [`claims`] tracks which of them a replay uses. All of them are empty for a whole recording.

pub(crate) mod ambiguity;
mod claims;
pub(super) mod reservations;
mod writers;

use ambiguity::Attribution;

/// The possible writers of all holes.
#[derive(Debug, Default)]
pub(crate) struct PossibleWriters {
    /// The first *guessed* hole: a write of another effect could have filled it too.
    pub(crate) guessed: Option<i64>,
    /// By hole. A guessed hole has only the write that was chosen.
    pub(crate) attributions: Vec<Attribution>,
}

//! What only the judge of a recording that is followed (`follow`) needs of the order: which writes
//! can have made a hole, and what is left of them later.
//!
//! [`ambiguity`] is one of several writes that made a revision, nobody knows which; [`writers`] finds
//! them when an order was found; [`reservations`] keeps those of earlier parts, and [`claims`] says what
//! a replay used of them. The judge of a whole recording leaves all of them empty.

pub(crate) mod ambiguity;
mod claims;
pub(super) mod reservations;
mod writers;

use ambiguity::Attribution;

/// Of all holes.
#[derive(Debug, Default)]
pub(crate) struct PossibleWriters {
    /// The first hole at which something else could have been done.
    pub(crate) guessed: Option<i64>,
    /// In the order of the holes; where it was guessed, as chosen.
    pub(crate) attributions: Vec<Attribution>,
}

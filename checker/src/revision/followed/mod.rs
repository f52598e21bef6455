//! What only the judge of a recording that is followed (`follow`) needs of the order: which writes
//! can have made a hole, and what is left of them later.
//!
//! [`either`] is one of several writes that made a revision, nobody knows which; [`makers`] finds
//! them when an order was found; [`pledges`] keeps those of earlier parts, and [`claims`] says what
//! a replay used of them. The judge of a whole recording leaves all of them empty.

mod claims;
pub(crate) mod either;
mod makers;
pub(super) mod pledges;

use either::Choice;

/// Of all holes.
#[derive(Debug, Default)]
pub(crate) struct Makers {
    /// The first hole at which something else could have been done.
    pub(crate) guessed: Option<i64>,
    /// In the order of the holes; where it was guessed, as chosen.
    pub(crate) choices: Vec<Choice>,
}

//! Leases: what ends them, and what must not.
//!
//! A grant is answered from a revision and changes none; a revocation deletes every key that hangs
//! on the lease, in one revision, or changes nothing. Both have their place in the order of
//! revisions (`revision`). Renewals, times left and lists are asked of one member and have no place
//! there; they are held against times here.
//!
//! **Expiry** is a revocation that nobody asked for. The server promises not to end a lease before
//! the time to live that it answered is over, counted from any renewal that it answered; leader
//! changes only make it longer. So a lease may end by itself from
//!
//! ```text
//! max over its answered grant and renewals of (call + answered TTL) - tolerance
//! ```
//!
//! on, and not before: the call comes before the moment from which the server counts. That is a
//! write of unknown outcome with that time as its call, which may fill a revision that nobody
//! claims. Where the order stands only if one came earlier, the lease expired early. A lease that
//! was revoked with an answer did not expire.
//!
//! Where a recording is followed, its `follow/ledger` keeps of each lease what may still be contradicted, and
//! of one that is over only its number and its end.
//!
//! A lease number is taken to mean one lease, as servers choose them at random; of a number that is
//! granted more often most rules do not speak.

mod before;
mod check;
mod describe;
mod ends;
mod gather;
mod live;
mod violation;

pub(crate) use before::{Before, Over};
pub(crate) use check::{NOT_FOUND, leases, named};
pub(crate) use describe::at;
pub(crate) use ends::Ends;
pub(crate) use gather::{Lease, Leases, granted, revision};

/// The checker's name.
pub(crate) const LEASE: &str = "lease";

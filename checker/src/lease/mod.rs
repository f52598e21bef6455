//! The lease guarantees: what ends a lease, and what must not.
//!
//! A grant names a revision in its answer and changes none. A revocation deletes every key attached
//! to the lease in one revision, or changes nothing. Both have their place in the order of
//! revisions (`linearizability/`). Renewals, remaining times and lists are asked of one member and
//! have no place in that order; this room checks them against times.
//!
//! **Expiry** is a revocation that no client asked for. The server promises not to end a lease
//! before the granted time to live (TTL) is over, counted from the last answered renewal. A leader
//! change only lengthens this time. So a lease may expire from
//!
//! ```text max over its answered grant and renewals of (call + answered TTL) - tolerance ```
//!
//! on, and not before: the call precedes the moment from which the server counts. An expiry is thus
//! an indeterminate write called at that time, which may fill a revision that no answer claims. If
//! the operations have an order only with an earlier expiry, the lease expired early. A lease with
//! an answered revocation did not expire.
//!
//! If a recording is followed, `follow/ledger` keeps the records of a lease that later records may
//! contradict. For a lease that is over it keeps the number and the end alone.
//!
//! A lease number stands for one lease, as servers choose numbers at random. Most rules do not
//! apply to a number that is granted more than once. Each lease of such a number is a **life**. An
//! answer has **settled** when every operation called before its return is known; only settled
//! answers count as certain.

mod answers;
mod before;
mod check;
mod describe;
mod ends;
mod gather;
mod life;
mod live;
mod violation;

pub(crate) use answers::{NOT_FOUND, named};
pub(crate) use before::{Before, Over};
pub(crate) use check::leases;
pub(crate) use describe::at;
pub(crate) use ends::Ends;
pub(crate) use gather::{Leases, revision};
pub(crate) use life::{Expiry, Lease, granted};

/// The checker's name.
pub(crate) const LEASE: &str = "lease";

//! Listens to the members while time runs, and reads their disks: rules, probes, planted bugs,
//! and traps at probes.
//!
//! The server speaks through its one static hook. The task that is being polled tells which member
//! speaks. A member that was fenced in the middle of a poll is not heard: nothing that its code
//! still does reaches disk or network.

mod durable;
#[cfg(madsim)]
mod hook;
mod promises;
mod rules;
#[cfg(madsim)]
mod wait;

pub use durable::{APPLIED_DURABLE, COMMITTED_DURABLE, Damage, Durable, Media, Segment};
#[cfg(madsim)]
pub use hook::{Observer, Trap, Whom};
pub use promises::{
    ACKNOWLEDGED_DURABLE, APPLIED_IN_ORDER, PROMISES_KEPT, RECOVERY_WHOLE, VOTE_DURABLE,
};
pub use rules::{
    APPLIED_COMMITTED, APPLIED_EQUAL, COMMITTED_EQUAL, HASHES_EQUAL, ONE_LEADER, ONE_VOTE, Rules,
};
#[cfg(madsim)]
pub use wait::Happening;

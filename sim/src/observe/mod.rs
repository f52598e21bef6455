//! Listens to the members while time runs, and looks at their disks: rules, probes, planted bugs,
//! and traps at probes.
//!
//! The server speaks through its one static hook; which member is speaking is known from the task
//! that is being polled. A member that was fenced in the middle of a poll is not listened to any
//! more: what it still does has no effect on the world, and so no meaning.

mod durable;
#[cfg(madsim)]
mod hook;
mod rules;

pub use durable::{APPLIED_DURABLE, COMMITTED_DURABLE, Durable, Media, Segment};
#[cfg(madsim)]
pub use hook::{Observer, Trap, Whom};
pub use rules::{
    APPLIED_COMMITTED, APPLIED_EQUAL, COMMITTED_EQUAL, HASHES_EQUAL, ONE_LEADER, ONE_VOTE, Rules,
};

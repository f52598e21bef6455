//! The event loop around the pure core: it steps the core, and does what the core wants done.
//!
//! # The way of a request
//!
//! `api` calls [`Handle::propose`]; the command goes as an [`Event`](event::Event) to the loop
//! ([`event_loop`]), and the loop gives the command to the core. The core answers with a `Ready`:
//!
//! 1. Messages that may leave go to `peer`. Its outboxes are bounded and drop when full; the core
//!    copes with loss.
//! 2. An append goes to the log writer ([`writer`]), a task of its own, so that the loop never waits
//!    for the disk. When the append is durable, an event brings its token back, and the core
//!    releases the messages that waited for the append.
//! 3. Committed entries go to the applier ([`applier`]), a task of its own too. The answers come back
//!    as an event and find their callers among the [`proposals`].
//!
//! # Reads
//!
//! [`Handle::read_index`] joins the next round of ReadIndex ([`reads`]). A round starts after the read
//! arrived. A round that gets no answer asks again, each time with a context never used before (etcd's
//! bug R17 was a context used twice).
//!
//! # Invariants
//! - The loop awaits nothing but its inbox and its tick.
//! - The log is never cut above the applied index of the last durable commit of the state.
//! - A member stops on what it cannot trust: every error of storage is [`Fatal`].
//! - A member stops when one of its tasks is gone ([`Tasks`]): no part of it lives alone.

mod fatal;

pub mod event;

pub mod applier;
pub mod bootstrap;
pub mod event_loop;
pub mod handle;
pub mod proposals;
pub mod reads;
pub mod snapshot;
mod tasks;
pub mod watchers;
pub mod writer;

pub use event::NodeError;
pub use fatal::Fatal;
pub use handle::{Handle, Member, NodeStatus};
pub(crate) use tasks::Tasks;

//! The event loop around the pure core: it steps the core, and does what the core wants done.
//!
//! # The corridor of a request
//!
//! `api` calls [`Handle::propose`]; the command goes as an event to the loop ([`event_loop`]), which gives
//! it to the core. What the core wants done comes back as a `Ready`:
//!
//! 1. messages that may leave go to `peer` (bounded, dropped when full: the core copes with loss),
//! 2. an append goes to the log writer ([`writer`]), a task of its own, so that the loop never waits for the disk;
//!    when it is durable an event brings its token back and the core releases what waited for it,
//! 3. committed entries go to the applier ([`applier`]), again a task of its own; the answers come
//!    back as an event and find the callers in `pending`.
//!
//! # Reads
//!
//! [`Handle::read_index`] joins the next round of ReadIndex ([`reads`]). A round starts after the read
//! arrived and has a context never used before; a round that gets no answer is given up and
//! the next one gets a context of its own (etcd's bug R17 was a context used twice).
//!
//! # Invariants
//! - The loop awaits nothing but its inbox and its tick.
//! - The log is never cut above the applied index of the last durable commit of the state.
//! - A member stops on what it cannot trust: every error of storage is [`Fatal`].

mod fatal;

pub mod event;

pub mod applier;
pub mod event_loop;
pub mod handle;
pub mod reads;
pub mod snapshot;
pub mod watchers;
pub mod writer;

pub use event::NodeError;
pub use fatal::Fatal;
pub use handle::{Handle, Member, NodeStatus};

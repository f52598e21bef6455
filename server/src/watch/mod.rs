//! The watch hub: its watchers, how far each has come, and the responses that wait for clients.
//!
//! The hub is pure: it is told of changes and of requests, and puts responses into outboxes. It
//! never waits, reads no clock and knows no protobuf.
//!
//! A client *stream* carries many *watchers*. The hub's *revision* is the last one it was notified
//! of.
//!
//! - A **synced** watcher has been given everything up to the hub's revision; [`Hub::notify`] hands
//!   it the next one.
//! - An **unsynced** watcher started in the past or could not be given something because its
//!   stream's outbox was full. [`Hub::sync`] reads history for it from the store, in bounded steps,
//!   until it has caught up. When compaction overtakes it, it is cancelled with the compact
//!   revision: never is anything skipped in silence.
//! - Every watcher has a `next` revision: all before it has been queued, nothing from it on. It
//!   never goes back, also when a snapshot replaces the store ([`Hub::restore`]).
//!
//! A slow stream costs others nothing: its outbox is bounded, its watchers become unsynced, and the
//! store's history is the queue.
//!
//! *Progress* at revision R promises that everything up to R was sent before. Periodic
//! progress is given to synced watchers that had nothing else to say; asked-for progress (watch
//! id -1) once all watchers of the stream are synced and none of them starts in the future.
//!
//! All changes of one revision travel in one response, unless the watcher asked for fragments.
//! One response may carry several revisions.

mod hub;
mod invariants;
mod message;
mod stream;
mod synced;
#[cfg(test)]
mod tests;
mod watcher;

pub use hub::Hub;
pub use message::{NO_WATCHER, WatchBody, WatchRejected, WatchRequest, WatchResponse};
pub use stream::StreamId;

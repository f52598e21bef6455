//! The multi-version store: every change of every key, by revision, on redb.
//!
//! # How it works
//!
//! A *revision* `{main, sub}` names one change: `main` counts the requests that changed something
//! (a fresh store stands at 1, the first change makes 2), `sub` the changes inside one request.
//!
//! The file holds two tables. `revisions` maps a revision to a *record*: the key, the value, and
//! what etcd says of them (create revision, version, lease), or a tombstone. Records are never
//! changed, only added, and removed by compaction. Every record carries a CRC32C over itself and
//! its revision, checked at each read: redb does not verify what it reads, and a member stops on
//! what it cannot trust ([`StoreError::Corrupt`]). `meta` holds who the file belongs to and the
//! *state*: applied index, current revision, compaction. State and records change in one
//! transaction, so an applied index never speaks for effects that are not there.
//!
//! Transactions are committed to memory (`Durability::None`); the log makes
//! them durable. [`Store::flush`] commits durably from time to time; after a crash the store falls
//! back to that moment and the log is applied again from there.
//!
//! The *index* is in memory: for every key its revisions in order, rebuilt at boot. It answers
//! which record is wanted; only those are read.
//!
//! *Compaction* at C makes history below C unreadable at once and for good: for each key the newest
//! revision at or below C is kept, and a tombstone only when it stands at exactly C, which can
//! still be watched. The records are removed in bounded steps, each in the transaction of a batch
//! or a flush; boot finds what is left by reading the file against the compact revision.

mod backend;
mod cluster;
mod compact;
mod engine;
mod error;
mod event;
mod file;
mod hash;
mod history;
mod index;
mod keys;
mod memory;
mod proposals;
mod range;
mod record;
mod snapshot;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod txn;
mod write;

pub use cluster::Cluster;
pub use engine::panics_are_caught;
pub use error::{Applies, StoreError};
pub use event::{Changes, Event, EventKind};
pub use hash::{HashKv, StateHash};
pub use history::History;
pub use memory::AppliedMark;
pub use proposals::WINDOW;
pub use record::Revision;
pub use store::Store;
pub(crate) use write::Writer;

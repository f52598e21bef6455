//! What etcd's key space must answer: a sequential model, written from etcd's documentation alone.
//!
//! [`Store`] holds every version of every key, so that it can be read at any past revision, and
//! undoes its last revisions, so that a search may try a write and take it back. A request that
//! changes at least one key moves the store to the next revision, whatever the number of keys;
//! nothing else does. A fresh store is at revision 1.
//!
//! * [`Store::execute`] does a request and gives the answer that etcd must give.
//! * [`differ`] compares that with what was recorded, field by field.
//! * [`View`] reads the store now or as it was.
//!
//! Compaction is not the store's business: it only forbids reads, and *when* it did so is for the
//! caller to judge, since its answer does not say.

mod execute;
mod index;
mod leases;
mod mismatch;
mod read;
mod span;
mod store;
#[cfg(test)]
mod tests;

pub use execute::Refusal;
pub(crate) use index::KeyIndex;
pub use mismatch::{Mismatch, Scope, differ};
pub use read::{View, holds};
pub use span::Span;
pub use store::{Change, Store, Version};

//! A sequential model of etcd's key space, written from etcd's documentation alone.
//!
//! [`Store`] holds every version of every key, so it can be read at any past revision. It can undo
//! its last revisions, so a search may try a write and take it back. A request that changes at
//! least one key moves the store to the next revision, however many keys it changes; nothing else
//! does. A fresh store is at revision 1.
//!
//! * [`Store::execute`] applies a request and returns the answer that etcd must give.
//! * [`differ`] compares this answer with the recorded answer, field by field.
//! * [`validate`] says what etcd refuses before it asks the store.
//! * [`View`] reads the store as it is or as it was.
//!
//! The store does not model compaction. A compaction only forbids reads, and its answer does not
//! say when it took effect: the caller judges that.

mod execute;
mod index;
mod leases;
mod mismatch;
mod read;
mod span;
mod store;
#[cfg(test)]
mod tests;
mod validate;

pub use execute::Refusal;
pub(crate) use index::KeyIndex;
pub use mismatch::{Mismatch, Scope, differ};
pub use read::{View, holds};
pub use span::Span;
pub use store::{Change, Store, Version};
pub use validate::{Invalid, Validity, validate};

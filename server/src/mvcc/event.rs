//! What a change looks like to a watcher.

use crate::command::KeyValue;

/// Which way a key changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was put.
    Put,
    /// It was deleted.
    Delete,
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which way.
    pub kind: EventKind,
    /// The key afterwards; of a deletion only `key` and `mod_revision` are set.
    pub kv: KeyValue,
    /// The key before, unless it did not exist or is compacted away.
    pub prev_kv: Option<KeyValue>,
}

/// A revision with all its changes, in the order they were made; never none.
pub type Changes = (i64, Vec<Event>);

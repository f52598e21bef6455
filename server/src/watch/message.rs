//! The requests of clients to the hub, and the hub's responses.

use crate::command::KeyRange;
use crate::mvcc::Event;

/// The watch id of answers that belong to no watcher: refusals and asked-for progress.
pub const NO_WATCHER: i64 = -1;

/// # Source
/// etcd `rpc.proto`, `WatchCreateRequest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRequest {
    /// What to watch.
    pub range: KeyRange,
    /// The first revision to be told of; 0 for the next one.
    pub start_revision: i64,
    /// 0 lets the hub choose. Unique in the stream.
    pub watch_id: i64,
    /// Whether quiet times are broken by progress.
    pub progress_notify: bool,
    /// Leave out puts.
    pub no_put: bool,
    /// Leave out deletions.
    pub no_delete: bool,
    /// With each event the key as it was before.
    pub prev_kv: bool,
    /// Large responses may come in pieces.
    pub fragment: bool,
}

/// Something for the client of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchResponse {
    /// The watcher, or -1.
    pub watch_id: i64,
    /// The hub's revision when this was queued.
    pub revision: i64,
    /// What there is to say.
    pub body: WatchBody,
}

/// What a response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchBody {
    /// The watcher is there.
    Created,
    /// No watcher was made; the wire has this as created and canceled at once, with watch id -1.
    Rejected(WatchRejected),
    /// The watcher is gone, as the client wished.
    Canceled,
    /// The watcher is gone: what it wants next was compacted at this revision.
    Compacted(i64),
    /// Everything up to `revision` was sent before.
    Progress,
    /// Changes, by revision.
    Events {
        /// In order.
        events: Vec<Event>,
        /// Whether more of the same response follows.
        fragment: bool,
    },
}

/// Why a watcher was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchRejected {
    /// The stream has a watcher of that id.
    #[error("duplicate watch ID provided on the WatchStream")]
    DuplicateId,
    /// No key can lie in the range.
    #[error("watcher range is empty")]
    EmptyRange,
    /// A start below 0.
    ///
    /// # Source
    /// etcd since #20707; before, such a watcher read garbage.
    #[error("start revision is negative")]
    NegativeRevision,
}

//! What goes over a watch stream, with etcd's own field names.

use serde::{Deserialize, Serialize};

use super::{Blob, Header, KeyValue};

/// Asks for a watcher. Answered by a response with `created` on the same stream, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchCreateRequest {
    /// Which stream of the history; a number of the recorder's own, unique in the history.
    pub stream: u64,
    /// First key watched.
    pub key: Blob,
    /// As in [`RangeRequest`](super::RangeRequest).
    #[serde(skip_serializing_if = "super::is_default")]
    pub range_end: Blob,
    /// First revision wanted; 0 for "from now on".
    #[serde(skip_serializing_if = "super::is_default")]
    pub start_revision: i64,
    /// Send empty responses from time to time.
    #[serde(skip_serializing_if = "super::is_default")]
    pub progress_notify: bool,
    /// Kinds of event to leave out.
    #[serde(skip_serializing_if = "super::is_default")]
    pub filters: Vec<WatchFilter>,
    /// Send with each event what was there before.
    #[serde(skip_serializing_if = "super::is_default")]
    pub prev_kv: bool,
    /// The watcher's number, 0 to let the server choose.
    #[serde(skip_serializing_if = "super::is_default")]
    pub watch_id: i64,
    /// Large revisions may be split over several responses.
    #[serde(skip_serializing_if = "super::is_default")]
    pub fragment: bool,
}

/// Kinds of event that a watcher does not want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WatchFilter {
    /// No puts.
    #[serde(rename = "NOPUT")]
    NoPut,
    /// No deletions.
    #[serde(rename = "NODELETE")]
    NoDelete,
}

/// Asks to end a watcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchCancelRequest {
    /// Which stream.
    pub stream: u64,
    /// Which watcher.
    pub watch_id: i64,
}

/// Names a stream: a manual progress request, a response, the end of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamRef {
    /// Which stream.
    pub stream: u64,
}

/// One response that arrived on a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchResponse {
    /// Of the store when the response was made.
    pub header: Header,
    /// Which watcher; -1 for the answer to a manual progress request.
    pub watch_id: i64,
    /// Answers a create request.
    #[serde(skip_serializing_if = "super::is_default")]
    pub created: bool,
    /// The watcher is over.
    #[serde(skip_serializing_if = "super::is_default")]
    pub canceled: bool,
    /// Why it is over when its start was compacted: the oldest revision that can be watched.
    #[serde(skip_serializing_if = "super::is_default")]
    pub compact_revision: i64,
    /// Why it is over, in words.
    #[serde(skip_serializing_if = "super::is_default")]
    pub cancel_reason: String,
    /// More of the same revision follows.
    #[serde(skip_serializing_if = "super::is_default")]
    pub fragment: bool,
    /// What happened; empty for created, canceled and progress.
    #[serde(skip_serializing_if = "super::is_default")]
    pub events: Vec<Event>,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventType {
    /// It was put.
    #[default]
    Put,
    /// It was deleted.
    Delete,
}

/// One change of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Event {
    /// Put or delete.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// After a put, the key as stored; of a deletion only `key` and `mod_revision`.
    pub kv: KeyValue,
    /// What was there before, if the watcher asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_kv: Option<KeyValue>,
    /// Whether a put created the key, as the client said it, where `kv` does not show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_create: Option<IsCreate>,
}

/// Whether an event is of a put that created its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IsCreate(pub bool);

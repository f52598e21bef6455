//! Messages of a watch stream, with etcd's own field names.

use serde::{Deserialize, Serialize};

use super::{Blob, Header, KeyValue};

/// Creates a watcher. A response with `created` on the same stream answers it, in the order of
/// requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchCreateRequest {
    /// The recorder's number of the stream, unique in the history.
    pub stream: u64,
    /// First key watched.
    pub key: Blob,
    /// As in [`RangeRequest`](super::RangeRequest).
    #[serde(skip_serializing_if = "super::is_default")]
    pub range_end: Blob,
    /// The first revision to send; 0 for the next one.
    #[serde(skip_serializing_if = "super::is_default")]
    pub start_revision: i64,
    /// Send empty responses from time to time.
    #[serde(skip_serializing_if = "super::is_default")]
    pub progress_notify: bool,
    /// The kinds of events to leave out.
    #[serde(skip_serializing_if = "super::is_default")]
    pub filters: Vec<WatchFilter>,
    /// Send the key before the change with each event.
    #[serde(skip_serializing_if = "super::is_default")]
    pub prev_kv: bool,
    /// The watcher's id; 0 lets the server choose.
    #[serde(skip_serializing_if = "super::is_default")]
    pub watch_id: i64,
    /// The server may split the events of one revision over several responses.
    #[serde(skip_serializing_if = "super::is_default")]
    pub fragment: bool,
}

/// The kinds of events that a watcher leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WatchFilter {
    /// Leave out puts.
    #[serde(rename = "NOPUT")]
    NoPut,
    /// Leave out deletions.
    #[serde(rename = "NODELETE")]
    NoDelete,
}

/// Cancels a watcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchCancelRequest {
    /// The stream.
    pub stream: u64,
    /// The watcher.
    pub watch_id: i64,
}

/// The stream of a manual progress request, of a response, or of the stream's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StreamRef {
    /// The stream.
    pub stream: u64,
}

/// One response that arrived on a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchResponse {
    /// The revision is the store's when the response was made.
    pub header: Header,
    /// The watcher; -1 for the answer to a manual progress request.
    pub watch_id: i64,
    /// The response answers a create request.
    #[serde(skip_serializing_if = "super::is_default")]
    pub created: bool,
    /// The watcher is canceled.
    #[serde(skip_serializing_if = "super::is_default")]
    pub canceled: bool,
    /// The oldest revision that can be watched, if the watcher was canceled because its start was
    /// compacted.
    #[serde(skip_serializing_if = "super::is_default")]
    pub compact_revision: i64,
    /// The reason for the cancellation, in words.
    #[serde(skip_serializing_if = "super::is_default")]
    pub cancel_reason: String,
    /// More events of the same revision follow.
    #[serde(skip_serializing_if = "super::is_default")]
    pub fragment: bool,
    /// The events; none in responses for created, canceled and progress.
    #[serde(skip_serializing_if = "super::is_default")]
    pub events: Vec<Event>,
}

/// The kind of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum EventType {
    /// The key was put.
    #[default]
    Put,
    /// The key was deleted.
    Delete,
}

/// One change of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Event {
    /// Put or delete.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The key after a put; for a deletion only `key` and `mod_revision`.
    pub kv: KeyValue,
    /// The key before the change, if the watcher asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_kv: Option<KeyValue>,
    /// Whether the put created the key, as the client reported it, if `kv` does not show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_create: Option<IsCreate>,
}

/// Whether an event is a put that created its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IsCreate(pub bool);

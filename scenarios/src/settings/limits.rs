//! `[limits]`: how much a member takes, keeps and does at a time.
//!
//! What is absent is what a real member has, but for the log's segments, which are small in every run.
//! A swarm draws small limits, so that a run of a minute meets each of them.

use serde::{Deserialize, Serialize};

use super::value::Least;
use super::{Keyed, Value};
use crate::error::LoadError;
use crate::number::{Number, Spread};
use crate::reader::Keys;
use crate::time::Draw;

/// How much a member takes, keeps and does at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T::Number: Serialize",
        deserialize = "T::Number: Deserialize<'de>, LimitSettings<T>: Default"
    )
)]
pub struct LimitSettings<T: Value = u64> {
    /// Most bytes of entries in one append.
    pub append_bytes: T::Number,
    /// Most appends in flight to one follower.
    pub inflight_appends: T::Number,
    /// Events that wait for the event loop.
    pub inbox_events: T::Number,
    /// Events that the event loop takes in one turn.
    pub turn_events: T::Number,
    /// Messages that wait for a peer, on each connection.
    pub outbox_messages: T::Number,
    /// A segment of the log is closed at this size.
    pub wal_segment_bytes: T::Number,
    /// Bytes of the log that are gathered before they are written.
    pub wal_buffer_bytes: T::Number,
    /// Most records that a compaction removes at a time.
    pub compaction_step: T::Number,
    /// Most bytes of one chunk of a snapshot.
    pub chunk_bytes: T::Number,
    /// Responses that wait for a watch stream.
    pub stream_responses: T::Number,
    /// Bytes of events in one response of a watch, and in one fragment.
    pub response_bytes: T::Number,
    /// Most changes read for one watcher at a time.
    pub scan_changes: T::Number,
    /// Most watchers that catch up at a time.
    pub sync_watchers: T::Number,
}

impl LimitSettings<Draw> {
    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<LimitSettings<Draw>, LoadError> {
        let mut limit = |key, least, usual: u64| -> Result<Number, LoadError> {
            keys.choice(key, least..=usual.max(1 << 30), usual, Spread::Wide)
        };
        Ok(LimitSettings {
            append_bytes: limit("append_bytes", 1, 512 << 10)?,
            inflight_appends: limit("inflight_appends", 1, 512)?,
            inbox_events: limit("inbox_events", 1, 4096)?,
            turn_events: limit("turn_events", 1, 64)?,
            outbox_messages: limit("outbox_messages", 1, 1024)?,
            wal_segment_bytes: limit("wal_segment_bytes", 8 << 10, 64 << 10)?,
            wal_buffer_bytes: limit("wal_buffer_bytes", 1, 1 << 20)?,
            compaction_step: limit("compaction_step", 1, 500)?,
            chunk_bytes: limit("chunk_bytes", 64, 256 << 10)?,
            stream_responses: limit("stream_responses", 1, 128)?,
            response_bytes: limit("response_bytes", 1, 1 << 20)?,
            scan_changes: limit("scan_changes", 1, 1000)?,
            sync_watchers: limit("sync_watchers", 1, 64)?,
        })
    }

    /// Draws the limits that are left open.
    pub fn draw(&self, keyed: &mut impl Keyed) -> LimitSettings {
        LimitSettings {
            append_bytes: self.append_bytes.draw("append_bytes", keyed),
            inflight_appends: self.inflight_appends.draw("inflight_appends", keyed),
            inbox_events: self.inbox_events.draw("inbox_events", keyed),
            turn_events: self.turn_events.draw("turn_events", keyed),
            outbox_messages: self.outbox_messages.draw("outbox_messages", keyed),
            wal_segment_bytes: self.wal_segment_bytes.draw("wal_segment_bytes", keyed),
            wal_buffer_bytes: self.wal_buffer_bytes.draw("wal_buffer_bytes", keyed),
            compaction_step: self.compaction_step.draw("compaction_step", keyed),
            chunk_bytes: self.chunk_bytes.draw("chunk_bytes", keyed),
            stream_responses: self.stream_responses.draw("stream_responses", keyed),
            response_bytes: self.response_bytes.draw("response_bytes", keyed),
            scan_changes: self.scan_changes.draw("scan_changes", keyed),
            sync_watchers: self.sync_watchers.draw("sync_watchers", keyed),
        }
    }
}

impl Default for LimitSettings<Draw> {
    fn default() -> LimitSettings<Draw> {
        Keys::usual(LimitSettings::read)
    }
}

impl Default for LimitSettings {
    fn default() -> LimitSettings {
        LimitSettings::<Draw>::default().draw(&mut Least)
    }
}

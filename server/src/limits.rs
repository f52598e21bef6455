//! How much a member takes, keeps and does at a time: etcd's figures where etcd has them.
//!
//! A real member has the usual figures. The simulator draws small ones, so that a run of a minute
//! meets a snapshot of many chunks, a compaction of many steps, a full outbox and a full inbox.

/// How much a member takes, keeps and does at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of entries in one append.
    ///
    /// # Source
    /// etcd `maxSizePerMsg`.
    pub append_bytes: usize,
    /// Most appends in flight to one follower.
    ///
    /// # Source
    /// etcd `maxInflightMsgs`.
    pub inflight_appends: usize,
    /// Events that wait for the event loop.
    pub inbox_events: usize,
    /// Events that the event loop takes in one turn.
    pub turn_events: usize,
    /// Proposals that wait for a leader.
    pub waiting_proposals: usize,
    /// Messages that wait for a peer, on each connection.
    pub outbox_messages: usize,
    /// Bytes of the log that are gathered before they are written.
    pub wal_buffer_bytes: usize,
    /// The state's own limits.
    pub store: StoreLimits,
    /// The watch hub's limits.
    pub watch: WatchLimits,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            append_bytes: 512 << 10,
            inflight_appends: 512,
            inbox_events: 4096,
            turn_events: 64,
            waiting_proposals: 1024,
            outbox_messages: 1024,
            wal_buffer_bytes: 1 << 20,
            store: StoreLimits::default(),
            watch: WatchLimits::default(),
        }
    }
}

/// How much the state does at a time.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// Most records that a compaction removes in one transaction, beside what the transaction is
    /// for.
    pub compaction_step_records: usize,
    /// Most bytes of one chunk of a snapshot.
    pub snapshot_chunk_bytes: usize,
}

impl Default for StoreLimits {
    /// Few records a step in tests, so that crashes fall between steps.
    fn default() -> StoreLimits {
        StoreLimits {
            compaction_step_records: if cfg!(test) { 3 } else { 500 },
            snapshot_chunk_bytes: 256 << 10,
        }
    }
}

/// How much the hub does and keeps at a time.
#[derive(Clone, Copy, Debug)]
pub struct WatchLimits {
    /// A stream with so many responses waiting is given no more events.
    pub outbox_responses: usize,
    /// A stream with so many bytes waiting is given no more events.
    pub outbox_bytes: usize,
    /// A response with more bytes of events is cut into fragments, for those who ask for it.
    pub fragment_bytes: usize,
    /// Bytes of events after which history goes on in another response.
    pub response_bytes: usize,
    /// Most changes read for one watcher in one step.
    pub scan_changes: usize,
    /// Most watchers given a step in one [`Hub::sync`](crate::watch::Hub::sync).
    pub sync_watchers: usize,
}

impl Default for WatchLimits {
    fn default() -> WatchLimits {
        WatchLimits {
            outbox_responses: 128,
            outbox_bytes: 16 << 20,
            fragment_bytes: 2 << 20,
            response_bytes: 1 << 20,
            scan_changes: 1000,
            sync_watchers: 64,
        }
    }
}

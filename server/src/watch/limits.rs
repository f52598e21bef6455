//! How much the hub does and keeps at a time.

/// How much the hub does and keeps at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
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
    /// Most watchers given a step in one [`Hub::sync`](super::Hub::sync).
    pub sync_watchers: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            outbox_responses: 128,
            outbox_bytes: 16 << 20,
            fragment_bytes: 2 << 20,
            response_bytes: 1 << 20,
            scan_changes: 1000,
            sync_watchers: 64,
        }
    }
}

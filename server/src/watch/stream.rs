//! A client's stream: the watchers on it, and the outbox of responses.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::message::{WatchBody, WatchResponse};
use super::watcher::Watcher;
use crate::limits::WatchLimits;
use crate::mvcc::Event;

/// Names a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub(crate) u64);

pub(crate) struct Stream {
    pub(crate) watchers: BTreeMap<i64, Watcher>,
    outbox: VecDeque<WatchResponse>,
    outbox_bytes: usize,
    next_watch_id: i64,
    /// Called when the outbox stops being empty.
    wake: Box<dyn Fn() + Send>,
}

impl Stream {
    pub(crate) fn new(wake: Box<dyn Fn() + Send>) -> Stream {
        Stream {
            watchers: BTreeMap::new(),
            outbox: VecDeque::new(),
            outbox_bytes: 0,
            next_watch_id: 0,
            wake,
        }
    }

    /// The next free id.
    pub(crate) fn choose_id(&mut self) -> i64 {
        while self.watchers.contains_key(&self.next_watch_id) {
            self.next_watch_id += 1;
        }
        self.next_watch_id += 1;
        self.next_watch_id - 1
    }

    /// Whether events may be queued. Other responses always are: a client's own requests bound
    /// them.
    pub(crate) fn has_room(&self, limits: &WatchLimits) -> bool {
        self.outbox.len() < limits.outbox_responses && self.outbox_bytes < limits.outbox_bytes
    }

    pub(crate) fn push(&mut self, watch_id: i64, revision: i64, body: WatchBody) {
        self.outbox_bytes += body_bytes(&body);
        self.outbox.push_back(WatchResponse { watch_id, revision, body });
        if self.outbox.len() == 1 {
            (self.wake)();
        }
    }

    /// Puts a response ahead of all others (planted bug R5).
    pub(crate) fn push_ahead(&mut self, watch_id: i64, revision: i64, body: WatchBody) {
        self.outbox.push_front(WatchResponse { watch_id, revision, body });
        (self.wake)();
    }

    /// Queues events for a watcher, in fragments when it allows that and they are many.
    pub(crate) fn push_events(
        &mut self,
        watch_id: i64,
        revision: i64,
        events: Vec<Event>,
        limits: &WatchLimits,
    ) {
        let watcher = self.watchers.get_mut(&watch_id).expect("events are for watchers");
        watcher.quiet = false;
        let piece_bytes = if watcher.request.fragment { limits.fragment_bytes } else { usize::MAX };
        let mut piece = Vec::new();
        let mut bytes = 0;
        for event in events {
            let more = event_bytes(&event);
            if !piece.is_empty() && bytes + more > piece_bytes {
                let events = std::mem::take(&mut piece);
                self.push(watch_id, revision, WatchBody::Events { events, fragment: true });
                bytes = 0;
            }
            bytes += more;
            piece.push(event);
        }
        self.push(watch_id, revision, WatchBody::Events { events: piece, fragment: false });
    }

    /// Asserts that the outbox takes as many bytes as its responses do.
    pub(crate) fn check_invariants(&self) {
        let bytes: usize = self.outbox.iter().map(|waiting| body_bytes(&waiting.body)).sum();
        assert_eq!(self.outbox_bytes, bytes, "bytes counted and bytes waiting in an outbox");
    }

    pub(crate) fn pop(&mut self) -> Option<WatchResponse> {
        let response = self.outbox.pop_front()?;
        self.outbox_bytes -= body_bytes(&response.body);
        Some(response)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("watchers", &self.watchers)
            .field("outbox", &self.outbox.len())
            .finish_non_exhaustive()
    }
}

fn body_bytes(body: &WatchBody) -> usize {
    match body {
        WatchBody::Events { events, .. } => events.iter().map(event_bytes).sum(),
        _ => 0,
    }
}

/// What an event takes on the wire, roughly.
pub(crate) fn event_bytes(event: &Event) -> usize {
    const FIXED_BYTES: usize = 32;
    let kv = |kv: &crate::command::KeyValue| kv.key.len() + kv.value.len() + FIXED_BYTES;
    kv(&event.kv) + event.prev_kv.as_ref().map_or(0, kv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "bytes counted and bytes waiting in an outbox")]
    fn bytes_that_nothing_takes_are_noticed() {
        let mut stream = Stream::new(Box::new(|| ()));
        stream.push(0, 1, WatchBody::Created);
        stream.check_invariants();
        stream.outbox_bytes = 1;
        stream.check_invariants();
    }
}

//! What waits for one connection to one peer: bounded by messages and by bytes; a full one refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Bytes that wait for one connection to one peer, at most; a single message may be larger.
const BYTES_MAX: usize = 64 << 20;

/// The end that takes messages.
pub(super) struct Outbox {
    messages: mpsc::Sender<Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// The end that empties it.
pub(super) struct Emptier {
    messages: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// An empty outbox for so many messages.
pub(super) fn outbox(messages_max: usize) -> (Outbox, Emptier) {
    let (sender, receiver) = mpsc::channel(messages_max);
    let waiting = Arc::new(AtomicUsize::new(0));
    let emptier = Emptier { messages: receiver, waiting: waiting.clone() };
    (Outbox { messages: sender, waiting }, emptier)
}

impl Outbox {
    /// Whether a message of so many bytes has room.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        self.messages.capacity() > 0 && (waiting == 0 || waiting + bytes <= BYTES_MAX)
    }

    /// Adds a message; false when there is no room.
    pub(super) fn add(&self, message: Bytes) -> bool {
        let bytes = message.len();
        if !self.has_room(bytes) {
            return false;
        }
        // Counted first: it may be taken out before this task goes on.
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let added = self.messages.try_send(message).is_ok();
        if !added {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        added
    }
}

impl Emptier {
    /// The next message; `None` when nobody adds any more.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        let message = self.messages.recv().await?;
        self.waiting.fetch_sub(message.len(), Ordering::Relaxed);
        Some(message)
    }

    /// Throws away all that waits.
    pub(super) fn clear(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            self.waiting.fetch_sub(message.len(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn bytes(len: usize) -> Bytes {
        vec![0; len].into()
    }

    #[test]
    fn it_is_full_at_its_bytes_and_has_room_again() {
        let (outbox, mut emptier) = outbox(4);
        assert!(outbox.add(bytes(BYTES_MAX - 1)));
        assert!(outbox.add(bytes(1)));
        assert!(!outbox.add(bytes(1)));
        assert_eq!(emptier.next().now_or_never().flatten().map(|m| m.len()), Some(BYTES_MAX - 1));
        assert!(outbox.add(bytes(1)));
    }

    #[test]
    fn a_message_above_the_bound_goes_alone() {
        let (outbox, mut emptier) = outbox(4);
        assert!(outbox.add(bytes(BYTES_MAX + 1)));
        assert!(!outbox.add(bytes(0)));
        emptier.clear();
        assert!(outbox.add(bytes(0)));
    }

    #[test]
    fn it_is_full_at_its_messages() {
        let (outbox, mut emptier) = outbox(4);
        assert!((0..4).all(|_| outbox.add(bytes(0))));
        assert!(!outbox.add(bytes(0)));
        emptier.clear();
        assert!(outbox.add(bytes(0)));
    }
}

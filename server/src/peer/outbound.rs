//! The sending side of one way to one peer: connects, says who speaks, writes what comes, starts again.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use mettle_api::peer::{Frame, peer_client::PeerClient};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::head::{DISOWNED, Speaker, head};
use super::outbox::Emptier;
use super::received::{Inbox, Received};
use super::seal::seal;
use crate::consensus::types::{Message, NodeId};
use crate::platform::{Elapsed, Platform, timeout};
use crate::transport::{Channel, Settings};

/// Pause before a broken way is tried again.
const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// After so long without a message the sender says that it is there.
const BEAT_AFTER: Duration = Duration::from_secs(3);
/// A connection is tried for so long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Frames between the outbox and the wire.
const FRAMES_MAX: usize = 64;
/// A snapshot that takes longer is given up (and asked for again).
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(30);

/// Works until the outbox is closed. What waits while the way is broken is thrown away: it is old,
/// and the core says it anew when it matters.
pub(super) async fn run<I: Inbox>(mut way: Way<I>, mut outbox: Emptier) {
    while !way.stream(&mut outbox).await {
        way.platform.clock.sleep(RECONNECT_AFTER).await;
        outbox.clear();
    }
}

/// The same for proposals: whoever holds them is told when some may be lost.
pub(super) async fn run_proposals<I: Inbox>(mut way: Way<I>, mut outbox: Emptier) {
    while !way.stream(&mut outbox).await {
        way.platform.clock.sleep(RECONNECT_AFTER).await;
        outbox.clear();
        if way.inbox.give(Received::ProposalsLost { to: way.to }).await.is_err() {
            return;
        }
    }
}

/// A way to a peer: one connection, made again when it is gone.
pub(super) struct Way<I> {
    platform: Platform,
    own: Speaker,
    to: NodeId,
    inbox: I,
    channel: Channel,
    /// Why the peer was not reached, as it was said last.
    told: String,
}

/// A peer and where it is reached.
#[derive(Clone, Copy)]
pub(super) struct To {
    pub(super) id: NodeId,
    pub(super) addr: SocketAddr,
}

impl<I: Inbox> Way<I> {
    pub(super) fn new(platform: &Platform, own: Speaker, to: To, inbox: I) -> Way<I> {
        let channel = channel(platform, to.addr);
        Way { platform: platform.clone(), own, to: to.id, inbox, channel, told: String::new() }
    }

    /// One stream, as long as it holds; true when the outbox was closed.
    async fn stream(&mut self, outbox: &mut Emptier) -> bool {
        let (frames, stream) = mpsc::channel(FRAMES_MAX);
        let mut client = PeerClient::new(self.channel.clone());
        let call = client.stream(ReceiverStream::new(stream));
        let is_closed = tokio::select! {
            biased;
            answer = call => {
                if let Err(status) = answer {
                    self.tell(&status).await;
                }
                false
            }
            is_closed = self.feed(&frames, outbox) => is_closed,
        };
        if !is_closed {
            crate::probe!("peer stream restarted");
        }
        is_closed
    }

    /// Puts the head and then what comes on the wire; true when the outbox was closed.
    async fn feed(&self, frames: &mpsc::Sender<Frame>, outbox: &mut Emptier) -> bool {
        if frames.send(head(self.own, self.to)).await.is_err() {
            return false;
        }
        loop {
            let message = match timeout(&*self.platform.clock, BEAT_AFTER, outbox.next()).await {
                Ok(Some(message)) => message,
                Ok(None) => return true,
                Err(Elapsed) => {
                    if frames.send(Frame::default()).await.is_err() {
                        return false;
                    }
                    continue;
                }
            };
            for message in self.platform.net.peer_message(self.channel.to(), message) {
                if frames.send(Frame { head: None, payload: message }).await.is_err() {
                    return false;
                }
            }
        }
    }

    /// Tried five times a second: the same reason is said once.
    async fn tell(&mut self, status: &Status) {
        if status.code() == DISOWNED {
            let why = status.message().to_owned();
            let _ = self.inbox.give(Received::Disowned { by: self.to, why }).await;
        }
        if self.told != status.message() {
            status.message().clone_into(&mut self.told);
            let (addr, why) = (self.channel.to(), &self.told);
            tracing::warn!(to = format_args!("{:x}", self.to), %addr, why, "peer not reached");
        }
    }
}

/// Sends one snapshot; true when the peer answers that the snapshot is installed.
pub(super) async fn snapshot(
    platform: &Platform,
    own: Speaker,
    addr: SocketAddr,
    message: Message,
    chunks: Vec<Bytes>,
) -> bool {
    let mut client = PeerClient::new(channel(platform, addr));
    let (frames, stream) = mpsc::channel(FRAMES_MAX);
    let to = message.to;
    let feed = async move {
        let first = seal(&message);
        let payloads = std::iter::once(Bytes::from(first)).chain(chunks);
        let mut open = frames.send(head(own, to)).await.is_ok();
        for payload in payloads {
            if !open {
                return;
            }
            open = frames.send(Frame { head: None, payload }).await.is_ok();
        }
    };
    let call = client.snapshot(ReceiverStream::new(stream));
    let both = async {
        let ((), answer) = tokio::join!(feed, call);
        answer
    };
    match timeout(&*platform.clock, SNAPSHOT_TIMEOUT, both).await {
        Ok(Ok(_)) => true,
        Ok(Err(status)) => {
            tracing::info!(to = format_args!("{to:x}"), %status, "snapshot refused");
            false
        }
        Err(_) => false,
    }
}

pub(super) fn channel(platform: &Platform, addr: SocketAddr) -> Channel {
    let settings = Settings { connect_timeout: CONNECT_TIMEOUT, ..Settings::peer() };
    Channel::new(platform.net.clone(), platform.clock.clone(), addr, settings)
}

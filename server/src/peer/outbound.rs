//! The sending side of one way to one peer: connects, says who speaks, writes what comes, starts again.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use mettle_api::peer::{Frame, peer_client::PeerClient};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::head::head;
use crate::consensus::types::{Message, NodeId};
use crate::identity::Identity;
use crate::platform::{Platform, timeout};
use crate::transport::{Channel, Settings};

/// Pause before a broken way is tried again.
const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// A connection is tried for so long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Frames between the outbox and the wire.
const FRAMES_MAX: usize = 64;
/// A snapshot that takes longer is given up (and asked for again).
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(30);

/// Works until the outbox is closed.
pub(super) async fn run(
    platform: Platform,
    identity: Identity,
    to: NodeId,
    addr: SocketAddr,
    mut outbox: mpsc::Receiver<Bytes>,
) {
    let channel = channel(&platform, addr);
    let mut told = String::new();
    loop {
        let (frames, stream) = mpsc::channel(FRAMES_MAX);
        let mut client = PeerClient::new(channel.clone());
        let call = client.stream(ReceiverStream::new(stream));
        let feed = async {
            if frames.send(head(identity, to)).await.is_err() {
                return true;
            }
            while let Some(message) = outbox.recv().await {
                for message in platform.net.peer_message(addr, message) {
                    let frame = Frame { head: None, payload: message };
                    if frames.send(frame).await.is_err() {
                        return true;
                    }
                }
            }
            false
        };
        let again = tokio::select! {
            biased;
            answer = call => {
                if let Err(status) = answer {
                    // Tried five times a second: the same reason is said once.
                    if told != status.message() {
                        status.message().clone_into(&mut told);
                        tracing::warn!(to = format_args!("{to:x}"), %addr, why = told, "peer not reached");
                    }
                }
                true
            }
            again = feed => again,
        };
        if !again {
            return;
        }
        crate::probe!("peer stream restarted");
        platform.clock.sleep(RECONNECT_AFTER).await;
        // What waited meanwhile is old: the core says it anew when it matters.
        while outbox.try_recv().is_ok() {}
    }
}

/// Sends one snapshot; true when the peer answers that the snapshot is installed.
pub(super) async fn snapshot(
    platform: &Platform,
    identity: Identity,
    addr: SocketAddr,
    message: Message,
    chunks: Vec<Bytes>,
) -> bool {
    let mut client = PeerClient::new(channel(platform, addr));
    let (frames, stream) = mpsc::channel(FRAMES_MAX);
    let to = message.to;
    let feed = async move {
        let first = postcard::to_stdvec(&message).expect("a message is plain bytes and numbers");
        let payloads = std::iter::once(Bytes::from(first)).chain(chunks);
        let mut open = frames.send(head(identity, to)).await.is_ok();
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

fn channel(platform: &Platform, addr: SocketAddr) -> Channel {
    let settings = Settings { connect_timeout: CONNECT_TIMEOUT, ..Settings::peer() };
    Channel::new(platform.net.clone(), platform.clock.clone(), addr, settings)
}

//! How members speak to each other: gRPC on the peer URL, with bounded outboxes that drop.
//!
//! A member keeps three kinds of connections to each peer: one for appends, one for all other
//! messages, and one for each snapshot. On a single connection the kinds would wait for one another.
//! A full outbox drops the message, and the core is told so; the event loop never waits for a peer.
//!
//! Every stream opens with a head that names format, cluster, sender and receiver. A member refuses a
//! stream that is meant for another member (etcd's bug X27: a member reborn at the same address took
//! such a message).
//!
//! What comes from a peer is [`Received`], and goes to an [`Inbox`]: this room does not know the loop.

mod head;
mod inbound;
mod outbound;
mod received;

pub use inbound::PeerService;
pub use received::{Closed, Inbox, Received};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::consensus::types::{Message, MessageBody, NodeId, SnapshotMark, Term};
use crate::identity::Identity;
use crate::platform::Platform;

/// The ways to all peers.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

struct Inner {
    identity: Identity,
    platform: Platform,
    links: BTreeMap<NodeId, Link>,
}

struct Link {
    addr: SocketAddr,
    appends: mpsc::Sender<Bytes>,
    rest: mpsc::Sender<Bytes>,
}

impl Peers {
    /// Starts two streams to each peer.
    pub fn start(
        identity: Identity,
        platform: &Platform,
        peers: &BTreeMap<NodeId, SocketAddr>,
        outbox_messages: usize,
    ) -> Peers {
        let start = |to: NodeId, addr: SocketAddr| {
            let (outbox, messages) = mpsc::channel(outbox_messages);
            tokio::spawn(outbound::run(platform.clone(), identity, to, addr, messages));
            outbox
        };
        let links = peers
            .iter()
            .map(|(&to, &addr)| {
                (to, Link { addr, appends: start(to, addr), rest: start(to, addr) })
            })
            .collect();
        Peers(Arc::new(Inner { identity, platform: platform.clone(), links }))
    }

    /// Puts a message into its outbox; false when it was dropped.
    pub fn send(&self, message: Message) -> bool {
        let Some(link) = self.0.links.get(&message.to) else { return false };
        let outbox = match message.body {
            MessageBody::Append { .. } => &link.appends,
            _ => &link.rest,
        };
        let bytes = postcard::to_stdvec(&message).expect("a message is plain bytes and numbers");
        let sent = outbox.try_send(bytes.into()).is_ok();
        if !sent {
            crate::probe!("peer outbox full");
        }
        sent
    }

    /// Sends a snapshot on a connection of its own; true when the peer has installed it.
    pub async fn send_snapshot(
        &self,
        to: NodeId,
        term: Term,
        mark: SnapshotMark,
        chunks: Vec<Bytes>,
    ) -> bool {
        let Some(link) = self.0.links.get(&to) else { return false };
        let from = self.0.identity.member_id;
        let message = Message { from, to, term, body: MessageBody::Snapshot { mark } };
        outbound::snapshot(&self.0.platform, self.0.identity, link.addr, message, chunks).await
    }
}

//! How members speak to each other: gRPC on the peer URL, with bounded outboxes that drop.
//!
//! A member keeps four kinds of connections to each peer: one for appends, one for proposals that are
//! passed on, one for all other messages, and one for each snapshot. On a single connection the kinds
//! would wait for one another. A full outbox refuses the message, and the sender is told so; the
//! event loop never waits for a peer. When a connection breaks, what was on it is lost: the core says
//! it anew when it matters, and for proposals the loop is told ([`Received::ProposalsLost`]).
//!
//! Every stream opens with a head that names format, cluster, sender and receiver. A member refuses a
//! stream that is meant for another member (etcd's bug X27: a member reborn at the same address took
//! such a message). The head also says how the sender's life began, and a peer that comes with another
//! disk than it had is refused ([`Register`]). A peer that is refused so is told, and ends.
//!
//! Heads, messages and chunks carry checksums, since a bit that flips on the way past TCP's checksum
//! would otherwise become an entry, an index or a term. A flipped length can make a stream wait for
//! bytes that never come: a stream says every few seconds that the sender is there, and one that is
//! silent is ended and begun anew.
//!
//! What comes from a peer is [`Received`], and goes to an [`Inbox`]: this room does not know the loop.

mod head;
mod inbound;
mod outbound;
mod outbox;
mod received;
mod register;
mod seal;
mod standing;

pub use head::Speaker;
pub use inbound::PeerService;
pub use received::{Closed, Inbox, Received};
pub use register::{Beginning, Register, Stranger};
pub use standing::{Standing, ask as ask_standing};

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::consensus::types::{Message, MessageBody, NodeId, SnapshotMark, Term};
use crate::platform::{BoxFuture, Platform};
use outbound::Way;
use outbox::Outbox;

/// The ways to all peers.
#[derive(Clone)]
pub struct Peers(Arc<Inner>);

struct Inner {
    own: Speaker,
    platform: Platform,
    links: BTreeMap<NodeId, Link>,
}

struct Link {
    addr: SocketAddr,
    appends: Outbox,
    proposals: Outbox,
    rest: Outbox,
}

impl Peers {
    /// Starts three streams to each peer with `spawn`; what is lost of proposals is said to `inbox`.
    pub fn start(
        own: Speaker,
        platform: &Platform,
        peers: &BTreeMap<NodeId, SocketAddr>,
        outbox_messages: usize,
        inbox: &impl Inbox,
        spawn: &dyn Fn(BoxFuture<'static, ()>),
    ) -> Peers {
        let way = |to: NodeId, addr: SocketAddr| {
            Way::new(platform, own, outbound::To { id: to, addr }, inbox.clone())
        };
        let start = |way: Way<_>| {
            let (outbox, emptier) = outbox::outbox(outbox_messages);
            spawn(Box::pin(outbound::run(way, emptier)));
            outbox
        };
        let start_proposals = |way: Way<_>| {
            let (outbox, emptier) = outbox::outbox(outbox_messages);
            spawn(Box::pin(outbound::run_proposals(way, emptier)));
            outbox
        };
        let mut links = BTreeMap::new();
        for (&to, &addr) in peers {
            let (appends, rest) = (start(way(to, addr)), start(way(to, addr)));
            let proposals = start_proposals(way(to, addr));
            links.insert(to, Link { addr, appends, proposals, rest });
        }
        Peers(Arc::new(Inner { own, platform: platform.clone(), links }))
    }

    /// Whether a proposal of so many bytes can be passed on to `to` now.
    pub fn takes_proposal(&self, to: NodeId, bytes: usize) -> bool {
        self.0.links.get(&to).is_some_and(|link| link.proposals.has_room(bytes))
    }

    /// Puts a message into its outbox; false when it was dropped.
    pub fn send(&self, message: Message) -> bool {
        let Some(link) = self.0.links.get(&message.to) else { return false };
        let outbox = match message.body {
            MessageBody::Append { .. } => &link.appends,
            MessageBody::Propose { .. } => &link.proposals,
            _ => &link.rest,
        };
        let sent = outbox.add(seal::seal(&message).into());
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
        let from = self.0.own.identity.member_id;
        let message = Message { from, to, term, body: MessageBody::Snapshot { mark } };
        outbound::snapshot(&self.0.platform, self.0.own, link.addr, message, chunks).await
    }
}

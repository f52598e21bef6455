//! What comes from a peer, and to whom it is given: the transport knows no loop.

use std::future::Future;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::consensus::types::{Message, NodeId};

/// What a peer sent to this member.
#[derive(Debug)]
pub enum Received {
    /// One message.
    Message(Message),
    /// The way of proposals to a peer broke: proposals on it may be lost.
    ProposalsLost {
        /// The peer.
        to: NodeId,
    },
    /// A peer takes this member's disk for another one, and will never listen to it.
    Disowned {
        /// The peer.
        by: NodeId,
        /// What it said.
        why: String,
    },
    /// A snapshot, whole.
    Snapshot {
        /// The message it belongs to.
        message: Message,
        /// The state.
        chunks: Vec<Bytes>,
        /// Told whether the snapshot was installed.
        reply: oneshot::Sender<bool>,
    },
}

/// Nobody takes anything any more: the member is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Where received things go.
pub trait Inbox: Clone + Send + Sync + 'static {
    /// Gives one thing; waits while the inbox is full, which slows the peer down.
    fn give(&self, received: Received) -> impl Future<Output = Result<(), Closed>> + Send;
}

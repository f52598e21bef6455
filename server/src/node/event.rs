//! The events of the loop, and its answers to callers that wait.

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::Fatal;
use crate::command::{Applied, ProposalId, Rejected};
use crate::consensus::types::{AppendToken, Index, Message, NodeId};
use crate::peer::{Closed, Inbox, Received};

/// Why the node gave no answer. For a proposal the outcome is unknown, but for `NoLeader` and `TooManyRequests`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Nobody leads, so nothing was proposed.
    #[error("no leader")]
    NoLeader,
    /// No answer in time.
    #[error("request timed out")]
    Timeout,
    /// The member is stopping.
    #[error("server stopped")]
    Stopped,
    /// More is waiting than the member takes; nothing was proposed.
    #[error("too many requests")]
    TooManyRequests,
}

/// Who waits for a proposal.
pub type ProposalWaiter = oneshot::Sender<Result<Result<Applied, Rejected>, NodeError>>;

/// Who waits for a read index.
pub type ReadWaiter = oneshot::Sender<Result<(), NodeError>>;

/// A change that a client wants.
pub struct Proposal {
    /// Its name.
    pub id: ProposalId,
    /// Its bytes in the log.
    pub command: Bytes,
    /// Who waits.
    pub reply: ProposalWaiter,
}

/// Everything the loop reacts to, beside its tick.
pub enum Event {
    /// A peer said something, or sent its state.
    Peer(Received),
    /// A client wants a change.
    Propose(Proposal),
    /// A client wants to read what is committed.
    Read {
        /// Who waits.
        reply: ReadWaiter,
    },
    /// The log is durable up to this append.
    Persisted(AppendToken),
    /// Entries were applied.
    Applied {
        /// Up to here.
        index: Index,
        /// What this member's proposals among them answered.
        answers: Vec<(ProposalId, Result<Applied, Rejected>)>,
    },
    /// The state is durable up to here.
    Flushed(Index),
    /// A peer's snapshot is installed and durable.
    SnapshotInstalled {
        /// The message it belongs to.
        message: Message,
        /// Told so.
        reply: oneshot::Sender<bool>,
    },
    /// A peer's snapshot is damaged, or of a format that this program does not know: the state stays.
    SnapshotRefused {
        /// Told so.
        reply: oneshot::Sender<bool>,
    },
    /// A snapshot for a follower was sent, or was not.
    SnapshotSent {
        /// To whom.
        to: NodeId,
        /// Whether it arrived.
        ok: bool,
    },
    /// The member is asked to stop.
    Stop,
    /// The applier has flushed the state and is gone.
    Stopped,
    /// Storage cannot be trusted.
    Fatal(Fatal),
}

/// Peers speak to the loop as everybody else does: by its one inbox.
impl Inbox for mpsc::Sender<Event> {
    async fn give(&self, received: Received) -> Result<(), Closed> {
        self.send(Event::Peer(received)).await.map_err(|_| Closed)
    }
}

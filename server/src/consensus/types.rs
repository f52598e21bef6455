//! What the core takes in and gives out: entries, hard state, `Ready`. Messages are in `message`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use super::message::{Message, MessageBody};
pub use super::stored::{Broken, Stored};

/// A member's number inside consensus; never 0.
pub type NodeId = u64;
/// An election's number, from 1; 0 means none yet.
pub type Term = u64;
/// A place in the log, from 1; 0 means before the first entry.
pub type Index = u64;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Term of the leader that wrote it.
    pub term: Term,
    /// Its place.
    pub index: Index,
    /// What it carries.
    pub payload: Payload,
}

/// What an entry carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Payload {
    /// Nothing: a new leader's first entry, which commits what came before.
    Empty,
    /// A command of the state machine.
    Command(Bytes),
    /// A change of membership (not proposed by anyone yet).
    Membership(Membership),
}

/// What must be durable beside the entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HardState {
    /// Latest term seen.
    pub term: Term,
    /// The candidate that got this member's vote in `term`; 0 for none.
    pub vote: NodeId,
    /// Highest index known committed.
    pub commit: Index,
}

impl Entry {
    /// Bytes it takes in a message, roughly.
    pub(super) fn size(&self) -> usize {
        let payload = match &self.payload {
            Payload::Empty => 0,
            Payload::Command(command) => command.len(),
            Payload::Membership(membership) => 8 * membership.everyone().len(),
        };
        payload + 16
    }
}

impl Payload {
    /// CRC32C by which observers compare entries of different members.
    pub fn crc(&self) -> u32 {
        match self {
            Self::Empty => 0,
            Self::Command(command) => crc32c::crc32c(command),
            Self::Membership(Membership { voters, outgoing, learners }) => {
                let ids = [voters, outgoing, learners].into_iter().flatten();
                ids.fold(0, |crc, id| crc32c::crc32c_append(crc, &id.to_le_bytes()))
            }
        }
    }
}

/// Who belongs to the cluster. `outgoing` and `learners` are room for joint consensus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// Voters, sorted.
    pub voters: Vec<NodeId>,
    /// Voters of the configuration being left (joint consensus), sorted.
    pub outgoing: Vec<NodeId>,
    /// Members that receive entries and do not vote, sorted.
    pub learners: Vec<NodeId>,
}

/// Where a snapshot stands: the state after applying everything up to `index`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SnapshotMark {
    /// Last index it includes.
    pub index: Index,
    /// That entry's term.
    pub term: Term,
    /// Membership at that index.
    pub membership: Membership,
}

/// Names an append given to storage, so that the core can be told when it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppendToken(pub u64);

/// Something for storage to make durable, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AppendBatch {
    /// Give this to `persisted` when all of it is durable. Tokens are persisted in order.
    pub token: AppendToken,
    /// New hard state, when it changed.
    pub hard_state: Option<HardState>,
    /// Entries; the first may overwrite (cut) the log from its index on.
    pub entries: Vec<Entry>,
    /// An installed snapshot, after which the log restarts; `entries` follow the snapshot.
    pub snapshot: Option<SnapshotMark>,
}

/// What the event loop must do next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Messages that may leave now (also those released by `persisted`).
    pub messages: Vec<Message>,
    /// Something to make durable, in the background.
    pub append: Option<AppendBatch>,
    /// Entries to apply, in order; durable here and committed.
    pub committed: Vec<Entry>,
    /// Reads whose index is confirmed: serve each when `index` is applied.
    pub reads: Vec<ReadState>,
    /// Reads that will not be answered (leadership lost, no leader): to be asked again, under a
    /// new context.
    pub dropped_reads: Vec<Bytes>,
    /// Role, term or leader changed.
    pub status: Option<Status>,
    /// Followers that lag behind the log's first index and need a snapshot now.
    pub snapshots_to: Vec<NodeId>,
    /// This member's log cannot be trusted any more: the event loop stops the member.
    pub broken: Option<Broken>,
}

/// A confirmed read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReadState {
    /// The caller's context.
    pub context: Bytes,
    /// Serve when this is applied.
    pub index: Index,
}

/// What this member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether an election would be won.
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Leads.
    Leader,
}

/// Role, term and leader at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What this member is.
    pub role: Role,
    /// Its term.
    pub term: Term,
    /// Who leads, 0 when unknown.
    pub leader: NodeId,
    /// Highest committed index.
    pub commit: Index,
}

/// How a core is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// This member.
    pub id: NodeId,
    /// An election starts after [this, twice this) ticks without a leader.
    pub election_timeout_ticks: u32,
    /// A leader speaks every so many ticks.
    pub heartbeat_ticks: u32,
    /// Most bytes of entries in one append (at least one entry goes).
    pub append_bytes_max: usize,
    /// Most appends in flight to one follower.
    pub inflight_max: usize,
    /// Seeds the election timeouts; from the platform's entropy.
    pub seed: u64,
}

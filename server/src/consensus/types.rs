//! What the core takes in and gives out: entries, hard state, messages, `Ready`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

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
    /// Whom this member voted for in that term; 0 for nobody.
    pub vote: NodeId,
    /// Highest index known committed.
    pub commit: Index,
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

/// One message between members.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub from: NodeId,
    /// Whom to.
    pub to: NodeId,
    /// The sender's term (for pre-votes: the term it would campaign in).
    pub term: Term,
    /// What it says.
    pub body: MessageBody,
}

/// The kinds of messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageBody {
    /// Would you vote for me? Changes nothing at the receiver.
    PreVote { last_index: Index, last_term: Term },
    /// Answer to a pre-vote; `term` is the campaign's when granted, the voter's own when refused.
    PreVoteResponse { granted: bool },
    /// Vote for me. `transfer` campaigns at the leader's wish and skips the lease check.
    Vote { last_index: Index, last_term: Term, transfer: bool },
    /// Answer to a vote.
    VoteResponse { granted: bool },
    /// Entries after `prev_index`.
    Append { prev_index: Index, prev_term: Term, entries: Vec<Entry>, commit: Index },
    /// The log now matches the leader's up to `index`.
    AppendAccepted { index: Index },
    /// `rejected` (a `prev_index`) did not match; try at or below `hint_index`, whose term here is `hint_term`.
    AppendRejected { rejected: Index, hint_index: Index, hint_term: Term },
    /// The leader is alive; `context` of the latest ReadIndex round it wants confirmed (empty: none).
    Heartbeat { commit: Index, context: Bytes },
    /// Answer, with the same context.
    HeartbeatResponse { context: Bytes },
    /// A snapshot is on its way at this mark; the shell sends the bytes beside it and hands the
    /// receiver's core this message only once they are installed and durable.
    Snapshot { mark: SnapshotMark },
    /// A follower passes on a proposal.
    Propose { command: Bytes },
    /// A follower asks for a read index.
    ReadIndex { context: Bytes },
    /// The leader's answer.
    ReadIndexResponse { context: Bytes, index: Index },
    /// Campaign now: leadership is handed to you.
    TimeoutNow,
}

/// Names an append given to storage, so that the core can be told when it is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppendToken(pub u64);

/// Something for storage to make durable, and what waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendBatch {
    /// Give this to `persisted` when all of it is durable. Tokens are persisted in order.
    pub token: AppendToken,
    /// New hard state, when it changed.
    pub hard_state: Option<HardState>,
    /// Entries; the first may overwrite (cut) the log from its index on.
    pub entries: Vec<Entry>,
    /// The log restarts after this installed snapshot, when there is one (then `entries` come after).
    pub snapshot: Option<SnapshotMark>,
}

/// What the shell must do next.
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
    /// Reads that will not be answered (leadership lost, no leader): the shell retries with a new context.
    pub dropped_reads: Vec<Bytes>,
    /// Role, term or leader changed.
    pub status: Option<Status>,
    /// Followers that lag behind the log's first index and need a snapshot now.
    pub snapshots_to: Vec<NodeId>,
    /// This member's log cannot be trusted any more: the shell stops the member.
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

/// What the core cannot go on with: a promise of Raft was broken, by a disk or by a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Broken {
    /// The log ends before something this member knows to be committed and acknowledged.
    #[error("entries up to {known} are committed here, but the log ends at {last}")]
    LostEntries {
        /// Highest index that must be here.
        known: Index,
        /// Where the log ends.
        last: Index,
    },
    /// A leader wants another entry where this member holds a committed one.
    #[error("committed entry {index} of term {ours} would be overwritten by one of term {theirs}")]
    CommittedConflict {
        /// Place of the entry.
        index: Index,
        /// Its term here.
        ours: Term,
        /// Its term at the leader.
        theirs: Term,
    },
    /// Another member leads the term in which this one leads.
    #[error("member {other} leads term {term} too")]
    TwoLeaders {
        /// The term.
        term: Term,
        /// The other leader.
        other: NodeId,
    },
    /// The stored entries do not follow each other.
    #[error("entry {found} is stored where {expected} belongs")]
    Gap {
        /// Index that belongs there.
        expected: Index,
        /// Index found there.
        found: Index,
    },
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

/// What storage had at boot.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// Where the log begins: everything up to here is in the state machine's durable state.
    pub snapshot: SnapshotMark,
    /// Entries after it, without gaps.
    pub entries: Vec<Entry>,
    /// What the state machine had applied when it was last durable (at least `snapshot.index`).
    pub applied: Index,
}

impl Stored {
    /// Brings the log in line with a state machine that is durable up to `applied` of `term`.
    ///
    /// A crash between the installation of a snapshot and the log's record of it leaves a log that
    /// ends before the state, or disagrees with it; the log then restarts after the state.
    ///
    /// # Errors
    /// [`Broken`] when entries are missing that storage had promised to keep.
    pub fn settle(mut self, applied: Index, term: Term) -> Result<Self, Broken> {
        let mut expected = self.snapshot.index;
        for entry in &self.entries {
            expected += 1;
            if entry.index != expected {
                return Err(Broken::Gap { expected, found: entry.index });
            }
        }
        let start = self.snapshot.index;
        if applied < start {
            return Err(Broken::LostEntries { known: start, last: applied });
        }
        let held = match applied - start {
            0 => Some(self.snapshot.term),
            offset => self.entries.get(offset as usize - 1).map(|entry| entry.term),
        };
        if held != Some(term) {
            self.snapshot.index = applied;
            self.snapshot.term = term;
            self.entries.clear();
        }
        let last = self.entries.last().map_or(self.snapshot.index, |entry| entry.index);
        let known = self.hard_state.commit;
        if known > last {
            return Err(Broken::LostEntries { known, last });
        }
        self.applied = applied;
        Ok(self)
    }
}

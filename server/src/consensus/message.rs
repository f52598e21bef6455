//! The messages members exchange.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::types::{Entry, Index, NodeId, SnapshotMark, Term};

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
    PreVote {
        /// Where the asker's log ends.
        last_index: Index,
        /// Term of its last entry.
        last_term: Term,
    },
    /// Answer to a pre-vote; `term` is the campaign's when granted, the voter's own when refused.
    PreVoteResponse {
        /// Whether a vote would be given.
        granted: bool,
    },
    /// Vote for me.
    Vote {
        /// Where the candidate's log ends.
        last_index: Index,
        /// Term of its last entry.
        last_term: Term,
        /// The leader wishes it: no matter that the leader is alive.
        transfer: bool,
    },
    /// Answer to a vote.
    VoteResponse {
        /// Whether the vote is given.
        granted: bool,
    },
    /// Entries after `prev_index`.
    Append {
        /// The entry before them.
        prev_index: Index,
        /// That entry's term.
        prev_term: Term,
        /// The entries, without gaps; none to ask whether the log matches so far.
        entries: Vec<Entry>,
        /// The leader's commit index.
        commit: Index,
    },
    /// The log now matches the leader's up to `index`, durably.
    AppendAccepted {
        /// The last index that matches.
        index: Index,
    },
    /// The append did not fit; try after `hint_index`, or below if the terms there differ.
    AppendRejected {
        /// The `prev_index` that did not match.
        rejected: Index,
        /// Where the logs may match at best.
        hint_index: Index,
        /// The term of that entry here.
        hint_term: Term,
    },
    /// The leader is alive.
    Heartbeat {
        /// What is committed, as far as the receiver is known to hold it.
        commit: Index,
        /// The round of reads to be confirmed; empty for none.
        context: Bytes,
    },
    /// Answer to a heartbeat.
    HeartbeatResponse {
        /// The heartbeat's context.
        context: Bytes,
    },
    /// A snapshot is on its way at this mark; the event loop sends the bytes beside it and hands the
    /// receiver's core this message only once they are installed and durable.
    Snapshot {
        /// Where the snapshot stands.
        mark: SnapshotMark,
    },
    /// A follower passes on a proposal.
    Propose {
        /// The command.
        command: Bytes,
    },
    /// A follower asks for a read index.
    ReadIndex {
        /// Names the attempt.
        context: Bytes,
    },
    /// The leader's answer.
    ReadIndexResponse {
        /// The attempt's name.
        context: Bytes,
        /// Serve the read when this is applied.
        index: Index,
    },
    /// Campaign now: leadership is handed to you.
    TimeoutNow,
}

//! The core of a member: state, start, ticks and status.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::log::Log;
use super::progress::Progress;
use super::random::Random;
use super::read_index::Reads;
use super::ready::Outbox;
use super::stall::Stall;
use super::types::{
    Config, Index, Membership, Message, MessageBody, NodeId, Role, Status, Stored, Term,
};
use crate::planted;

/// Answers given in an election so far.
pub(super) type Votes = BTreeMap<NodeId, bool>;

/// A member's role, with the state that only this role has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RoleState {
    Follower,
    PreCandidate(Votes),
    Candidate { votes: Votes, transfer: bool },
    Leader(Leader),
}

impl RoleState {
    /// What a leader keeps; asked only where this member is known to lead.
    pub(super) fn expect_leader(&mut self) -> &mut Leader {
        match self {
            RoleState::Leader(leader) => leader,
            other => panic!("{other:?} was asked for what only a leader keeps"),
        }
    }
}

/// What a leader keeps beside the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leader {
    /// Progress of everyone but the leader itself. Whoever has none here is not of the cluster, and
    /// is not listened to.
    pub(super) progress: BTreeMap<NodeId, Progress>,
    /// Reads on their way to being confirmed.
    pub(super) reads: Reads,
    /// The first entry of the leader's term; its commit commits every entry before.
    pub(super) first_index: Index,
    /// Something new to tell followers: entries, or a higher commit index.
    pub(super) needs_broadcast: bool,
}

/// Why a proposal was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Nobody leads, as far as this member knows.
    #[error("no leader")]
    NoLeader,
}

/// The consensus of one member: give it events, then do what [`ready`](Core::ready) says.
#[derive(Clone, Debug)]
pub struct Core {
    pub(super) config: Config,
    pub(super) membership: Membership,
    pub(super) term: Term,
    pub(super) vote: NodeId,
    pub(super) leader: NodeId,
    pub(super) role_state: RoleState,
    pub(super) log: Log,
    pub(super) outbox: Outbox,
    /// Reads passed on to the leader, and for how many ticks.
    pub(super) forwarded: BTreeMap<Bytes, u32>,
    /// Ticks since the leader was heard (for a leader: since the quorum was checked).
    pub(super) election_elapsed_ticks: u32,
    /// Ticks since heartbeats were sent, or votes asked for again.
    pub(super) heartbeat_elapsed_ticks: u32,
    /// Ticks without a leader after which this member campaigns; drawn anew each time.
    pub(super) randomized_timeout_ticks: u32,
    pub(super) random: Random,
    /// How storage does.
    pub(super) stall: Stall,
    /// Events after which the invariants were checked.
    pub(super) events_checked: u32,
}

impl Core {
    /// Starts a member from what storage had; applying goes on after `stored.applied`.
    ///
    /// `stored` comes from [`Stored::settle`]; anything else may panic here.
    pub fn new(config: Config, stored: Stored) -> Self {
        assert!(config.id != 0, "a member's number is never 0");
        assert!(
            0 < config.heartbeat_ticks && config.heartbeat_ticks < config.election_timeout_ticks,
            "heartbeats every {} ticks do not fit into an election timeout of {}",
            config.heartbeat_ticks,
            config.election_timeout_ticks,
        );
        let hard_state = stored.hard_state;
        let mut core = Self {
            membership: stored.snapshot.membership.clone(),
            term: hard_state.term,
            vote: hard_state.vote,
            leader: 0,
            role_state: RoleState::Follower,
            outbox: Outbox::new(hard_state),
            log: Log::new(stored),
            forwarded: BTreeMap::new(),
            election_elapsed_ticks: 0,
            heartbeat_elapsed_ticks: 0,
            randomized_timeout_ticks: 0,
            random: Random::new(config.seed, config.id),
            stall: Stall::default(),
            events_checked: 0,
            config,
        };
        core.restart_clock();
        core
    }

    /// One tick of time has passed.
    pub fn tick(&mut self) {
        self.election_elapsed_ticks += 1;
        self.age_forwarded_reads();
        self.watch_storage();
        self.heartbeat_elapsed_ticks += 1;
        let is_time_to_speak = self.heartbeat_elapsed_ticks >= self.config.heartbeat_ticks;
        if is_time_to_speak {
            self.heartbeat_elapsed_ticks = 0;
        }
        if matches!(self.role_state, RoleState::Leader(_)) {
            if self.election_elapsed_ticks >= self.config.election_timeout_ticks {
                self.election_elapsed_ticks = 0;
                self.check_quorum();
            }
            if is_time_to_speak {
                self.send_heartbeats();
            }
        } else if self.election_elapsed_ticks >= self.randomized_timeout_ticks
            && !self.storage_hangs()
        {
            self.campaign();
        } else if is_time_to_speak {
            self.request_votes();
        }
        self.check_after_event();
    }

    /// Sends a message that may leave at once.
    pub(super) fn send(&mut self, to: NodeId, body: MessageBody) {
        self.send_in_term(to, self.term, body);
    }

    /// Sends at once, in a term other than this member's (pre-votes).
    pub(super) fn send_in_term(&mut self, to: NodeId, term: Term, body: MessageBody) {
        self.outbox.messages.push(Message { from: self.config.id, to, term, body });
    }

    /// Sends a message once all that this member knows now is durable.
    pub(super) fn send_when_durable(&mut self, to: NodeId, body: MessageBody) {
        let message = Message { from: self.config.id, to, term: self.term, body };
        let forgets_vote = planted!("C1", "vote-forgotten")
            && matches!(message.body, MessageBody::VoteResponse { .. });
        let forgets_entries = planted!("C4", "append-acked-early")
            && matches!(message.body, MessageBody::AppendAccepted { .. });
        if forgets_vote || forgets_entries {
            self.release(message);
        } else {
            self.outbox.deferred.push(message);
        }
    }

    /// What this member is now.
    pub fn role(&self) -> Role {
        match self.role_state {
            RoleState::Follower => Role::Follower,
            RoleState::PreCandidate(_) => Role::PreCandidate,
            RoleState::Candidate { .. } => Role::Candidate,
            RoleState::Leader(_) => Role::Leader,
        }
    }

    /// Role, term, leader and commit index now.
    pub fn status(&self) -> Status {
        let (role, commit) = (self.role(), self.log.commit());
        Status { role, term: self.term, leader: self.leader, commit }
    }

    /// Who belongs to the cluster.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// First index the log holds in memory.
    pub fn first_index(&self) -> Index {
        self.log.first_index()
    }

    /// Last index of the log, durable or not.
    pub fn last_index(&self) -> Index {
        self.log.last_index()
    }

    /// Term of the entry at `index`; none when the log does not reach there.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        self.log.term_at(index)
    }
}

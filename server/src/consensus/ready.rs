//! What leaves the core: messages that may go, batches for storage, entries to apply.
//!
//! Storage is asynchronous. A message that speaks of what is not durable yet joins the batch that
//! makes it so (or, with nothing new to write, the last batch in flight) and leaves when that is
//! persisted. Messages to this member itself travel the same way: a candidate's vote for itself
//! counts only when it is durable.

use std::collections::VecDeque;

use bytes::Bytes;

use super::core::{Core, RoleState};
use super::types::{
    AppendBatch, AppendToken, Broken, HardState, Message, MessageBody, NodeId, ReadState, Ready,
    Role, SnapshotMark, Term,
};
use crate::probe::{Fact, fact};
use crate::{planted, probe};

/// Leader and role: reported to the event loop, and not kept on disk (etcd's SoftState).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SoftState {
    role: Role,
    term: Term,
    leader: NodeId,
}

/// Gathers what the next [`Ready`] gives out.
///
/// Invariants
/// - Batches are in flight in the order of their tokens, and the next token is above them all.
/// - What waits to be durable waits for a batch: between two `ready` it may wait for the next one.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    /// May leave now.
    pub(super) messages: Vec<Message>,
    /// Wait for everything known now to be durable.
    pub(super) deferred: Vec<Message>,
    /// Batches that storage works on, and the messages that wait for each batch.
    pub(super) in_flight: VecDeque<(AppendToken, Vec<Message>)>,
    pub(super) reads: Vec<ReadState>,
    pub(super) dropped_reads: Vec<Bytes>,
    pub(super) snapshots_to: Vec<NodeId>,
    /// An installed snapshot that storage has not heard of.
    pub(super) snapshot: Option<SnapshotMark>,
    pub(super) broken: Option<Broken>,
    next_token: AppendToken,
    /// The hard state storage was given last.
    prev_hard_state: HardState,
    /// What the event loop was told last.
    reported: SoftState,
    is_broken_reported: bool,
}

impl Outbox {
    pub(super) fn new(stored: HardState) -> Self {
        Self {
            messages: Vec::new(),
            deferred: Vec::new(),
            in_flight: VecDeque::new(),
            reads: Vec::new(),
            dropped_reads: Vec::new(),
            snapshots_to: Vec::new(),
            snapshot: None,
            broken: None,
            next_token: AppendToken(1),
            prev_hard_state: stored,
            reported: SoftState { role: Role::Follower, term: stored.term, leader: 0 },
            is_broken_reported: false,
        }
    }

    /// The hard state storage was given last.
    pub(super) fn prev_hard_state(&self) -> HardState {
        self.prev_hard_state
    }

    /// Asserts the invariants.
    pub(super) fn check_invariants(&self) {
        let mut before = AppendToken(0);
        for &(token, _) in &self.in_flight {
            assert!(before < token, "batch {token:?} is in flight after {before:?}");
            before = token;
        }
        let next = self.next_token;
        assert!(before < next, "the next batch is {next:?}, in flight is {before:?}");
    }

    fn has_something(&self) -> bool {
        !self.messages.is_empty()
            || !self.deferred.is_empty()
            || !self.reads.is_empty()
            || !self.dropped_reads.is_empty()
            || !self.snapshots_to.is_empty()
            || (self.broken.is_some() && !self.is_broken_reported)
    }
}

impl Core {
    /// Whether [`ready`](Core::ready) would give anything to do.
    pub fn has_ready(&self) -> bool {
        self.outbox.has_something()
            || self.needs_batch()
            || self.wants_broadcast()
            || self.log.has_committed()
            || self.outbox.reported != self.soft_state()
    }

    /// Returns what the event loop must do next; each thing is said once.
    pub fn ready(&mut self) -> Ready {
        loop {
            self.broadcast();
            let may_release = !self.needs_batch() && self.outbox.in_flight.is_empty();
            if !may_release || self.outbox.deferred.is_empty() {
                break;
            }
            for message in std::mem::take(&mut self.outbox.deferred) {
                self.release(message);
            }
        }
        let append = self.make_batch();
        let now = self.soft_state();
        let status = (self.outbox.reported != now).then(|| self.status());
        let outbox = &mut self.outbox;
        outbox.reported = now;
        outbox.is_broken_reported = outbox.broken.is_some();
        let ready = Ready {
            messages: std::mem::take(&mut outbox.messages),
            append,
            committed: self.log.take_committed(),
            reads: std::mem::take(&mut outbox.reads),
            dropped_reads: std::mem::take(&mut outbox.dropped_reads),
            status,
            snapshots_to: std::mem::take(&mut outbox.snapshots_to),
            broken: outbox.broken,
        };
        self.check_after_event();
        ready
    }

    /// Everything up to `token` is durable. Tokens come in order; one may stand for those before.
    pub fn persisted(&mut self, token: AppendToken) {
        self.log.persisted(token);
        while let Some((_, messages)) = self.outbox.in_flight.pop_front_if(|sent| sent.0 <= token) {
            for message in messages {
                self.release(message);
            }
        }
        self.advance_commit();
        self.check_after_event();
    }

    /// What `message` speaks of is durable: it leaves, or is taken here if it is to this member.
    pub(super) fn release(&mut self, message: Message) {
        if message.body == (MessageBody::VoteResponse { granted: true }) {
            fact(Fact::Voted { term: message.term, candidate: message.to });
            probe!("consensus vote given");
        }
        if let MessageBody::AppendAccepted { index } = message.body {
            fact(Fact::Acknowledged { term: message.term, index });
        }
        if message.to == self.config.id {
            self.on_message(message);
        } else {
            self.outbox.messages.push(message);
        }
    }

    /// A leader sends one round of heartbeats and one append a follower for all events since the
    /// last `ready`.
    fn broadcast(&mut self) {
        if planted!("R2", "ack-before-durable") {
            self.advance_commit();
        }
        if let RoleState::Leader(leader) = &self.role_state {
            let (wants_round, needs_broadcast) =
                (leader.reads.wants_round(), leader.needs_broadcast);
            if needs_broadcast {
                self.broadcast_appends();
            }
            if wants_round {
                self.begin_round();
            }
        }
    }

    fn wants_broadcast(&self) -> bool {
        match &self.role_state {
            RoleState::Leader(leader) => leader.needs_broadcast || leader.reads.wants_round(),
            _ => false,
        }
    }

    fn needs_batch(&self) -> bool {
        let (now, before) = (self.hard_state(), self.outbox.prev_hard_state);
        // The commit index alone is not worth a write: it rides along with the next one.
        self.log.has_next_unstable()
            || self.outbox.snapshot.is_some()
            || (now.term, now.vote) != (before.term, before.vote)
    }

    /// Makes the next batch for storage; without one, the deferred messages join the last.
    fn make_batch(&mut self) -> Option<AppendBatch> {
        let deferred = std::mem::take(&mut self.outbox.deferred);
        if !self.needs_batch() {
            if let Some((_, waiting)) = self.outbox.in_flight.back_mut() {
                waiting.extend(deferred);
            }
            return None;
        }
        let token = self.outbox.next_token;
        self.outbox.next_token = AppendToken(token.0 + 1);
        self.outbox.in_flight.push_back((token, deferred));
        let hard_state = self.hard_state();
        let has_changed = hard_state != self.outbox.prev_hard_state;
        self.outbox.prev_hard_state = hard_state;
        Some(AppendBatch {
            token,
            hard_state: has_changed.then_some(hard_state),
            entries: self.log.take_next_unstable(token),
            snapshot: self.outbox.snapshot.take(),
        })
    }

    fn hard_state(&self) -> HardState {
        let vote = if planted!("C1", "vote-forgotten") { 0 } else { self.vote };
        HardState { term: self.term, vote, commit: self.log.commit() }
    }

    fn soft_state(&self) -> SoftState {
        SoftState { role: self.role(), term: self.term, leader: self.leader }
    }
}

//! A message comes in: the rules of terms, and where each kind goes.

use bytes::Bytes;

use super::core::{Core, RoleState};
use super::log::EntryId;
use super::types::{Broken, Message, MessageBody, NodeId};
use crate::probe;

impl Core {
    /// Takes a message from another member.
    pub fn step(&mut self, message: Message) {
        self.on_message(message);
        self.check_after_event();
    }

    /// Takes a message from any member, this one included.
    pub(super) fn on_message(&mut self, message: Message) {
        if message.to != self.config.id || self.outbox.broken.is_some() {
            return;
        }
        if let MessageBody::Snapshot { mark } = message.body {
            return self.install(message.from, message.term, mark);
        }
        if message.term < self.term {
            return self.answer_old_term(&message);
        }
        if message.term > self.term && !self.enter_term_of(&message) {
            return;
        }
        self.dispatch(message);
    }

    /// Follows a message into its higher term; returns false when it is to be ignored.
    fn enter_term_of(&mut self, message: &Message) -> bool {
        let leader = match message.body {
            MessageBody::PreVote { .. } => return !self.is_leader_alive(),
            MessageBody::PreVoteResponse { granted: true } => return true,
            MessageBody::Vote { transfer, .. } => {
                if self.is_leader_alive() && !transfer {
                    probe!("consensus vote refused while the leader is alive");
                    return false;
                }
                0
            }
            MessageBody::Append { .. } | MessageBody::Heartbeat { .. } => message.from,
            _ => 0,
        };
        self.become_follower(message.term, leader);
        true
    }

    /// Tells the sender of an old term which term it is, where that helps it.
    fn answer_old_term(&mut self, message: &Message) {
        match message.body {
            // A member cut off with a higher term refuses its leader; the answer makes the leader
            // step down and an election bring them together again.
            MessageBody::Append { .. } | MessageBody::Heartbeat { .. } => {
                probe!("consensus leader of an old term answered");
                let body = MessageBody::HeartbeatResponse { context: Bytes::new() };
                self.send(message.from, body);
            }
            MessageBody::PreVote { .. } => {
                self.send(message.from, MessageBody::PreVoteResponse { granted: false });
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, message: Message) {
        let Message { from, term, body, .. } = message;
        match body {
            MessageBody::PreVote { last_index, last_term } => {
                self.on_pre_vote(from, term, last_index, last_term);
            }
            MessageBody::Vote { last_index, last_term, .. } => {
                self.on_vote(from, last_index, last_term);
            }
            MessageBody::PreVoteResponse { granted } => {
                self.on_pre_vote_response(from, term, granted);
            }
            MessageBody::VoteResponse { granted } => self.on_vote_response(from, granted),
            MessageBody::Append { prev_index, prev_term, entries, commit } => {
                if self.follow(from) {
                    let prev = EntryId { index: prev_index, term: prev_term };
                    self.on_append(prev, entries, commit);
                }
            }
            MessageBody::Heartbeat { commit, context } => {
                if self.follow(from) {
                    self.on_heartbeat(commit, context);
                }
            }
            MessageBody::AppendAccepted { index } => self.on_accepted(from, index),
            MessageBody::AppendRejected { rejected, hint_index, hint_term } => {
                let hint = EntryId { index: hint_index, term: hint_term };
                self.on_rejected(from, rejected, hint);
            }
            MessageBody::HeartbeatResponse { context } => {
                self.on_heartbeat_response(from, &context);
            }
            MessageBody::Propose { command } => self.on_propose(command),
            MessageBody::ReadIndex { context } => self.on_read_index(from, context),
            MessageBody::ReadIndexResponse { context, index } => {
                self.on_read_index_response(context, index);
            }
            MessageBody::TimeoutNow => self.on_timeout_now(from),
            MessageBody::Snapshot { .. } => unreachable!("step takes snapshots itself"),
        }
    }

    /// `leader` speaks as the leader of this term; false when that cannot be.
    fn follow(&mut self, leader: NodeId) -> bool {
        if matches!(self.role_state, RoleState::Leader(_)) {
            self.outbox.broken = Some(Broken::TwoLeaders { term: self.term, other: leader });
            return false;
        }
        if self.leader != leader || !matches!(self.role_state, RoleState::Follower) {
            self.become_follower(self.term, leader);
        }
        self.election_elapsed_ticks = 0;
        true
    }
}

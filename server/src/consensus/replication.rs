//! Replication: a leader sends its log, followers make theirs equal, a quorum commits.

use bytes::Bytes;

use super::core::{Core, ProposeError, RoleState};
use super::log::EntryId;
use super::progress::ProgressState;
use super::types::{Broken, Entry, Index, Message, MessageBody, NodeId, Payload};
use crate::probe::{Fact, fact};
use crate::{planted, probe};

impl Core {
    /// Proposes a command: takes it when leading, else passes it on to the leader.
    ///
    /// Whether it is ever committed shows only in [`committed`](super::Ready::committed).
    ///
    /// # Errors
    /// [`ProposeError::NoLeader`] when nobody leads; then it certainly is never committed.
    pub fn propose(&mut self, command: Bytes) -> Result<(), ProposeError> {
        if matches!(self.role_state, RoleState::Leader(_)) {
            self.on_propose(command);
        } else if self.leader == 0 {
            return Err(ProposeError::NoLeader);
        } else {
            self.send(self.leader, MessageBody::Propose { command });
        }
        Ok(())
    }

    /// A command arrived, from here or from a follower; only a leader takes it.
    pub(super) fn on_propose(&mut self, command: Bytes) {
        // A follower's proposal may come late, when this member has stepped down in the same term: it
        // is lost, as any message may be, and its client hears nothing until its time is over.
        if let RoleState::Leader(leader) = &mut self.role_state {
            leader.needs_broadcast = true;
            let (term, index) = (self.term, self.log.last_index() + 1);
            self.log.push(Entry { term, index, payload: Payload::Command(command) });
        }
    }

    /// Takes the leader's entries when they follow something this log agrees with.
    pub(super) fn on_append(&mut self, prev: EntryId, entries: Vec<Entry>, commit: Index) {
        if prev.index < self.log.commit() {
            probe!("consensus append from before the commit index");
            let index = self.log.commit();
            self.send_when_durable(self.leader, MessageBody::AppendAccepted { index });
            return;
        }
        let skips_check = planted!("C6", "append-unchecked") && prev.index <= self.log.last_index();
        if self.log.term_at(prev.index) != Some(prev.term) && !skips_check {
            let hint = self.log.last_at_or_below(prev);
            let body = MessageBody::AppendRejected {
                rejected: prev.index,
                hint_index: hint.index,
                hint_term: hint.term,
            };
            return self.send(self.leader, body);
        }
        let index = prev.index + entries.len() as Index;
        if let Err(broken) = self.log.splice(entries) {
            self.outbox.broken = Some(broken);
            return;
        }
        self.commit_to(commit.min(index));
        self.send_when_durable(self.leader, MessageBody::AppendAccepted { index });
    }

    /// The leader is alive; it says only what this member has acknowledged to be committed.
    pub(super) fn on_heartbeat(&mut self, commit: Index, context: Bytes) {
        let last = self.log.last_index();
        if commit > last {
            self.outbox.broken = Some(Broken::LostEntries { known: commit, last });
            return;
        }
        self.commit_to(commit);
        self.send(self.leader, MessageBody::HeartbeatResponse { context });
    }

    pub(super) fn on_accepted(&mut self, from: NodeId, index: Index) {
        let first_index = self.log.first_index();
        // The answer comes late: this member stepped down in the same term. Or it answers a snapshot
        // that was sent by the leader of an earlier term.
        let RoleState::Leader(leader) = &mut self.role_state else { return };
        let Some(follower) = leader.progress.get_mut(&from) else { return };
        follower.active = true;
        // A leader's log never shrinks in its term and holds all that is committed: nobody can hold
        // more of it. An answer that says so (a promise was broken somewhere) is not believed.
        if index > self.log.last_index() {
            return;
        }
        if follower.accepted(index, first_index) {
            self.advance_commit();
        }
        self.replicate_to(from, false);
    }

    pub(super) fn on_rejected(&mut self, from: NodeId, rejected: Index, hint: EntryId) {
        probe!("consensus append rejected");
        // The answer comes late: this member stepped down in the same term.
        let RoleState::Leader(leader) = &mut self.role_state else { return };
        let Some(follower) = leader.progress.get_mut(&from) else { return };
        follower.active = true;
        let hint = self.log.last_at_or_below(hint);
        if follower.rejected(rejected, hint.index) {
            self.replicate_to(from, true);
        }
    }

    pub(super) fn on_heartbeat_response(&mut self, from: NodeId, context: &[u8]) {
        // The answer comes late: this member stepped down in the same term. Or it has just stepped
        // down because the answer is of a higher term.
        let RoleState::Leader(leader) = &mut self.role_state else { return };
        let Some(follower) = leader.progress.get_mut(&from) else { return };
        follower.heard(self.config.inflight_max);
        let is_probed = matches!(follower.state, ProgressState::Probe { .. });
        let is_behind = follower.matched < self.log.last_index();
        self.on_round_answered(from, context);
        if is_probed || is_behind {
            // An append may have been lost, with nothing behind it to show the gap: ask again.
            self.replicate_to(from, true);
        }
    }

    /// Messages to `node` were lost: stop sending ahead of its answers.
    pub fn unreachable(&mut self, node: NodeId) {
        // Not only leaders send, and a leader may have stepped down since its message was handed out.
        let RoleState::Leader(leader) = &mut self.role_state else { return };
        if let Some(follower) = leader.progress.get_mut(&node)
            && matches!(follower.state, ProgressState::Replicate { .. })
        {
            follower.probe(follower.matched + 1);
        }
    }

    /// Tells every follower that the leader is alive, what is committed, and which round of reads
    /// waits for an answer.
    pub(super) fn send_heartbeats(&mut self) {
        // The check of the quorum in the same tick may have ended the leadership.
        let RoleState::Leader(leader) = &self.role_state else { return };
        let context = leader.reads.context();
        for (&to, follower) in &leader.progress {
            let commit = follower.matched.min(self.log.commit());
            let body = MessageBody::Heartbeat { commit, context: context.clone() };
            self.outbox.messages.push(Message { from: self.config.id, to, term: self.term, body });
        }
    }

    /// Tells every follower what is new, as far as its window allows.
    pub(super) fn broadcast_appends(&mut self) {
        self.role_state.expect_leader().needs_broadcast = false;
        for to in self.others() {
            self.replicate_to(to, false);
        }
    }

    /// Sends `to` what it lacks; when it lacks nothing, an empty append only if `force`d.
    pub(super) fn replicate_to(&mut self, to: NodeId, mut force: bool) {
        let commit = self.log.commit();
        let leader = self.role_state.expect_leader();
        let Some(follower) = leader.progress.get_mut(&to) else { return };
        while !follower.is_paused(self.config.inflight_max) {
            let prev_index = follower.next - 1;
            let Some(prev_term) = self.log.term_at(prev_index) else {
                if follower.active {
                    probe!("consensus follower needs a snapshot");
                    follower.state = ProgressState::Snapshot;
                    self.outbox.snapshots_to.push(to);
                }
                return;
            };
            let entries = self.log.slice(follower.next, self.config.append_bytes_max);
            if entries.is_empty() && !force && follower.sent_commit >= commit {
                return;
            }
            force = false;
            follower.sent(prev_index + entries.len() as Index);
            follower.sent_commit = commit;
            let body = MessageBody::Append { prev_index, prev_term, entries, commit };
            self.outbox.messages.push(Message { from: self.config.id, to, term: self.term, body });
        }
    }

    /// Commits what a quorum holds durably, if it is of this term: an older entry may be held by a
    /// quorum and still be overwritten (Raft, figure 8); it is committed by what follows it.
    pub(super) fn advance_commit(&mut self) {
        // Called whenever something became durable, whatever this member is; only a leader counts.
        let RoleState::Leader(leader) = &mut self.role_state else { return };
        let own = if planted!("R2", "ack-before-durable") {
            self.log.last_index()
        } else {
            self.log.stable()
        };
        let (me, progress) = (self.config.id, &leader.progress);
        let reached = self.membership.reached_by_quorum(|id| {
            if id == me { own } else { progress.get(&id).map_or(0, |follower| follower.matched) }
        });
        let is_own_term = self.log.term_at(reached) == Some(self.term);
        if reached > self.log.commit() && (is_own_term || planted!("C2")) {
            leader.needs_broadcast = true;
            self.commit_to(reached);
            self.ask_held_reads();
        }
    }

    /// Raises the commit index, and says so entry by entry.
    pub(super) fn commit_to(&mut self, index: Index) {
        for entry in self.log.commit_to(index) {
            let crc = entry.payload.crc();
            fact(Fact::Committed { index: entry.index, term: entry.term, crc });
        }
    }
}

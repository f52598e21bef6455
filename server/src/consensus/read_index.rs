//! Linearizable reads without a log entry: note the commit index, prove leadership, answer.
//!
//! A read is confirmed by a *round* of heartbeats that began after it was asked. Rounds are
//! numbered within the leader's term, and answers of other terms never arrive here, so an answer
//! can confirm nothing that was asked after its round began (etcd 20418: an answer delayed from an
//! earlier attempt confirmed a later one, at a leader deposed in between).
//! A leader that has not committed an entry of its own term does not know the commit index yet; it
//! holds reads until it does.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::core::{Core, RoleState};
use super::types::{Index, MessageBody, NodeId, ReadState};
use crate::{planted, probe};

/// Who asked, and the name of the question.
type Question = (NodeId, Bytes);

/// A read that waits for its round.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked {
    question: Question,
    index: Index,
    round: u64,
}

/// The reads of a leader's term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    /// Asked before the first commit of the term.
    held: Vec<Question>,
    /// Asked, in the order of their rounds.
    asked: VecDeque<Asked>,
    /// The latest round begun.
    round: u64,
    /// The latest round each follower answered.
    answered: BTreeMap<NodeId, u64>,
}

impl Reads {
    /// Whether a read waits for a round that has not begun.
    pub(super) fn wants_round(&self) -> bool {
        self.asked.back().is_some_and(|read| read.round > self.round)
    }

    /// What heartbeats carry while reads wait; empty when none do.
    pub(super) fn context(&self) -> Bytes {
        if self.asked.is_empty() {
            Bytes::new()
        } else {
            Bytes::copy_from_slice(&self.round.to_be_bytes())
        }
    }

    /// Asserts that reads wait in the order of their rounds, none is answered that waits for a round
    /// to come, and none is held once the term has its first commit.
    pub(super) fn check_invariants(&self, has_committed: bool) {
        let held = self.held.len();
        assert!(held == 0 || !has_committed, "{held} reads held after the term's first commit");
        let mut before = 0;
        for read in &self.asked {
            assert!(before <= read.round, "{read:?} waits behind round {before}");
            before = read.round;
        }
        assert!(before <= self.round + 1, "a read waits for round {before} after {}", self.round);
        for (id, &answered) in &self.answered {
            assert!(answered <= self.round, "{id:x} answered round {answered} of {}", self.round);
        }
    }

    fn ask(&mut self, question: Question, index: Index) {
        let round = match self.asked.back() {
            Some(last) if planted!("R17", "read-confirmed-twice") => last.round,
            _ => self.round + 1,
        };
        self.asked.push_back(Asked { question, index, round });
    }
}

impl Core {
    /// Asks for an index at which a linearizable read may be served.
    ///
    /// `context` names the attempt and must never be used again. The answer comes as
    /// [`reads`](super::Ready::reads) or [`dropped_reads`](super::Ready::dropped_reads).
    pub fn read_index(&mut self, context: Bytes) {
        if matches!(self.role_state, RoleState::Leader(_)) {
            self.on_read_index(self.config.id, context);
        } else if self.leader == 0 {
            self.drop_read(context);
        } else {
            self.forwarded.insert(context.clone(), 0);
            self.send(self.leader, MessageBody::ReadIndex { context });
        }
    }

    /// A read arrived, from here or from a follower.
    pub(super) fn on_read_index(&mut self, from: NodeId, context: Bytes) {
        let commit = self.log.commit();
        // The follower's question comes late: this member stepped down in the same term. The
        // follower asks again when it knows another leader, or after an election timeout.
        let RoleState::Leader(leader) = &mut self.role_state else { return };
        if commit < leader.first_index && !planted!("C3", "read-before-commit") {
            probe!("consensus read held until the term's first commit");
            leader.reads.held.push((from, context));
        } else {
            leader.reads.ask((from, context), commit);
        }
    }

    /// The commit index rose: reads that were held may be asked now.
    pub(super) fn ask_held_reads(&mut self) {
        let commit = self.log.commit();
        let leader = self.role_state.expect_leader();
        if commit >= leader.first_index {
            for question in std::mem::take(&mut leader.reads.held) {
                leader.reads.ask(question, commit);
            }
        }
    }

    /// Begins one round for all reads asked since the last.
    pub(super) fn begin_round(&mut self) {
        self.role_state.expect_leader().reads.round += 1;
        self.send_heartbeats();
        self.confirm_reads();
    }

    /// A follower answered a round of this term.
    pub(super) fn on_round_answered(&mut self, from: NodeId, context: &[u8]) {
        // A heartbeat without a round of reads has an empty context.
        let Ok(bytes) = <[u8; 8]>::try_from(context) else { return };
        let leader = self.role_state.expect_leader();
        let latest = leader.reads.answered.entry(from).or_default();
        *latest = u64::from_be_bytes(bytes).max(*latest);
        self.confirm_reads();
    }

    fn confirm_reads(&mut self) {
        let me = self.config.id;
        let reads = &mut self.role_state.expect_leader().reads;
        let confirmed = self.membership.reached_by_quorum(|id| {
            if id == me { reads.round } else { reads.answered.get(&id).copied().unwrap_or(0) }
        });
        let mut answers = Vec::new();
        while let Some(read) = reads.asked.pop_front_if(|read| read.round <= confirmed) {
            answers.push(read);
        }
        for Asked { question: (to, context), index, .. } in answers {
            if to == me {
                self.outbox.reads.push(ReadState { context, index });
            } else {
                self.send(to, MessageBody::ReadIndexResponse { context, index });
            }
        }
    }

    /// The leader answered a read that was passed on; an answer to a dropped one is ignored.
    pub(super) fn on_read_index_response(&mut self, context: Bytes, index: Index) {
        if self.forwarded.remove(&context).is_some() {
            self.outbox.reads.push(ReadState { context, index });
        }
    }

    /// Gives up on passed-on reads that were not answered for an election timeout: the question
    /// or the answer was lost.
    pub(super) fn age_forwarded_reads(&mut self) {
        let limit = self.config.election_timeout_ticks;
        let dropped = &mut self.outbox.dropped_reads;
        self.forwarded.retain(|context, age_ticks| {
            *age_ticks += 1;
            if *age_ticks > limit {
                probe!("consensus read dropped without an answer");
                dropped.push(context.clone());
            }
            *age_ticks <= limit
        });
    }

    /// The leader changed: passed-on reads will not be answered.
    pub(super) fn drop_forwarded_reads(&mut self) {
        for context in std::mem::take(&mut self.forwarded).into_keys() {
            self.drop_read(context);
        }
    }

    /// Leadership is lost: this member's own reads are dropped, followers drop theirs themselves.
    pub(super) fn drop_reads_of(&mut self, reads: Reads) {
        let asked = reads.asked.into_iter().map(|read| read.question);
        for (from, context) in reads.held.into_iter().chain(asked) {
            if from == self.config.id {
                self.drop_read(context);
            }
        }
    }

    fn drop_read(&mut self, context: Bytes) {
        probe!("consensus read dropped");
        self.outbox.dropped_reads.push(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rounds begun, the second one not answered yet; a read waits for it, one for the next.
    fn reads() -> Reads {
        let mut reads = Reads { round: 1, ..Reads::default() };
        reads.ask((1, Bytes::from_static(b"a")), 5);
        reads.round = 2;
        reads.ask((1, Bytes::from_static(b"b")), 5);
        reads.answered.insert(2, 1);
        reads.check_invariants(true);
        reads
    }

    #[test]
    #[should_panic(expected = "1 reads held after the term's first commit")]
    fn a_read_held_for_nothing_is_noticed() {
        let mut reads = reads();
        reads.held.push((1, Bytes::new()));
        reads.check_invariants(false);
        reads.check_invariants(true);
    }

    #[test]
    #[should_panic(expected = "waits behind round 3")]
    fn reads_out_of_order_are_noticed() {
        let mut reads = reads();
        reads.asked.swap(0, 1);
        reads.check_invariants(true);
    }

    #[test]
    #[should_panic(expected = "a read waits for round 9 after 2")]
    fn a_read_of_a_round_that_nobody_begins_is_noticed() {
        let mut reads = reads();
        reads.asked[1].round = 9;
        reads.check_invariants(true);
    }

    #[test]
    #[should_panic(expected = "2 answered round 3 of 2")]
    fn an_answer_to_a_round_to_come_is_noticed() {
        let mut reads = reads();
        reads.answered.insert(2, 3);
        reads.check_invariants(true);
    }
}

//! Elections: pre-vote, vote, the leader's lease on votes, and the check of the quorum.

use super::core::{Core, Leader, RoleState, Votes};
use super::progress::Progress;
use super::quorum::Tally;
use super::read_index::Reads;
use super::types::{Entry, Index, MessageBody, NodeId, Payload, Term};
use crate::probe::{Fact, fact};
use crate::{planted, probe};

impl Core {
    /// Asks for leadership, as when the leader was silent for too long: first whether an election
    /// would be won, so that a member which was cut off does not disturb a healthy cluster.
    pub fn campaign(&mut self) {
        if !self.may_campaign() {
            self.restart_clock();
        } else if planted!("C9") {
            self.ask_for_votes(false);
        } else {
            self.ask_for_pre_votes();
        }
    }

    fn may_campaign(&self) -> bool {
        !matches!(self.role_state, RoleState::Leader(_)) && self.membership.is_voter(self.config.id)
    }

    /// The leader hands over: no pre-vote, and voters ignore that their leader is alive.
    pub(super) fn on_timeout_now(&mut self, from: NodeId) {
        if from == self.leader && self.may_campaign() {
            probe!("consensus leadership handed over");
            self.ask_for_votes(true);
        }
    }

    fn ask_for_pre_votes(&mut self) {
        self.set_leader(0);
        self.role_state = RoleState::PreCandidate(Votes::from([(self.config.id, true)]));
        self.restart_clock();
        self.request_votes();
        self.count_pre_votes();
    }

    /// Enters a new term and asks for votes in it.
    ///
    /// The requests wait until the vote for itself, and the log they speak of, are durable: a
    /// member that crashed and came back with a shorter log must not win with answers given to
    /// the longer one. The vote for itself travels the same way and is counted when released.
    pub(super) fn ask_for_votes(&mut self, transfer: bool) {
        if matches!(self.role_state, RoleState::Candidate { .. }) {
            probe!("consensus election without a winner");
        }
        self.set_leader(0);
        self.term += 1;
        self.vote = self.config.id;
        self.role_state = RoleState::Candidate { votes: Votes::new(), transfer };
        self.restart_clock();
        self.send_when_durable(self.config.id, MessageBody::VoteResponse { granted: true });
        self.request_votes();
    }

    /// Asks the members that have not answered; repeated, since questions and answers get lost.
    ///
    /// Learners are asked too: the tally counts the voters only, and another answer does no harm.
    pub(super) fn request_votes(&mut self) {
        let (last_index, last_term) = (self.log.last_index(), self.log.last_term());
        let (votes, wish) = match &self.role_state {
            RoleState::PreCandidate(votes) => (votes, None),
            RoleState::Candidate { votes, transfer } => (votes, Some(*transfer)),
            RoleState::Follower | RoleState::Leader(_) => return,
        };
        let mut silent = self.others();
        silent.retain(|id| !votes.contains_key(id));
        for to in silent {
            if let Some(transfer) = wish {
                self.send_when_durable(to, MessageBody::Vote { last_index, last_term, transfer });
            } else {
                let body = MessageBody::PreVote { last_index, last_term };
                self.send_in_term(to, self.term + 1, body);
            }
        }
    }

    /// Grants if this member would vote for `from`; a pre-vote changes nothing at the voter.
    pub(super) fn on_pre_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last_index: Index,
        last_term: Term,
    ) {
        let is_free = term > self.term || self.may_vote_for(from);
        if is_free && self.log.is_covered_by(last_index, last_term) {
            self.send_in_term(from, term, MessageBody::PreVoteResponse { granted: true });
        } else {
            self.send(from, MessageBody::PreVoteResponse { granted: false });
        }
    }

    /// Grants the vote of this term to a candidate whose log is at least as up to date (Raft, section
    /// 5.4.1): any two quorums share a member, so a candidate that lacks a committed entry finds no
    /// quorum of votes.
    ///
    /// A learner votes too, on purpose: the entry that makes this member a voter may not have arrived
    /// here yet, and the cluster may need the vote. The candidate's membership decides whose votes
    /// count.
    pub(super) fn on_vote(&mut self, from: NodeId, last_index: Index, last_term: Term) {
        if self.may_vote_for(from) && self.log.is_covered_by(last_index, last_term) {
            self.vote = from;
            self.election_elapsed_ticks = 0;
            self.send_when_durable(from, MessageBody::VoteResponse { granted: true });
        } else {
            self.send(from, MessageBody::VoteResponse { granted: false });
        }
    }

    /// One vote a term, and none beside a leader this member already follows.
    fn may_vote_for(&self, candidate: NodeId) -> bool {
        self.vote == candidate || (self.vote == 0 && self.leader == 0)
    }

    /// Whether a leader was heard within the shortest election timeout: then nobody else is
    /// elected with this member's vote, which is what lets a leader trust its check of the quorum.
    pub(super) fn is_leader_alive(&self) -> bool {
        self.leader != 0 && self.election_elapsed_ticks < self.config.election_timeout_ticks
    }

    pub(super) fn on_pre_vote_response(&mut self, from: NodeId, term: Term, granted: bool) {
        let is_for_this_round = !granted || term == self.term + 1;
        if let RoleState::PreCandidate(votes) = &mut self.role_state
            && is_for_this_round
        {
            votes.entry(from).or_insert(granted);
            self.count_pre_votes();
        }
    }

    pub(super) fn on_vote_response(&mut self, from: NodeId, granted: bool) {
        if let RoleState::Candidate { votes, .. } = &mut self.role_state {
            votes.entry(from).or_insert(granted);
            let answer = |id| votes.get(&id).copied();
            match self.membership.tally(answer) {
                Tally::Won => self.become_leader(),
                Tally::Lost => self.become_follower(self.term, 0),
                Tally::Open => {}
            }
        }
    }

    fn count_pre_votes(&mut self) {
        if let RoleState::PreCandidate(votes) = &self.role_state {
            match self.membership.tally(|id| votes.get(&id).copied()) {
                Tally::Won => self.ask_for_votes(false),
                Tally::Lost => {
                    probe!("consensus pre-vote refused by a quorum");
                    self.become_follower(self.term, 0);
                }
                Tally::Open => {}
            }
        }
    }

    fn become_leader(&mut self) {
        let last = self.log.last_index();
        let progress = self.others().into_iter().map(|id| (id, Progress::new(last))).collect();
        self.role_state = RoleState::Leader(Leader {
            progress,
            reads: Reads::default(),
            first_index: last + 1,
            needs_broadcast: true,
        });
        self.leader = self.config.id;
        self.restart_clock();
        self.log.push(Entry { term: self.term, index: last + 1, payload: Payload::Empty });
        fact(Fact::BecameLeader { term: self.term });
    }

    /// Follows `leader` (0: waits for one) in `term`.
    pub(super) fn become_follower(&mut self, term: Term, leader: NodeId) {
        if term != self.term {
            self.term = term;
            self.vote = 0;
        }
        let before = std::mem::replace(&mut self.role_state, RoleState::Follower);
        if let RoleState::Leader(leader) = before {
            self.drop_reads_of(leader.reads);
        }
        self.set_leader(leader);
        self.restart_clock();
    }

    /// Notes who leads; reads passed on to someone else will not be answered.
    fn set_leader(&mut self, leader: NodeId) {
        if self.leader != leader {
            self.leader = leader;
            self.drop_forwarded_reads();
        }
    }

    /// A leader that has not heard from a quorum for an election timeout steps down: another may
    /// lead already, and its clients should look for it.
    pub(super) fn check_quorum(&mut self) {
        let leader = self.role_state.expect_leader();
        let progress = &leader.progress;
        let is_active = |id| progress.get(&id).is_none_or(|follower| follower.active);
        if !self.membership.quorum_is(is_active) && !planted!("C8") {
            probe!("consensus leader without a quorum stepped down");
            return self.become_follower(self.term, 0);
        }
        for follower in self.role_state.expect_leader().progress.values_mut() {
            follower.active = false;
        }
    }

    /// Restarts the wait for a leader, with a patience drawn anew.
    pub(super) fn restart_clock(&mut self) {
        self.election_elapsed_ticks = 0;
        self.heartbeat_elapsed_ticks = 0;
        let shortest = self.config.election_timeout_ticks;
        self.randomized_timeout_ticks = shortest + self.random.below(shortest);
    }

    /// Everyone but this member, in rising order.
    pub(super) fn others(&self) -> Vec<NodeId> {
        let mut all = self.membership.everyone();
        all.retain(|&id| id != self.config.id);
        all
    }
}

//! What must hold of a core between two events, and when the core looks.
//!
//! The parts look after themselves: [`Log`](super::log::Log), [`Progress`](super::progress::Progress)
//! and the outbox each assert their own invariants. Here are those between the parts:
//!
//! - A leader and a candidate voted for themselves; nobody but a leader calls itself the leader.
//! - The log holds no entry of a term above this member's.
//! - A leader holds the first entry of its term, or has compacted it.
//! - No follower holds more of the leader's log than there is, nor was told of a higher commit index.
//! - The leader keeps the progress of everyone else in the cluster, and of nobody else.
//! - Passed-on reads wait only while somebody else leads.
//! - Every batch that storage works on has its claim on the log, and the messages that wait for it.
//!
//! The checks run where debug assertions are on: in tests, and in the simulator's build.

use super::core::{Core, Leader, RoleState};
use super::progress::ProgressState;

/// The whole log is looked at after this many events.
const SCAN_EVENTS: u32 = 256;

impl Core {
    /// Asserts the invariants after an event, the expensive ones now and then.
    pub(super) fn check_after_event(&mut self) {
        if cfg!(debug_assertions) {
            self.events_checked = self.events_checked.wrapping_add(1);
            self.check_invariants();
            if self.events_checked.is_multiple_of(SCAN_EVENTS) {
                self.scan_invariants();
            }
        }
    }

    /// Asserts what costs little to look at.
    pub(super) fn check_invariants(&self) {
        self.log.check_invariants();
        self.outbox.check_invariants();
        self.check_role();
        let (me, last_term) = (self.config.id, self.log.last_term());
        assert!(last_term <= self.term, "log of term {last_term} in term {}", self.term);
        let shortest = self.config.election_timeout_ticks;
        let drawn = self.randomized_timeout_ticks;
        assert!(
            (shortest..2 * shortest).contains(&drawn),
            "election timeout of {drawn} ticks drawn from [{shortest}, {})",
            2 * shortest
        );
        assert!(
            self.forwarded.is_empty() || (self.leader != 0 && self.leader != me),
            "{} reads passed on while {:x} leads",
            self.forwarded.len(),
            self.leader
        );
        let (claims, batches) = (self.log.claims(), self.outbox.in_flight.len());
        assert_eq!(claims, batches, "claims on the log and batches in flight");
        let before = self.outbox.prev_hard_state();
        assert!(before.term <= self.term, "term {} after {}", self.term, before.term);
        let commit = self.log.commit();
        assert!(before.commit <= commit, "commit index {commit} after {}", before.commit);
    }

    /// Asserts what takes a look at every entry and every member.
    pub(super) fn scan_invariants(&self) {
        self.log.scan_entries();
        if let RoleState::Leader(leader) = &self.role_state {
            let followers: Vec<_> = leader.progress.keys().copied().collect();
            assert_eq!(followers, self.others(), "progress is kept of everyone else");
        }
    }

    fn check_role(&self) {
        let (me, role) = (self.config.id, self.role());
        match &self.role_state {
            RoleState::Follower => {
                assert_ne!(self.leader, me, "a follower calls itself the leader");
            }
            RoleState::PreCandidate(_) => {
                assert_eq!(self.leader, 0, "a {role:?} knows a leader");
            }
            RoleState::Candidate { .. } => {
                assert_eq!(self.leader, 0, "a {role:?} knows a leader");
                assert_eq!(self.vote, me, "a {role:?} voted for itself");
            }
            RoleState::Leader(leader) => {
                assert_eq!(self.leader, me, "a leader knows that it leads");
                assert_eq!(self.vote, me, "a leader voted for itself");
                self.check_leader(leader);
            }
        }
    }

    fn check_leader(&self, leader: &Leader) {
        let (last, commit) = (self.log.last_index(), self.log.commit());
        let (first, first_held) = (leader.first_index, self.log.first_index());
        assert!(
            first < first_held || self.log.term_at(first) == Some(self.term),
            "entry {first} is not of the leader's term {}",
            self.term
        );
        leader.reads.check_invariants(commit >= first);
        for (id, follower) in &leader.progress {
            follower.check_invariants(self.config.inflight_max);
            let (matched, next) = (follower.matched, follower.next);
            assert!(matched <= last, "{id:x} holds {matched} of a log that ends at {last}");
            assert!(next <= last + 1, "{id:x} gets {next} next of a log that ends at {last}");
            assert!(
                follower.sent_commit <= commit,
                "{id:x} was told of commit index {}, it is {commit}",
                follower.sent_commit
            );
            assert!(
                follower.state != ProgressState::Snapshot || matched + 1 < first_held,
                "{id:x} holds {matched} and waits for a snapshot of a log from {first_held}"
            );
        }
    }
}

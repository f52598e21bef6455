//! Snapshots and compaction: the log forgets its beginning, and laggards get the state instead.

use super::core::{Core, RoleState};
use super::progress::ProgressState;
use super::types::{Index, MessageBody, NodeId, SnapshotMark, Term};
use crate::probe;

impl Core {
    /// The state machine has applied up to `index`.
    pub fn applied(&mut self, index: Index) {
        self.log.applied(index);
    }

    /// Forgets entries up to `index`, which the state machine's durable state covers.
    ///
    /// A follower that lags behind `index` then needs a snapshot: keep some entries for laggards.
    pub fn compact(&mut self, index: Index) {
        self.log.compact(index);
    }

    /// Sending a snapshot to `to` came to an end; `ok` when `to` has installed it.
    ///
    /// Either way the follower is asked whether it holds what the log begins after: it may have
    /// got there though the answer was lost, and would then refuse every further snapshot.
    pub fn snapshot_sent(&mut self, to: NodeId, ok: bool) {
        let first_index = self.log.first_index();
        // The snapshot was on its way for a while: this member may have stepped down since.
        let RoleState::Leader(leader) = &mut self.role_state else { return };
        let Some(follower) = leader.progress.get_mut(&to) else { return };
        if matches!(follower.state, ProgressState::Snapshot) {
            follower.probe(first_index.max(follower.matched + 1));
            if ok {
                self.replicate_to(to, true);
            } else {
                // Not before the follower is heard again.
                follower.state = ProgressState::Probe { paused: true };
            }
        }
    }

    /// The state of `mark` was installed here and is durable: the log follows.
    ///
    /// What a snapshot holds is committed, whoever sent it and in whatever term; so an old term is
    /// no reason to refuse, and the sender is not taken for the leader.
    pub(super) fn install(&mut self, from: NodeId, term: Term, mark: SnapshotMark) {
        if term > self.term {
            self.become_follower(term, 0);
        }
        if mark.index <= self.log.commit() {
            probe!("consensus snapshot older than the log");
        } else if self.log.term_at(mark.index) == Some(mark.term) {
            // Entries after the mark may have been acknowledged: they stay.
            probe!("consensus snapshot within the log");
            self.commit_to(mark.index);
            self.log.skip_to(&mark);
        } else {
            self.log.restart_at(&mark);
            self.membership = mark.membership.clone();
            self.outbox.snapshot = Some(mark);
        }
        let index = self.log.commit();
        self.send_when_durable(from, MessageBody::AppendAccepted { index });
    }
}

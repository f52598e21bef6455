//! What the store keeps in memory: the state of the file, the index, and what is still to be removed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Cluster;
use super::index::Index;
use super::proposals::Proposals;
use super::record::Revision;

/// How far the log is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppliedMark {
    /// The last applied entry's place; 0 for none.
    pub index: u64,
    /// Its term.
    pub term: u64,
}

/// What changes together with the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) applied: AppliedMark,
    /// Stored, never derived from the records: the newest may be compacted away.
    pub(crate) revision: i64,
    /// History below this cannot be read; -1 while nothing was compacted, as in etcd.
    pub(crate) compact_revision: i64,
    /// The index at which this state came as a snapshot; 0 when it grew from nothing.
    pub(crate) installed: u64,
}

impl State {
    /// Asserts what holds of every state that lies in a file, and of every one to be written.
    pub(crate) fn check(&self) {
        let State { applied, revision, compact_revision, installed } = *self;
        assert!(revision >= 1, "revision {revision}, a fresh store stands at 1");
        assert!(compact_revision <= revision, "compacted at {compact_revision} of {revision}");
        assert!(compact_revision >= -1, "compact revision {compact_revision}");
        let index = applied.index;
        assert!(installed <= index, "installed at {installed}, but applied up to {index}");
    }

    /// Asserts that `next` may be written after this state: nothing goes back.
    pub(crate) fn check_next(&self, next: &State) {
        next.check();
        let (before, after) = (self.applied.index, next.applied.index);
        assert!(before <= after, "applied {after} after {before}");
        let (before, after) = (self.revision, next.revision);
        assert!(before <= after, "revision {after} after {before}");
        let (before, after) = (self.compact_revision, next.compact_revision);
        assert!(before <= after, "compacted at {after} after {before}");
        assert_eq!(self.installed, next.installed, "a state is installed once");
    }

    pub(crate) fn fresh() -> State {
        State { applied: AppliedMark::default(), revision: 1, compact_revision: -1, installed: 0 }
    }
}

/// What is kept in memory beside the file.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) index: Index,
    pub(crate) state: State,
    pub(crate) cluster: Cluster,
    pub(crate) proposals: Proposals,
    /// Unreachable records still in the file.
    pub(crate) awaiting_removal: BTreeSet<Revision>,
    pub(crate) durable: AppliedMark,
    /// An error left memory and file apart.
    pub(crate) failed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(change: impl FnOnce(&mut State)) {
        let state = State { revision: 5, compact_revision: 3, ..State::fresh() };
        let mut next = state;
        state.check_next(&next);
        change(&mut next);
        state.check_next(&next);
    }

    #[test]
    #[should_panic(expected = "revision 4 after 5")]
    fn a_revision_never_goes_back() {
        broken(|next| next.revision = 4);
    }

    #[test]
    #[should_panic(expected = "compacted at 2 after 3")]
    fn compaction_never_goes_back() {
        broken(|next| next.compact_revision = 2);
    }

    #[test]
    #[should_panic(expected = "compacted at 6 of 5")]
    fn nothing_to_come_is_compacted() {
        broken(|next| next.compact_revision = 6);
    }

    #[test]
    #[should_panic(expected = "installed at 1, but applied up to 0")]
    fn a_state_is_installed_where_it_stands() {
        broken(|next| next.installed = 1);
    }
}

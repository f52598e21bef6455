//! What storage had at boot, whether it can be trusted, and what a core cannot go on with.

use super::types::{Entry, HardState, Index, NodeId, SnapshotMark, Term};

/// What storage had at boot.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// Where the log begins: everything up to here is in the state machine's durable state.
    pub snapshot: SnapshotMark,
    /// Entries after it, without gaps.
    pub entries: Vec<Entry>,
    /// What the state machine had applied when it was last durable (at least `snapshot.index`).
    pub applied: Index,
}

impl Stored {
    /// Brings the log in line with a state machine that is durable up to `applied` of `term`.
    ///
    /// A crash between the installation of a snapshot and the log's record of it leaves a log that
    /// ends before the state, or disagrees with it; the log then restarts after the state, and
    /// `snapshot` says where: the caller tells storage before it starts a core.
    ///
    /// # Errors
    /// [`Broken`] when entries are missing that storage had promised to keep.
    pub fn settle(mut self, applied: Index, term: Term) -> Result<Self, Broken> {
        let mut expected = self.snapshot.index;
        for entry in &self.entries {
            expected += 1;
            if entry.index != expected {
                return Err(Broken::Gap { expected, found: entry.index });
            }
        }
        let start = self.snapshot.index;
        if applied < start {
            return Err(Broken::LostEntries { known: start, last: applied });
        }
        let held = match applied - start {
            0 => Some(self.snapshot.term),
            offset => self.entries.get(offset as usize - 1).map(|entry| entry.term),
        };
        if held != Some(term) {
            self.snapshot.index = applied;
            self.snapshot.term = term;
            self.entries.clear();
        }
        let last = self.entries.last().map_or(self.snapshot.index, |entry| entry.index);
        let known = self.hard_state.commit;
        if known > last {
            return Err(Broken::LostEntries { known, last });
        }
        // The commit index is saved lazily, and what was applied had been committed; the term of
        // an applied entry may be newer than any this member took part in.
        self.hard_state.commit = known.max(applied);
        if self.hard_state.term < term {
            self.hard_state.term = term;
            self.hard_state.vote = 0;
        }
        self.applied = applied;
        Ok(self)
    }
}

/// What the core cannot go on with: a promise of Raft was broken, by a disk or by a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Broken {
    /// The log ends before something this member knows to be committed and acknowledged.
    #[error(
        "entries up to {known} are promised to be here, but the log ends at {last}: the data \
         directory was emptied, cut or replaced by an older one; put the right files back"
    )]
    LostEntries {
        /// Highest index that must be here.
        known: Index,
        /// Where the log ends.
        last: Index,
    },
    /// A leader sends an entry for an index where this member holds a different, committed entry.
    #[error("committed entry {index} of term {ours} would be overwritten by one of term {theirs}")]
    CommittedConflict {
        /// Place of the entry.
        index: Index,
        /// Its term here.
        ours: Term,
        /// Its term at the leader.
        theirs: Term,
    },
    /// This member leads a term, and another member leads it too.
    #[error("member {other} leads term {term} too")]
    TwoLeaders {
        /// The term.
        term: Term,
        /// The other leader.
        other: NodeId,
    },
    /// The stored entries do not follow each other.
    #[error("entry {found} is stored where {expected} belongs")]
    Gap {
        /// Index that belongs there.
        expected: Index,
        /// Index found there.
        found: Index,
    },
}

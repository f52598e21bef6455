//! Raft's log in memory, and how far each part of its way has come.
//!
//! An entry is given to storage (*in progress*), becomes durable here (*stable*), is *committed* by
//! a quorum, is given to the state machine (*applying*), and is *applied*.
//!
//! Invariants
//! - `start <= applied <= applying <= commit <= last`, and `stable <= in_progress <= last`.
//! - An entry is named by (index, term); entries of one term come from one leader.
//! - `stable` counts only what lies on disk *now, in this form*: cutting the log takes the cut
//!   entries away from every batch still in progress, even if the same entry is written again later.
//! - Entries at or below `commit` are never cut.
//! - `applying` never passes `stable`, but for what an installed snapshot brought: what the state
//!   machine sees survives a power loss.
//! - Claims on the log come in the order of their tokens, and a later one never ends earlier.

use std::collections::VecDeque;

use super::types::{AppendToken, Broken, Entry, Index, SnapshotMark, Stored, Term};
use crate::{planted, probe};

/// Names an entry: no two entries of any logs have the same index and term and differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EntryId {
    pub(super) index: Index,
    pub(super) term: Term,
}

/// A batch given to storage: when `token` is persisted, the log is durable up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Claim {
    token: AppendToken,
    last: Index,
}

/// See the head of the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Log {
    /// The entry just before the first one held.
    start: EntryId,
    entries: VecDeque<Entry>,
    commit: Index,
    applying: Index,
    applied: Index,
    in_progress: Index,
    stable: Index,
    claims: VecDeque<Claim>,
    /// Up to here the state machine's state came with a snapshot.
    installed: Index,
}

impl Log {
    /// Takes up what storage had.
    pub(super) fn new(stored: Stored) -> Self {
        let start = EntryId { index: stored.snapshot.index, term: stored.snapshot.term };
        let last = start.index + stored.entries.len() as Index;
        let commit = stored.hard_state.commit.max(stored.applied);
        assert!(
            start.index <= stored.applied && commit <= last,
            "log [{}, {last}] does not hold what is applied ({}) and committed ({commit})",
            start.index,
            stored.applied,
        );
        Self {
            start,
            entries: stored.entries.into(),
            commit,
            applying: stored.applied,
            applied: stored.applied,
            in_progress: last,
            stable: last,
            claims: VecDeque::new(),
            installed: 0,
        }
    }

    pub(super) fn first_index(&self) -> Index {
        self.start.index + 1
    }

    pub(super) fn last_index(&self) -> Index {
        self.start.index + self.entries.len() as Index
    }

    pub(super) fn last_term(&self) -> Term {
        self.entries.back().map_or(self.start.term, |entry| entry.term)
    }

    pub(super) fn commit(&self) -> Index {
        self.commit
    }

    pub(super) fn stable(&self) -> Index {
        self.stable
    }

    /// The entry at `index`, when it is held.
    pub(super) fn entry(&self, index: Index) -> Option<&Entry> {
        self.entries.get(index.checked_sub(self.first_index())? as usize)
    }

    /// The term at `index`; known from just before the first entry to the last.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.start.index {
            return Some(self.start.term);
        }
        self.entry(index).map(|entry| entry.term)
    }

    /// Whether a log that ends at (`last_index`, `last_term`) is at least as up to date as this log.
    pub(super) fn is_covered_by(&self, last_index: Index, last_term: Term) -> bool {
        (last_term, last_index) >= (self.last_term(), self.last_index())
    }

    /// The last entry whose index and term are at most those of `bound`.
    ///
    /// Both sides of a rejected append use it, to skip whole terms at a time.
    pub(super) fn last_at_or_below(&self, bound: EntryId) -> EntryId {
        let mut at = bound.index.min(self.last_index());
        while let Some(found) = self.term_at(at) {
            if found <= bound.term || at == 0 {
                return EntryId { index: at, term: found };
            }
            at -= 1;
        }
        EntryId { index: at, term: 0 }
    }

    /// Copies entries from `from` on, at least one if there is one, up to `bytes_max` of payload.
    pub(super) fn slice(&self, from: Index, bytes_max: usize) -> Vec<Entry> {
        let skip = from.saturating_sub(self.first_index()) as usize;
        let skip = skip.min(self.entries.len());
        let mut bytes = 0;
        let fits = |entry: &&Entry| {
            let is_first = bytes == 0;
            bytes += entry.size();
            is_first || bytes <= bytes_max
        };
        self.entries.range(skip..).take_while(fits).cloned().collect()
    }

    /// Appends a leader's own entry.
    pub(super) fn push(&mut self, entry: Entry) {
        assert_eq!(entry.index, self.last_index() + 1, "a leader's entry follows its log");
        self.entries.push_back(entry);
    }

    /// Takes a leader's entries, which follow an entry that matches; cuts what conflicts.
    pub(super) fn splice(&mut self, entries: Vec<Entry>) -> Result<(), Broken> {
        for entry in entries {
            match self.term_at(entry.index) {
                Some(ours) if ours == entry.term => {}
                Some(ours) if entry.index <= self.commit => {
                    let (index, theirs) = (entry.index, entry.term);
                    return Err(Broken::CommittedConflict { index, ours, theirs });
                }
                Some(_) => {
                    probe!("consensus conflicting entries cut");
                    self.cut(entry.index);
                    self.push(entry);
                }
                None => self.push(entry),
            }
        }
        Ok(())
    }

    /// Cuts the log from `index` on; nothing from there on is durable any more.
    fn cut(&mut self, index: Index) {
        let keep = index - 1;
        self.entries.truncate((keep - self.start.index) as usize);
        self.in_progress = self.in_progress.min(keep);
        self.stable = self.stable.min(keep);
        for claim in &mut self.claims {
            claim.last = claim.last.min(keep);
        }
    }

    /// Raises the commit index; returns the entries that became committed.
    pub(super) fn commit_to(&mut self, index: Index) -> impl Iterator<Item = &Entry> {
        let from = self.commit;
        let to = index.min(self.last_index());
        self.commit = from.max(to);
        (from + 1..=to).filter_map(|index| self.entry(index))
    }

    /// Whether some entries are not given to storage yet.
    pub(super) fn has_next_unstable(&self) -> bool {
        self.in_progress < self.last_index()
    }

    /// Gives all new entries to storage; they are durable once `token` is persisted.
    pub(super) fn take_next_unstable(&mut self, token: AppendToken) -> Vec<Entry> {
        let entries = self.slice(self.in_progress + 1, usize::MAX);
        self.in_progress = self.last_index();
        self.claims.push_back(Claim { token, last: self.in_progress });
        entries
    }

    /// Storage has made everything up to `token` durable.
    pub(super) fn persisted(&mut self, token: AppendToken) {
        while let Some(claim) = self.claims.pop_front_if(|claim| claim.token <= token) {
            self.stable = self.stable.max(claim.last);
        }
    }

    /// The last index that the state machine may be given.
    fn appliable(&self) -> Index {
        if planted!("R2", "ack-before-durable") {
            self.commit
        } else {
            self.commit.min(self.stable)
        }
    }

    /// Whether entries wait to be applied.
    pub(super) fn has_committed(&self) -> bool {
        self.applying < self.appliable()
    }

    /// Gives what is committed and durable to the state machine, each entry once.
    pub(super) fn take_committed(&mut self) -> Vec<Entry> {
        let (from, to) = (self.applying + 1, self.appliable());
        self.applying = self.applying.max(to);
        (from..=to).filter_map(|index| self.entry(index).cloned()).collect()
    }

    /// The state machine has applied up to `index`.
    pub(super) fn applied(&mut self, index: Index) {
        self.applied = self.applied.max(index.min(self.applying));
    }

    /// Drops entries up to `index`, as far as they are applied and durable.
    pub(super) fn compact(&mut self, index: Index) {
        let index = index.min(self.applied).min(self.stable);
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.index <= index) {
            self.start = EntryId { index: entry.index, term: entry.term };
        }
    }

    /// The state machine stands at `mark` already, and this log agrees with it.
    pub(super) fn skip_to(&mut self, mark: &SnapshotMark) {
        self.applying = self.applying.max(mark.index);
        self.applied = self.applied.max(mark.index);
        self.installed = mark.index;
    }

    /// Starts afresh after an installed snapshot.
    pub(super) fn restart_at(&mut self, mark: &SnapshotMark) {
        self.start = EntryId { index: mark.index, term: mark.term };
        self.entries.clear();
        self.commit = mark.index;
        self.applying = mark.index;
        self.applied = mark.index;
        self.in_progress = mark.index;
        self.stable = mark.index;
        self.installed = mark.index;
        for claim in &mut self.claims {
            claim.last = 0;
        }
    }

    /// How many batches storage works on.
    pub(super) fn claims(&self) -> usize {
        self.claims.len()
    }

    /// Asserts the invariants that cost little to look at.
    pub(super) fn check_invariants(&self) {
        let Log { commit, applying, applied, in_progress, stable, .. } = *self;
        let (start, last) = (self.start.index, self.last_index());
        assert!(start <= applied, "start {start} <= applied {applied}");
        assert!(applied <= applying, "applied {applied} <= applying {applying}");
        assert!(applying <= commit, "applying {applying} <= commit {commit}");
        assert!(commit <= last, "commit {commit} <= last {last}");
        assert!(start <= stable, "start {start} <= stable {stable}");
        assert!(stable <= in_progress, "stable {stable} <= in progress {in_progress}");
        assert!(in_progress <= last, "in progress {in_progress} <= last {last}");
        assert!(
            applying <= stable.max(self.installed) || planted!("R2", "ack-before-durable"),
            "applying {applying} <= stable {stable} (installed {})",
            self.installed
        );
        for (claim, next) in self.claims.iter().zip(self.claims.iter().skip(1)) {
            assert!(claim.token < next.token, "{claim:?} before {next:?}");
            assert!(claim.last <= next.last, "{claim:?} ends after {next:?}");
        }
        let claimed = self.claims.back().map_or(0, |claim| claim.last);
        assert!(claimed <= in_progress, "claimed {claimed} <= in progress {in_progress}");
    }

    /// Asserts that the entries join, and that no term is followed by an older one.
    pub(super) fn scan_entries(&self) {
        let mut before = self.start;
        for entry in &self.entries {
            let EntryId { index, term } = before;
            assert_eq!(entry.index, index + 1, "an entry follows entry {index}");
            assert!(
                term <= entry.term || planted!("C6", "append-unchecked"),
                "entry {} of term {} follows one of term {term}",
                entry.index,
                entry.term
            );
            before = EntryId { index: entry.index, term: entry.term };
        }
    }
}

#[cfg(test)]
mod tests;

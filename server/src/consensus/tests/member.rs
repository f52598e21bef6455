//! One member in a test: its core, its disk with writes in flight, and its state machine.

use std::collections::VecDeque;

use crate::consensus::{
    AppendBatch, Config, Core, Entry, HardState, Index, Message, MessageBody, NodeId, SnapshotMark,
    Stored, Term,
};

/// What survives a power loss.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) hard_state: HardState,
    pub(super) snapshot: SnapshotMark,
    pub(super) entries: Vec<Entry>,
}

impl Disk {
    /// Makes a batch durable, all of it at once.
    pub(super) fn write(&mut self, batch: AppendBatch) {
        self.hard_state = batch.hard_state.unwrap_or(self.hard_state);
        if let Some(mark) = batch.snapshot {
            self.snapshot = mark;
            self.entries.clear();
        }
        if let Some(first) = batch.entries.first() {
            assert!(first.index > self.snapshot.index, "a batch starts below the log");
            let keep = (first.index - self.snapshot.index - 1) as usize;
            assert!(keep <= self.entries.len(), "a batch leaves a gap in the log");
            self.entries.truncate(keep);
            self.entries.extend(batch.entries);
        }
    }

    /// The term of the entry at `index`, when it is on disk.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.snapshot.index {
            return Some(self.snapshot.term);
        }
        let offset = index.checked_sub(self.snapshot.index + 1)?;
        self.entries.get(offset as usize).map(|entry| entry.term)
    }
}

/// A member, with everything the shell would do for it done by hand.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) config: Config,
    pub(super) core: Core,
    pub(super) is_up: bool,
    pub(super) disk: Disk,
    /// Batches given to storage and not durable yet.
    pub(super) writing: VecDeque<AppendBatch>,
    /// The state machine: every entry it applied, from the first.
    pub(super) state: Vec<Entry>,
    /// How much of `state` is durable.
    pub(super) flushed: usize,
}

impl Member {
    pub(super) fn new(config: Config, snapshot: SnapshotMark) -> Self {
        let disk = Disk { snapshot, ..Disk::default() };
        let core = Core::new(config.clone(), stored(&disk, &[]));
        Self {
            config,
            core,
            is_up: true,
            disk,
            writing: VecDeque::new(),
            state: Vec::new(),
            flushed: 0,
        }
    }

    pub(super) fn applied(&self) -> Index {
        self.state.last().map_or(0, |entry| entry.index)
    }

    /// Applies entries, each once, without gaps.
    pub(super) fn apply(&mut self, entries: &[Entry]) {
        for entry in entries {
            if entry.index > self.applied() {
                assert_eq!(entry.index, self.applied() + 1, "entries are applied without gaps");
                self.state.push(entry.clone());
            }
        }
        self.core.applied(self.applied());
    }

    /// Makes the oldest batch durable.
    pub(super) fn persist(&mut self) -> Option<AppendBatch> {
        let batch = self.writing.pop_front()?;
        self.disk.write(batch.clone());
        self.core.persisted(batch.token);
        Some(batch)
    }

    /// Loses what is not durable.
    pub(super) fn crash(&mut self) {
        self.is_up = false;
        self.writing.clear();
        self.state.truncate(self.flushed);
    }

    pub(super) fn restart(&mut self) {
        self.is_up = true;
        let stored = stored(&self.disk, &self.state);
        // Where the log restarts after the state, the disk learns of it before anything else.
        self.disk.snapshot = stored.snapshot.clone();
        self.disk.entries.clone_from(&stored.entries);
        self.core = Core::new(self.config.clone(), stored);
    }

    /// Starts anew from a log, with nothing committed.
    pub(super) fn boot_with(&mut self, entries: Vec<Entry>, term: Term) {
        self.disk.entries = entries;
        self.disk.hard_state.term = term;
        self.restart();
    }

    /// Makes the state durable and forgets the log up to `index`.
    pub(super) fn compact(&mut self, index: Index) {
        self.flushed = self.state.len();
        self.core.compact(index);
        let start = self.core.first_index() - 1;
        // After an installed snapshot the log on disk may not have heard of `start` yet.
        if let Some(term) = self.disk.term_at(start) {
            self.disk.entries.retain(|entry| entry.index > start);
            self.disk.snapshot.index = start;
            self.disk.snapshot.term = term;
        }
    }

    /// The snapshot this member would send.
    pub(super) fn snapshot_for(&self, to: NodeId) -> (Message, Vec<Entry>) {
        let last = self.state.last().expect("a log that was compacted was applied");
        let membership = self.core.membership().clone();
        let mark = SnapshotMark { index: last.index, term: last.term, membership };
        let (from, term) = (self.config.id, self.core.status().term);
        let body = MessageBody::Snapshot { mark };
        (Message { from, to, term, body }, self.state.clone())
    }

    /// Installs a snapshot, durably, unless the state is newer; then tells the core.
    pub(super) fn install(&mut self, message: Message, state: Vec<Entry>) {
        if state.len() > self.state.len() {
            self.state = state;
            self.flushed = self.state.len();
        }
        self.core.step(message);
    }

    /// Whether the entry lies on disk here, in the log or in the state.
    pub(super) fn holds_durably(&self, index: Index, term: Term) -> bool {
        let in_state = |entry: &&Entry| entry.index == index;
        let state = self.state[..self.flushed].iter().find(in_state).map(|entry| entry.term);
        self.disk.term_at(index).or(state) == Some(term)
    }
}

fn stored(disk: &Disk, state: &[Entry]) -> Stored {
    let (applied, term) = state.last().map_or((0, 0), |entry| (entry.index, entry.term));
    let stored = Stored {
        hard_state: disk.hard_state,
        snapshot: disk.snapshot.clone(),
        entries: disk.entries.clone(),
        applied: 0,
    };
    stored.settle(applied, term).expect("a disk of ours keeps its promises")
}

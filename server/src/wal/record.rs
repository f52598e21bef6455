//! The body of a batch, and what a row of them adds up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::Damage;
use crate::consensus::types::{Entry, HardState, Index, SnapshotMark};
use crate::identity::Life;

/// The body of a batch as it is read.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Record {
    pub(super) hard_state: Option<HardState>,
    pub(super) restart: Option<SnapshotMark>,
    pub(super) start: Option<SnapshotMark>,
    life: Option<Life>,
    pub(super) entries: Vec<Entry>,
}

/// The body of a batch as it is written: the same fields in the same order as [`Record`].
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct RecordRef<'a> {
    /// New hard state, when it changed.
    pub(super) hard_state: Option<HardState>,
    /// A snapshot was installed: every entry so far is gone.
    pub(super) restart: Option<&'a SnapshotMark>,
    /// The log begins after this mark: entries up to it are in the state machine's durable state.
    pub(super) start: Option<&'a SnapshotMark>,
    /// A process of the member begins to use the log.
    pub(super) life: Option<Life>,
    /// Entries; the first cuts the log from its index on.
    pub(super) entries: &'a [Entry],
}

impl RecordRef<'_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("writing to memory does not fail")
    }
}

/// The state that records add up to.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) hard_state: HardState,
    pub(super) start: SnapshotMark,
    /// Of the last process that used the log; 0 before the first.
    pub(super) life: Life,
    entries: BTreeMap<Index, Entry>,
    /// The highest index a batch since the last [`Content::begin_segment`] carried.
    highest: Index,
}

impl Content {
    /// Forgets the highest index: a new segment begins.
    pub(super) fn begin_segment(&mut self) {
        self.highest = 0;
    }

    /// The highest index of an entry since the segment began, overwritten ones included.
    pub(super) fn highest(&self) -> Index {
        self.highest
    }

    /// Adds the record in `body`.
    pub(super) fn add(&mut self, sequence: u64, body: &[u8]) -> Result<(), Damage> {
        let record: Record =
            postcard::from_bytes(body).map_err(|_undecodable| Damage::Body { sequence })?;
        if let Some(mark) = record.restart {
            self.entries.clear();
            self.start = mark;
        }
        if let Some(mark) = record.start {
            self.start = mark;
        }
        if let Some(hard_state) = record.hard_state {
            self.hard_state = hard_state;
        }
        self.life = record.life.unwrap_or(self.life);
        if let Some(first) = record.entries.first() {
            self.entries.split_off(&first.index);
        }
        for entry in record.entries {
            self.highest = self.highest.max(entry.index);
            self.entries.insert(entry.index, entry);
        }
        Ok(())
    }

    /// The entries after the mark, checked to join without a gap.
    pub(super) fn finish(self) -> Result<(HardState, SnapshotMark, Vec<Entry>), Damage> {
        let mut entries = self.entries;
        let entries: Vec<Entry> =
            entries.split_off(&(self.start.index + 1)).into_values().collect();
        let mut last = self.start.index;
        for entry in &entries {
            if entry.index != last + 1 {
                return Err(Damage::Gap { wants: last + 1, found: entry.index });
            }
            last = entry.index;
        }
        let start = self.start.index;
        assert!(start <= last, "the log starts after {start} and ends at {last}");
        if self.hard_state.commit > last {
            return Err(Damage::Commit { commit: self.hard_state.commit, last });
        }
        Ok((self.hard_state, self.start, entries))
    }
}

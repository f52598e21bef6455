//! Reads a log's bytes without opening it: what would a restart find? For whoever watches a disk
//! from outside; nothing is repaired, and nobody has to be stopped.

use std::collections::BTreeMap;

use super::layout::{LogEnd, SEGMENT_HEADER_LEN, SegmentHeader, next_batch};
use super::record::Record;
use crate::consensus::types::{HardState, Index, Term};
use crate::identity::Identity;

/// What the bytes of a log say so far; segments are given in order and may grow.
#[derive(Debug, Default)]
pub struct Scan {
    identity: Option<Identity>,
    /// The segment being read, and how far.
    at: Option<(u64, usize)>,
    /// The last batch: its sequence and CRC.
    last: Option<(u64, u32)>,
    hard_state: HardState,
    start: Index,
    entries: BTreeMap<Index, (Term, u32)>,
}

impl Scan {
    /// Reads on in segment `number`, all of whose bytes are given. Bytes that do not continue the
    /// log, the torn tail of a write, are left for the next time.
    pub fn read(&mut self, number: u64, bytes: &[u8]) {
        if self.at.is_none_or(|(segment, _)| segment != number) {
            let Ok(header) = SegmentHeader::decode(bytes) else { return };
            self.identity = Some(header.identity);
            self.last.get_or_insert((header.first_sequence.saturating_sub(1), header.prev_crc));
            self.at = Some((number, SEGMENT_HEADER_LEN));
        }
        let (Some((_, mut at)), Some(identity)) = (self.at, self.identity) else { return };
        while let Some((sequence, crc)) = self.last
            && let end = (LogEnd { segment: number, sequence, crc })
            && let Some((start, batch)) = next_batch(bytes, at, identity, end)
        {
            at = start + batch.len();
            self.last = Some((batch.header.sequence, batch.crc));
            let Ok(record) = postcard::from_bytes::<Record>(batch.body) else { break };
            self.add(&record);
        }
        self.at = Some((number, at));
    }

    fn add(&mut self, record: &Record) {
        if let Some(mark) = &record.restart {
            self.entries.clear();
            self.start = mark.index;
        }
        if let Some(mark) = &record.start {
            self.start = mark.index;
        }
        if let Some(hard_state) = record.hard_state {
            self.hard_state = hard_state;
        }
        if let Some(first) = record.entries.first() {
            self.entries.split_off(&first.index);
        }
        for entry in &record.entries {
            self.entries.insert(entry.index, (entry.term, entry.payload.crc()));
        }
    }

    /// The segment it has come to.
    pub fn segment(&self) -> Option<u64> {
        self.at.map(|(segment, _)| segment)
    }

    /// Up to here the entries are in the durable state, and need not be in the log.
    pub fn start(&self) -> Index {
        self.start
    }

    /// Term, vote and commit index.
    pub fn hard_state(&self) -> HardState {
        self.hard_state
    }

    /// The last entry, or [`Scan::start`].
    pub fn last(&self) -> Index {
        self.entries.last_key_value().map_or(self.start, |(index, _)| self.start.max(*index))
    }

    /// Over the entries after [`Scan::start`], as [`Recovered::digest`](super::Recovered::digest).
    pub fn digest(&self) -> u32 {
        let after = self.entries.range(self.start + 1..);
        digest(after.map(|(index, (term, crc))| (*index, *term, *crc)))
    }

    /// Term and payload's CRC of an entry.
    pub fn entry(&self, index: Index) -> Option<(Term, u32)> {
        self.entries.get(&index).copied()
    }
}

/// CRC32C over entries: index, term and payload's CRC of each.
pub(super) fn digest(entries: impl Iterator<Item = (Index, Term, u32)>) -> u32 {
    entries.fold(0, |digest, (index, term, crc)| {
        let digest = crc32c::crc32c_append(digest, &index.to_le_bytes());
        let digest = crc32c::crc32c_append(digest, &term.to_le_bytes());
        crc32c::crc32c_append(digest, &crc.to_le_bytes())
    })
}

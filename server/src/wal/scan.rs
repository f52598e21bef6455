//! Reads a log's bytes without opening it: what would a restart find? For whoever watches a disk
//! from outside; nothing is repaired, and nobody has to be stopped.

use std::collections::BTreeMap;

use super::layout::{Batch, SEGMENT_HEADER_LEN, SegmentHeader, decode_batch, next_page};
use super::record::Record;
use crate::consensus::types::{Index, Term};
use crate::identity::Identity;

/// What the bytes of a log say so far; segments are given in order and may grow.
#[derive(Debug, Default)]
pub struct Scan {
    identity: Option<Identity>,
    /// The segment being read, and how far.
    at: Option<(u64, usize)>,
    /// The last batch: its sequence and CRC.
    last: Option<(u64, u32)>,
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
        let Some((_, mut at)) = self.at else { return };
        while let Some((start, batch)) = self.next_batch(number, bytes, at) {
            at = start + batch.len();
            self.last = Some((batch.header.sequence, batch.crc));
            let Ok(record) = postcard::from_bytes::<Record>(batch.body) else { break };
            self.add(&record);
        }
        self.at = Some((number, at));
    }

    fn next_batch<'b>(
        &self,
        number: u64,
        bytes: &'b [u8],
        at: usize,
    ) -> Option<(usize, Batch<'b>)> {
        let (identity, (sequence, crc)) = (self.identity?, self.last?);
        [at, next_page(at as u64) as usize].into_iter().find_map(|start| {
            let batch = decode_batch(bytes.get(start..)?, identity)?;
            let header = batch.header;
            let follows = header.segment == number
                && header.sequence == sequence + 1
                && header.prev_crc == crc;
            follows.then_some((start, batch))
        })
    }

    fn add(&mut self, record: &Record) {
        if let Some(mark) = &record.restart {
            self.entries.clear();
            self.start = mark.index;
        }
        if let Some(mark) = &record.start {
            self.start = mark.index;
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

    /// Term and payload's CRC of an entry.
    pub fn entry(&self, index: Index) -> Option<(Term, u32)> {
        self.entries.get(&index).copied()
    }
}

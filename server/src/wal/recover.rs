//! Reading the log at boot: what is there, what was torn, and when to refuse.

use std::sync::Arc;

use bytes::Bytes;

use super::error::{Damage, WalError, io_error};
use super::layout::{
    HeaderFault, LogEnd, SEGMENT_HEADER_LEN, SegmentHeader, VERSION, decode_batch, fill_page,
    next_batch,
};
use super::record::Content;
use super::scan::digest;
use super::segment::{Segment, segment_path};
use crate::consensus::types::{Entry, HardState, Index, SnapshotMark};
use crate::identity::{Identity, Life};
use crate::platform::{Disk, File, Open};
use crate::probe;

/// What the log held at boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last hard state.
    pub hard_state: HardState,
    /// Where the log begins.
    pub snapshot: SnapshotMark,
    /// Entries after it, without gaps, overwritten ones gone.
    pub entries: Vec<Entry>,
    /// The last process that used the log, and its disk; 0 when no process ever did.
    pub life: Life,
    /// Bytes of a torn tail that were cut.
    pub torn_bytes: u64,
}

impl Recovered {
    /// Whether no process ever used this log: nothing was promised. Whoever finds durable state
    /// beside such a log has lost the log.
    pub fn is_fresh(&self) -> bool {
        self.life.incarnation == 0
    }

    /// The last index of the log.
    pub fn last_index(&self) -> Index {
        self.entries.last().map_or(self.snapshot.index, |entry| entry.index)
    }

    /// CRC32C over the entries: index, term and payload's CRC of each.
    pub fn digest(&self) -> u32 {
        digest(self.entries.iter().map(|entry| (entry.index, entry.term, entry.payload.crc())))
    }
}

/// Where the log ends on disk, and what it adds up to.
pub(super) struct End {
    pub(super) segments: Vec<Segment>,
    /// The last segment and its length; `None` when there is no log.
    pub(super) file: Option<(Arc<dyn File>, u64)>,
    pub(super) sequence: u64,
    pub(super) crc: u32,
    pub(super) content: Content,
    pub(super) torn_bytes: u64,
}

/// Reads the segments `numbers` (ascending) of `dir`, checks them and cuts a torn tail.
pub(super) async fn read(
    disk: &dyn Disk,
    dir: &str,
    identity: Identity,
    numbers: &[u64],
) -> Result<End, WalError> {
    let mut reader = Reader {
        disk,
        dir,
        identity,
        end: End {
            segments: Vec::new(),
            file: None,
            sequence: 0,
            crc: 0,
            content: Content::default(),
            torn_bytes: 0,
        },
    };
    for (at, &number) in numbers.iter().enumerate() {
        if at > 0 && number != numbers[at - 1] + 1 {
            let missing = numbers[at - 1] + 1;
            return Err(reader.corrupt(missing, 0, Damage::SegmentMissing));
        }
        reader.segment(number, at == 0, at + 1 == numbers.len()).await?;
    }
    Ok(reader.end)
}

/// Ends the name of a segment's copy until it takes the segment's place.
pub(super) const COPY_SUFFIX: &str = ".new";

struct Reader<'a> {
    disk: &'a dyn Disk,
    dir: &'a str,
    identity: Identity,
    end: End,
}

impl Reader<'_> {
    /// An existing file and its length.
    async fn open(&self, path: &str) -> Result<(Arc<dyn File>, u64), WalError> {
        let file = self
            .disk
            .open(path, Open::Existing)
            .await
            .map_err(|source| io_error("open", path, source))?;
        let len = file.len().await.map_err(|source| io_error("measure", path, source))?;
        Ok((file, len))
    }

    async fn segment(&mut self, number: u64, first: bool, last: bool) -> Result<(), WalError> {
        let path = segment_path(self.dir, number);
        let (file, len) = self.open(&path).await?;
        let bytes = file
            .read_at(0, len as usize)
            .await
            .map_err(|source| io_error("read", &path, source))?;
        let header = match SegmentHeader::decode(&bytes) {
            Ok(header) => header,
            Err(HeaderFault::Version(found)) => {
                return Err(WalError::WrongVersion { path, found, expected: VERSION });
            }
            Err(HeaderFault::Unreadable) if last => {
                return self.torn_creation(number, &bytes).await;
            }
            Err(HeaderFault::Unreadable) => {
                return Err(self.corrupt(number, 0, Damage::SegmentHeader));
            }
        };
        if header.identity != self.identity {
            let expected = self.identity;
            return Err(WalError::WrongIdentity { path, found: header.identity, expected });
        }
        if header.segment != number {
            return Err(self.corrupt(number, 0, Damage::SegmentNumber { found: header.segment }));
        }
        if first {
            self.end.sequence = header.first_sequence.saturating_sub(1);
            self.end.crc = header.prev_crc;
        } else if header.first_sequence != self.end.sequence + 1 || header.prev_crc != self.end.crc
        {
            let damage =
                Damage::SegmentChain { wants: header.first_sequence, ends: self.end.sequence };
            return Err(self.corrupt(number, 0, damage));
        }
        self.batches(number, &bytes, last).await
    }

    /// Reads the batches of a segment whose header verified.
    async fn batches(&mut self, number: u64, bytes: &[u8], last: bool) -> Result<(), WalError> {
        self.end.content.begin_segment();
        let mut at = SEGMENT_HEADER_LEN;
        while let Some((start, batch)) = next_batch(bytes, at, self.identity, self.come_to(number))
        {
            let sequence = batch.header.sequence;
            self.end
                .content
                .add(sequence, batch.body)
                .map_err(|damage| self.corrupt(number, start as u64, damage))?;
            (self.end.sequence, self.end.crc) = (sequence, batch.crc);
            at = start + batch.len();
        }
        self.end.segments.push(Segment { number, highest: self.end.content.highest() });
        if last {
            self.refuse_if_proven(number, &bytes[at..], at)?;
            let torn = bytes[at..].iter().rposition(|byte| *byte != 0);
            self.end.torn_bytes = torn.map_or(0, |last| last as u64 + 1);
            return self.write_again(number, &bytes[..at]).await;
        }
        if bytes[at..].iter().any(|byte| *byte != 0) {
            // A segment is created only when the segment before is durable as a whole.
            let damage = Damage::BatchBeforeSegment { sequence: self.end.sequence + 1 };
            return Err(self.corrupt(number, at as u64, damage));
        }
        Ok(())
    }

    /// Where the log has come to while segment `segment` is read.
    fn come_to(&self, segment: u64) -> LogEnd {
        LogEnd { segment, sequence: self.end.sequence, crc: self.end.crc }
    }

    /// Looks ahead of the bad batch at `rest`: a later one that knew it to be durable?
    fn refuse_if_proven(&self, number: u64, rest: &[u8], at: usize) -> Result<(), WalError> {
        let bad = self.end.sequence + 1;
        for offset in 0..rest.len() {
            let Some(batch) = decode_batch(&rest[offset..], self.identity) else { continue };
            let header = batch.header;
            if header.segment == number && header.sequence > bad && header.durable_to >= bad {
                probe!("wal corruption proven");
                let damage = Damage::Batch { sequence: bad, witness: header.sequence };
                let zeros = rest.iter().take_while(|byte| **byte == 0).count();
                return Err(self.corrupt(number, (at + zeros) as u64, damage));
            }
        }
        Ok(())
    }

    /// Replaces the last segment by a copy of what was read from it: durable for certain, and
    /// without the torn tail.
    async fn write_again(&mut self, number: u64, kept: &[u8]) -> Result<(), WalError> {
        let len = kept.len();
        assert!(
            len >= SEGMENT_HEADER_LEN,
            "segment {number} is copied, but only {len} bytes of it"
        );
        if self.end.torn_bytes > 0 {
            probe!("wal torn tail cut");
        }
        let path = segment_path(self.dir, number);
        let copy = format!("{path}{COPY_SUFFIX}");
        let file = self
            .disk
            .open(&copy, Open::Truncate)
            .await
            .map_err(|source| io_error("create", &copy, source))?;
        let mut bytes = kept.to_vec();
        fill_page(&mut bytes);
        file.write_at(0, Bytes::from(bytes))
            .await
            .map_err(|source| io_error("write", &copy, source))?;
        file.sync_data().await.map_err(|source| io_error("sync", &copy, source))?;
        self.disk.rename(&copy, &path).await.map_err(|source| io_error("rename", &copy, source))?;
        self.disk.sync_dir(self.dir).await.map_err(|source| io_error("sync", self.dir, source))?;
        self.end.file = Some((file, kept.len() as u64));
        Ok(())
    }

    /// The last segment's header does not verify: the crash came while it was created, unless a
    /// batch in it proves otherwise.
    async fn torn_creation(&mut self, number: u64, bytes: &[u8]) -> Result<(), WalError> {
        if self.end.segments.is_empty() && number > 1 {
            // Earlier segments are removed only when a later segment is durable.
            return Err(self.corrupt(number, 0, Damage::SegmentHeader));
        }
        for offset in 0..bytes.len() {
            let Some(batch) = decode_batch(&bytes[offset..], self.identity) else { continue };
            let header = batch.header;
            // Its first batch knows the segment before to be durable, a later one this segment.
            if header.segment == number && header.durable_to > self.end.sequence {
                probe!("wal corruption proven");
                return Err(self.corrupt(number, 0, Damage::SegmentHeader));
            }
        }
        probe!("wal torn segment removed");
        let path = segment_path(self.dir, number);
        self.end.torn_bytes = bytes.len() as u64;
        self.disk.remove(&path).await.map_err(|source| io_error("remove", &path, source))?;
        self.disk.sync_dir(self.dir).await.map_err(|source| io_error("sync", self.dir, source))?;
        let Some(before) = self.end.segments.last() else { return Ok(()) };
        let path = segment_path(self.dir, before.number);
        let (file, len) = self.open(&path).await?;
        self.end.file = Some((file, len));
        Ok(())
    }

    fn corrupt(&self, number: u64, offset: u64, damage: Damage) -> WalError {
        WalError::Corrupt { path: segment_path(self.dir, number), offset, damage }
    }
}

//! The open log: append, sync, roll, cut, seal.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::error::{WalError, io_error};
use super::layout::{
    BATCH_HEADER_LEN, BatchHeader, SegmentHeader, encode_batch, fill_page, next_page,
};
use super::record::RecordRef;
use super::recover::{self, COPY_SUFFIX, Recovered};
use super::segment::{Segment, segment_number, segment_path};
use crate::consensus::types::{AppendBatch, HardState, Index, SnapshotMark};
use crate::identity::{Identity, Life};
use crate::platform::{Disk, File, Open};
use crate::{planted, probe};

/// How the log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A segment is closed before it grows beyond this many bytes; it holds at least one batch.
    pub segment_bytes: u64,
    /// Appended this much without a sync: written out, so that memory stays bounded.
    pub buffer_bytes: usize,
}

impl Default for Options {
    /// 16 MiB: room for 4,096 syncs; recovery reads one segment into memory at a time.
    fn default() -> Options {
        Options { segment_bytes: 16 * 1024 * 1024, buffer_bytes: 1024 * 1024 }
    }
}

/// The open log. One owner writes; see the room's page for the rules.
pub struct Wal {
    disk: Arc<dyn Disk>,
    dir: String,
    identity: Identity,
    options: Options,
    /// Ascending and never empty; the last one is written to.
    segments: Vec<Segment>,
    file: Arc<dyn File>,
    /// Where the last segment's last batch on disk ends.
    written: u64,
    /// Batches that come after it.
    buffer: Vec<u8>,
    /// Sequence of the last batch, buffered ones included.
    sequence: u64,
    /// Its CRC.
    crc: u32,
    /// Sequence of the last batch known to be durable.
    durable: u64,
    /// Whether a batch that says something was written since the last seal.
    unsealed: bool,
    hard_state: HardState,
    life: Life,
    start: SnapshotMark,
    last_index: Index,
    poisoned: bool,
}

impl Wal {
    /// Opens the log in `dir`, or begins one, and returns what it held.
    pub async fn open(
        disk: Arc<dyn Disk>,
        dir: &str,
        identity: Identity,
        options: Options,
    ) -> Result<(Wal, Recovered), WalError> {
        disk.create_dir(dir).await.map_err(|source| io_error("create", dir, source))?;
        let parent = dir.rsplit_once('/').map_or("", |(parent, _)| parent);
        disk.sync_dir(parent).await.map_err(|source| io_error("sync", parent, source))?;
        let names = disk.list(dir).await.map_err(|source| io_error("list", dir, source))?;
        let numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
        for name in names.iter().filter(|name| name.ends_with(COPY_SUFFIX)) {
            let path = format!("{dir}/{name}");
            disk.remove(&path).await.map_err(|source| io_error("remove", &path, source))?;
        }
        let end = recover::read(&*disk, dir, identity, &numbers).await?;
        let (sequence, crc, torn_bytes) = (end.sequence, end.crc, end.torn_bytes);
        let life = end.content.life;
        let (hard_state, start, entries) = end.content.finish().map_err(|damage| {
            let number = end.segments.last().map_or(1, |segment| segment.number);
            let offset = end.file.as_ref().map_or(0, |(_, len)| *len);
            WalError::Corrupt { path: segment_path(dir, number), offset, damage }
        })?;
        let is_new = end.file.is_none();
        let recovered = Recovered { hard_state, snapshot: start, entries, life, torn_bytes };
        let (file, written) = if let Some(file) = end.file {
            file
        } else {
            let path = segment_path(dir, 1);
            let file = disk.open(&path, Open::Truncate).await;
            (file.map_err(|source| io_error("create", &path, source))?, 0)
        };
        let mut wal = Wal {
            disk,
            dir: dir.to_owned(),
            identity,
            options,
            segments: end.segments,
            file,
            written,
            buffer: Vec::new(),
            sequence,
            crc,
            durable: sequence,
            unsealed: true,
            hard_state,
            life,
            start: recovered.snapshot.clone(),
            last_index: recovered.last_index(),
            poisoned: false,
        };
        if is_new {
            wal.begin_segment(1).await?;
        }
        Ok((wal, recovered))
    }

    /// Notes that a process begins to use the log, durably, before it promises anything.
    pub async fn begin_life(&mut self, life: Life) -> Result<(), WalError> {
        self.refuse_poisoned()?;
        assert!(life.incarnation != 0, "{life} is of no disk");
        assert_eq!(life.boot, self.life.boot + 1, "{life} begins after {}", self.life);
        let is_first = self.life.incarnation == 0;
        assert!(
            is_first || life.incarnation == self.life.incarnation,
            "{life} on a disk of {}",
            self.life
        );
        let body = RecordRef { life: Some(life), ..RecordRef::default() }.encode();
        self.make_room(body.len()).await?;
        self.life = life;
        self.unsealed = true;
        self.encode(&body);
        self.sync().await
    }

    /// Adds a batch; durable once [`Wal::sync`] returns.
    ///
    /// The first entry may overwrite the log from its index on; an installed snapshot ends it.
    pub async fn append(&mut self, batch: &AppendBatch) -> Result<(), WalError> {
        self.refuse_poisoned()?;
        self.check_batch(batch);
        let record = RecordRef {
            hard_state: batch.hard_state,
            restart: batch.snapshot.as_ref(),
            entries: &batch.entries,
            ..RecordRef::default()
        };
        let body = record.encode();
        // First: the head of a new segment repeats the state before this batch.
        self.make_room(body.len()).await?;
        if let Some(mark) = &batch.snapshot {
            self.start = mark.clone();
            self.last_index = mark.index;
        }
        if let (Some(first), Some(last)) = (batch.entries.first(), batch.entries.last()) {
            assert!(
                first.index <= self.last_index + 1,
                "entry {} does not join the log, which ends at {}",
                first.index,
                self.last_index
            );
            if first.index <= self.last_index {
                probe!("wal entries overwritten");
            }
            self.last_index = last.index;
            let active = self.segments.last_mut().expect("there is a segment to write to");
            active.highest = active.highest.max(last.index);
        }
        if let Some(hard_state) = batch.hard_state {
            self.hard_state = hard_state;
        }
        let (commit, last) = (self.hard_state.commit, self.last_index);
        assert!(commit <= last, "commit index {commit} in a log that ends at {last}");
        self.unsealed = true;
        self.encode(&body);
        if self.buffer.len() > self.options.buffer_bytes {
            self.write_out().await?;
        }
        Ok(())
    }

    /// Asserts what recovery would refuse, or take for a lost promise, before it is on the disk.
    fn check_batch(&self, batch: &AppendBatch) {
        let HardState { term, commit, .. } = self.hard_state;
        if let Some(new) = batch.hard_state {
            assert!(term <= new.term, "hard state of term {} after term {term}", new.term);
            assert!(commit <= new.commit, "commit index {} after {commit}", new.commit);
        }
        if let Some(mark) = &batch.snapshot {
            assert!(commit <= mark.index, "snapshot at {} in a log of commit {commit}", mark.index);
            let first = batch.entries.first().map_or(mark.index + 1, |entry| entry.index);
            assert_eq!(first, mark.index + 1, "the first entry after a snapshot");
        } else if let Some(first) = batch.entries.first() {
            assert!(commit < first.index, "entry {} overwrites commit {commit}", first.index);
        }
        for pair in batch.entries.windows(2) {
            assert_eq!(pair[1].index, pair[0].index + 1, "an entry follows another in a batch");
        }
    }

    /// Makes every appended batch durable.
    pub async fn sync(&mut self) -> Result<(), WalError> {
        self.refuse_poisoned()?;
        if self.durable == self.sequence {
            return Ok(());
        }
        self.write_out().await?;
        probe!("wal written, not yet synced");
        if let Err(source) = self.file.sync_data().await {
            probe!("wal sync failed");
            if !planted!("C15", "sync-error-ignored") {
                self.poisoned = true;
                return Err(io_error("sync", &self.active_path(), source));
            }
        }
        assert!(self.buffer.is_empty(), "{} bytes not written are synced", self.buffer.len());
        self.durable = self.sequence;
        probe!("wal synced");
        Ok(())
    }

    /// Records that all before is durable, so that damage to it can never pass for a torn tail.
    /// For an idle log; does nothing when nothing was appended since the last seal.
    pub async fn seal(&mut self) -> Result<(), WalError> {
        self.refuse_poisoned()?;
        if !self.unsealed {
            return Ok(());
        }
        self.sync().await?;
        self.encode(&RecordRef::default().encode());
        self.sync().await?;
        self.unsealed = false;
        Ok(())
    }

    /// Lets the log begin after `mark`, which the state machine's durable state must cover, and
    /// removes the segments that lie wholly at or below it. Returns how many.
    pub async fn cut(&mut self, mark: &SnapshotMark) -> Result<usize, WalError> {
        self.refuse_poisoned()?;
        if mark.index <= self.start.index {
            return Ok(0);
        }
        assert!(
            mark.index <= self.last_index,
            "cut at {}, but the log ends at {}",
            mark.index,
            self.last_index
        );
        let body = RecordRef { start: Some(mark), ..RecordRef::default() }.encode();
        self.make_room(body.len()).await?;
        self.start = mark.clone();
        self.unsealed = true;
        self.encode(&body);
        self.sync().await?;
        let mut removed = 0;
        while self.segments.len() > 1 && self.segments[0].highest <= mark.index {
            let path = segment_path(&self.dir, self.segments[0].number);
            let done = self.disk.remove(&path).await;
            self.checked("remove", &path, done)?;
            // One by one: a crash must not leave a gap between two segments.
            let done = self.disk.sync_dir(&self.dir).await;
            self.checked("sync", &path, done)?;
            self.segments.remove(0);
            removed += 1;
        }
        for pair in self.segments.windows(2) {
            let (one, next) = (pair[0].number, pair[1].number);
            assert_eq!(next, one + 1, "a segment follows segment {one}");
        }
        if removed > 0 {
            probe!("wal segments removed");
        }
        Ok(removed)
    }

    /// Index of the last entry appended (not necessarily durable yet).
    pub fn last_index(&self) -> Index {
        self.last_index
    }

    /// Begins a new segment when this one has no room for a body of `len` bytes.
    async fn make_room(&mut self, len: usize) -> Result<(), WalError> {
        let grown = next_page(self.written) + (self.buffer.len() + BATCH_HEADER_LEN + len) as u64;
        if grown > self.options.segment_bytes {
            self.sync().await?;
            let number = self.active().number + 1;
            self.begin_segment(number).await?;
        }
        Ok(())
    }

    fn encode(&mut self, body: &[u8]) {
        let header = BatchHeader {
            segment: self.active().number,
            sequence: self.sequence + 1,
            durable_to: self.durable,
            prev_crc: self.crc,
        };
        self.crc = encode_batch(&mut self.buffer, self.identity, header, body);
        self.sequence += 1;
    }

    /// Creates a segment and makes its head durable. Everything before it is durable already.
    async fn begin_segment(&mut self, number: u64) -> Result<(), WalError> {
        let last = self.segments.last().map_or(0, |segment| segment.number);
        assert_eq!(number, last + 1, "a segment follows segment {last}");
        assert_eq!(self.durable, self.sequence, "batches durable and written before a segment");
        let path = segment_path(&self.dir, number);
        let file = self.disk.open(&path, Open::Truncate).await;
        self.file = self.checked("create", &path, file)?;
        let header = SegmentHeader {
            identity: self.identity,
            segment: number,
            first_index: self.last_index + 1,
            first_sequence: self.sequence + 1,
            prev_crc: self.crc,
        };
        self.written = 0;
        self.buffer = header.encode();
        self.segments.push(Segment { number, highest: 0 });
        let head = RecordRef {
            hard_state: Some(self.hard_state),
            start: Some(&self.start),
            life: (self.life.incarnation != 0).then_some(self.life),
            ..RecordRef::default()
        };
        self.encode(&head.encode());
        self.sync().await?;
        let done = self.disk.sync_dir(&self.dir).await;
        self.checked("sync", &path, done)
    }

    async fn write_out(&mut self) -> Result<(), WalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.buffer);
        let len = bytes.len() as u64;
        fill_page(&mut bytes);
        let offset = next_page(self.written);
        let done = self.file.write_at(offset, Bytes::from(bytes)).await;
        let path = self.active_path();
        self.checked("write", &path, done)?;
        self.written = offset + len;
        Ok(())
    }

    fn active(&self) -> Segment {
        *self.segments.last().expect("there is a segment to write to")
    }

    fn active_path(&self) -> String {
        segment_path(&self.dir, self.active().number)
    }

    fn refuse_poisoned(&self) -> Result<(), WalError> {
        if self.poisoned { Err(WalError::Poisoned) } else { Ok(()) }
    }

    /// After an error nobody knows what the disk holds: no further use.
    fn checked<T>(
        &mut self,
        action: &'static str,
        path: &str,
        done: io::Result<T>,
    ) -> Result<T, WalError> {
        done.map_err(|source| {
            self.poisoned = true;
            probe!("wal write failed");
            io_error(action, path, source)
        })
    }
}

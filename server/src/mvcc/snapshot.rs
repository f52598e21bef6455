//! Carrying the whole state to another member: export into chunks, import into a fresh file.
//!
//! A snapshot is a stream of frames (a length, then bytes) cut into chunks of at most
//! [`StoreLimits::snapshot_chunk_bytes`]. Each chunk carries a CRC32C over itself and its number, and says whether
//! it is the last, so a damaged, missing or misplaced chunk is found out before the file counts.
//!
//! The first frame is the [`SnapshotHead`]; later versions keep its two numbers. Every other frame
//! begins with the number of a section and the section's version (a byte each): first the state, then
//! the cluster, then the proposals, then the records with their revisions, in order. A snapshot
//! with a section or a version that the receiver does not know is refused, never read in part.

use bytes::Bytes;
use redb::{ReadableTable, ReadableTableMetadata, StorageBackend, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::engine::guarded;
use super::file::{
    CACHE_BYTES, CLUSTER, FORMAT_VERSION, HEAD, Head, IMPORTING, META, PROPOSALS, REVISIONS, STATE,
    need_meta, open_database, put_meta,
};
use super::memory::State;
use super::proposals::Proposals;
use super::record::{self, Revision};
use super::{Cluster, Store, StoreError};
use crate::consensus::types::SnapshotMark;
use crate::identity::Identity;
#[cfg(doc)]
use crate::limits::StoreLimits;

/// What a chunk has beside its piece of the stream, at most: checksum, flag and length.
const CHUNK_OVERHEAD_BYTES: usize = 16;

/// What the snapshot is of. Names the cluster and no member: any member of the cluster may take it.
#[derive(Debug, Serialize, Deserialize)]
struct SnapshotHead {
    format: u32,
    cluster_id: u64,
}

/// Version of the snapshot's head and of the order of its sections.
///
/// 1: as commit 057aa02 sent it, without sections.
const SNAPSHOT_VERSION: u32 = 2;

/// What a frame carries. The numbers stand in snapshots: they are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    State = 1,
    Cluster = 2,
    Proposals = 3,
    Record = 4,
}

/// The version in which this program writes every section, and reads it.
const SECTION_VERSION: u8 = 1;

impl Section {
    /// The section of a frame, and what the frame carries.
    fn of(frame: &[u8]) -> Result<(Section, &[u8]), StoreError> {
        let [section, version, body @ ..] = frame else {
            return Err(StoreError::Snapshot("a frame has no section".to_owned()));
        };
        let (section, version) = (*section, *version);
        let all = [Section::State, Section::Cluster, Section::Proposals, Section::Record];
        match all.into_iter().find(|known| *known as u8 == section) {
            Some(known) if version == SECTION_VERSION => Ok((known, body)),
            _ => Err(StoreError::Section { section, version }),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Chunk<'a> {
    last: bool,
    piece: &'a [u8],
}

#[derive(Serialize, Deserialize)]
struct Frame<'a> {
    revision: Revision,
    sealed: &'a [u8],
}

impl Store {
    /// The state as of one applied index, in chunks, with that index.
    pub fn export(&self) -> Result<(SnapshotMark, Vec<Bytes>), StoreError> {
        guarded(|| self.export_unguarded())
    }

    fn export_unguarded(&self) -> Result<(SnapshotMark, Vec<Bytes>), StoreError> {
        let txn = self.begin_read()?;
        let meta = txn.open_table(META)?;
        let state: State = need_meta(&meta, STATE)?;
        let cluster: Cluster = need_meta(&meta, CLUSTER)?;
        let mark = SnapshotMark {
            index: state.applied.index,
            term: state.applied.term,
            membership: cluster.membership.clone(),
        };
        let cluster_id = self.identity().cluster_id;
        let mut cutter = Cutter::new(self.limits().snapshot_chunk_bytes);
        cutter.head(&SnapshotHead { format: SNAPSHOT_VERSION, cluster_id });
        cutter.frame(Section::State, &state);
        cutter.frame(Section::Cluster, &cluster);
        cutter.frame(Section::Proposals, &need_meta::<Proposals>(&meta, PROPOSALS)?);
        let newest = state.revision;
        for entry in txn.open_table(REVISIONS)?.iter()? {
            let (key, sealed) = entry?;
            let revision = Revision::from_key(key.value());
            assert!(revision.main <= newest, "{revision} in a snapshot of revision {newest}");
            cutter.frame(Section::Record, &Frame { revision, sealed: sealed.value() });
        }
        Ok((mark, cutter.end()))
    }

    /// Writes a snapshot into an empty file and opens it as `identity`'s store, durable.
    ///
    /// Until all of it is written the file says that it is unfinished, and no store opens it.
    pub fn import(
        backend: Box<dyn StorageBackend>,
        identity: Identity,
        chunks: impl IntoIterator<Item = Bytes>,
    ) -> Result<Store, StoreError> {
        guarded(|| {
            let (db, file_bytes) = open_database(backend, CACHE_BYTES)?;
            let txn = db.begin_write()?;
            if txn.list_tables()?.next().is_some() {
                return Err(StoreError::Snapshot(
                    "the file to import into is not empty".to_owned(),
                ));
            }
            txn.open_table(REVISIONS)?;
            put_meta(&txn, IMPORTING, &())?;
            txn.commit()?;

            let txn = db.begin_write()?;
            let state = fill(&txn, identity, chunks)?;
            txn.open_table(META)?.remove(IMPORTING)?;
            txn.commit()?;
            let store = Store::loaded(db, identity, file_bytes)?;
            assert_eq!(store.memory().state, state, "the state of a snapshot as it is read back");
            Ok(store)
        })
    }
}

/// Writes all frames of the chunks; returns the state they lead to.
fn fill(
    txn: &WriteTransaction,
    identity: Identity,
    chunks: impl IntoIterator<Item = Bytes>,
) -> Result<State, StoreError> {
    let mut records = txn.open_table(REVISIONS)?;
    let mut sections = Sections::default();
    let mut joiner = Joiner::default();
    let mut frames = 0;
    for chunk in chunks {
        joiner.take(&chunk)?;
        while let Some(frame) = joiner.next() {
            if !sections.accepted {
                accept(frame, identity)?;
                sections.accepted = true;
            } else if let Some(Frame { revision, sealed }) = sections.take(frame)? {
                records.insert(revision.key(), sealed)?;
                frames += 1;
            }
        }
    }
    joiner.end()?;
    assert_eq!(records.len()?, frames, "records in the file and in the snapshot");
    let state = Sections::need(sections.state, "state")?;
    put_meta(txn, HEAD, &Head { format: FORMAT_VERSION, identity })?;
    let state = State { installed: state.applied.index, ..state };
    put_meta(txn, STATE, &state)?;
    put_meta(txn, CLUSTER, &Sections::need(sections.cluster, "cluster")?)?;
    put_meta(txn, PROPOSALS, &Sections::need(sections.proposals, "proposals")?)?;
    Ok(state)
}

/// Reads the head: is the snapshot of this cluster, and can this program read it?
fn accept(frame: &[u8], identity: Identity) -> Result<(), StoreError> {
    // Of version 1, the head had more behind these two numbers.
    let (head, _) = postcard::take_from_bytes::<SnapshotHead>(frame)
        .map_err(|error| StoreError::Snapshot(error.to_string()))?;
    if head.format != SNAPSHOT_VERSION {
        return Err(StoreError::Format { expected: SNAPSHOT_VERSION, found: head.format });
    }
    if head.cluster_id != identity.cluster_id {
        return Err(StoreError::Cluster { expected: identity.cluster_id, found: head.cluster_id });
    }
    Ok(())
}

/// The sections read so far, but for the records.
#[derive(Default)]
struct Sections {
    /// The head was read.
    accepted: bool,
    state: Option<State>,
    cluster: Option<Cluster>,
    proposals: Option<Proposals>,
}

impl Sections {
    /// Takes a frame; returns the record that the frame carries, if it carries one.
    fn take<'a>(&mut self, frame: &'a [u8]) -> Result<Option<Frame<'a>>, StoreError> {
        let (section, body) = Section::of(frame)?;
        match section {
            Section::State => self.state = Some(decode(body)?),
            Section::Cluster => self.cluster = Some(decode(body)?),
            Section::Proposals => self.proposals = Some(decode(body)?),
            Section::Record => return decode(body).map(Some),
        }
        Ok(None)
    }

    fn need<T>(section: Option<T>, name: &str) -> Result<T, StoreError> {
        section.ok_or_else(|| StoreError::Snapshot(format!("it has no section of the {name}")))
    }
}

fn decode<'a, T: Deserialize<'a>>(frame: &'a [u8]) -> Result<T, StoreError> {
    postcard::from_bytes(frame).map_err(|error| StoreError::Snapshot(error.to_string()))
}

/// Cuts frames into chunks.
struct Cutter {
    chunk_bytes: usize,
    chunks: Vec<Bytes>,
    rest: Vec<u8>,
}

impl Cutter {
    /// Into chunks of at most so many bytes.
    fn new(chunk_bytes: usize) -> Cutter {
        assert!(chunk_bytes > CHUNK_OVERHEAD_BYTES, "chunks of {chunk_bytes} bytes");
        Cutter { chunk_bytes, chunks: Vec::new(), rest: Vec::new() }
    }

    fn head(&mut self, head: &SnapshotHead) {
        self.add(&postcard::to_stdvec(head).expect("values of ours always serialize"));
    }

    fn frame(&mut self, section: Section, body: &impl Serialize) {
        let start = vec![section as u8, SECTION_VERSION];
        let frame = postcard::to_extend(body, start).expect("values of ours always serialize");
        self.add(&frame);
    }

    fn add(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).expect("a record is far smaller than 4 GiB");
        self.rest.extend_from_slice(&len.to_le_bytes());
        self.rest.extend_from_slice(bytes);
        let piece_bytes = self.chunk_bytes - CHUNK_OVERHEAD_BYTES;
        // Each piece is taken from the front by copying it: a frame of many pieces is copied once.
        while self.rest.len() > piece_bytes {
            let rest = self.rest.split_off(piece_bytes);
            let piece = std::mem::replace(&mut self.rest, rest);
            self.cut(&piece, false);
        }
    }

    fn end(mut self) -> Vec<Bytes> {
        let piece = std::mem::take(&mut self.rest);
        self.cut(&piece, true);
        self.chunks
    }

    fn cut(&mut self, piece: &[u8], last: bool) {
        let number = (self.chunks.len() as u64).to_le_bytes();
        let chunk = record::seal(&number, &Chunk { last, piece });
        assert!(chunk.len() <= self.chunk_bytes, "a chunk of {} bytes", chunk.len());
        self.chunks.push(chunk.into());
    }
}

/// Joins chunks to frames.
#[derive(Default)]
struct Joiner {
    taken: u64,
    ended: bool,
    joined: Vec<u8>,
    /// Bytes of `joined` handed out already.
    read: usize,
}

impl Joiner {
    fn take(&mut self, sealed: &[u8]) -> Result<(), StoreError> {
        if self.ended {
            return Err(StoreError::Snapshot("a chunk follows the last one".to_owned()));
        }
        let number = self.taken;
        let broken = |reason: String| StoreError::Snapshot(format!("chunk {number}: {reason}"));
        let chunk: Chunk<'_> = record::open(&number.to_le_bytes(), sealed).map_err(broken)?;
        self.taken += 1;
        self.ended = chunk.last;
        self.joined.drain(..std::mem::take(&mut self.read));
        self.joined.extend_from_slice(chunk.piece);
        Ok(())
    }

    fn next(&mut self) -> Option<&[u8]> {
        let (len, rest) = self.joined[self.read..].split_first_chunk::<4>()?;
        let len = u32::from_le_bytes(*len) as usize;
        let frame = rest.get(..len)?;
        self.read += 4 + len;
        Some(frame)
    }

    fn end(&self) -> Result<(), StoreError> {
        if !self.ended || self.read != self.joined.len() {
            return Err(StoreError::Snapshot("it ends too early".to_owned()));
        }
        Ok(())
    }
}

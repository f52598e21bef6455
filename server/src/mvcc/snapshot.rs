//! Carrying the whole state to another member: export into chunks, import into a fresh file.
//!
//! A snapshot is a stream of frames (a length, then bytes) cut into chunks of at most
//! [`StoreLimits::snapshot_chunk_bytes`]. The first frame is the [`SnapshotHead`], every other one a record with its
//! revision, in order. Each chunk carries a CRC32C over itself and its number, and says whether
//! it is the last, so a damaged, missing or misplaced chunk is found out before the file counts.

use bytes::Bytes;
use redb::{ReadableTable, ReadableTableMetadata, StorageBackend, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::engine::guarded;
use super::file::{
    CACHE_BYTES, CLUSTER, FORMAT_VERSION, HEAD, Head, IMPORTING, META, REVISIONS, STATE, need_meta,
    open_database, put_meta,
};
use super::memory::State;
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
    state: State,
    cluster: Cluster,
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
        let head = SnapshotHead { format: FORMAT_VERSION, cluster_id, state, cluster };
        let mut cutter = Cutter::new(self.limits().snapshot_chunk_bytes);
        cutter.frame(&head);
        let newest = head.state.revision;
        for entry in txn.open_table(REVISIONS)?.iter()? {
            let (key, sealed) = entry?;
            let revision = Revision::from_key(key.value());
            assert!(revision.main <= newest, "{revision} in a snapshot of revision {newest}");
            cutter.frame(&Frame { revision, sealed: sealed.value() });
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
    let mut head: Option<SnapshotHead> = None;
    let mut joiner = Joiner::default();
    let mut frames = 0;
    for chunk in chunks {
        joiner.take(&chunk)?;
        while let Some(frame) = joiner.next() {
            if head.is_none() {
                head = Some(accept(decode(frame)?, identity)?);
                continue;
            }
            let Frame { revision, sealed } = decode(frame)?;
            records.insert(revision.key(), sealed)?;
            frames += 1;
        }
    }
    joiner.end()?;
    assert_eq!(records.len()?, frames, "records in the file and in the snapshot");
    let head = head.ok_or_else(|| StoreError::Snapshot("it has no head".to_owned()))?;
    put_meta(txn, HEAD, &Head { format: FORMAT_VERSION, identity })?;
    let state = State { installed: head.state.applied.index, ..head.state };
    put_meta(txn, STATE, &state)?;
    put_meta(txn, CLUSTER, &head.cluster)?;
    Ok(state)
}

fn accept(head: SnapshotHead, identity: Identity) -> Result<SnapshotHead, StoreError> {
    if head.format != FORMAT_VERSION {
        return Err(StoreError::Format { expected: FORMAT_VERSION, found: head.format });
    }
    if head.cluster_id != identity.cluster_id {
        return Err(StoreError::Cluster { expected: identity.cluster_id, found: head.cluster_id });
    }
    Ok(head)
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

    fn frame(&mut self, frame: &impl Serialize) {
        let bytes = postcard::to_stdvec(frame).expect("values of ours always serialize");
        let len = u32::try_from(bytes.len()).expect("a record is far smaller than 4 GiB");
        self.rest.extend_from_slice(&len.to_le_bytes());
        self.rest.extend_from_slice(&bytes);
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

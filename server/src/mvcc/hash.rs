//! Checksums over all readable records, to compare members.

use std::ops::Bound;

use redb::ReadableTable;

use super::range::View;
use super::record::{RecordKey, Revision};
use super::{AppliedMark, Applies, Store, StoreError};
use crate::command::Rejected;

/// A checksum over history up to a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKv {
    /// The checksum.
    pub hash: u32,
    /// It covers history up to here.
    pub hash_revision: i64,
    /// The compaction whose remains the checksum covers; -1 for none. Checksums compare only if their
    /// compactions are equal.
    pub compact_revision: i64,
    /// The store's revision.
    pub revision: i64,
}

/// A checksum over the whole state; equal on all members that applied equally far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHash {
    /// How far the log was applied.
    pub applied: AppliedMark,
    /// The store's revision.
    pub revision: i64,
    /// History below this cannot be read.
    pub compact_revision: i64,
    /// The checksum over records, revisions, cluster and proposals.
    pub hash: u32,
}

impl Store {
    /// CRC32C over all readable records up to `revision` (0 or below: all), in order of revision:
    /// main, sub, then the record as it lies in the file without its checksum. Records that
    /// compaction made unreadable do not count, whether or not they are removed yet.
    ///
    /// This is a definition of ours; it does not equal etcd's number.
    pub fn hash_kv(&self, revision: i64) -> Applies<HashKv> {
        self.read(|view| {
            let compact_revision = view.memory.state.compact_revision;
            if revision > view.revision {
                return Ok(Err(Rejected::FutureRevision));
            }
            if revision > 0 && revision < compact_revision {
                return Ok(Err(Rejected::Compacted));
            }
            let hash_revision = if revision <= 0 { view.revision } else { revision };
            let hash = view.hash(hash_revision)?;
            Ok(Ok(HashKv { hash, hash_revision, compact_revision, revision: view.revision }))
        })
    }

    /// The checksum that tells members apart that should be equal.
    pub fn state_hash(&self) -> Result<StateHash, StoreError> {
        self.read(|view| {
            let state = &view.memory.state;
            let marks = (state.applied, state.revision, state.compact_revision);
            let marks = postcard::to_stdvec(&(marks, &view.memory.cluster, &view.memory.proposals))
                .expect("values of ours always serialize");
            Ok(StateHash {
                applied: state.applied,
                revision: state.revision,
                compact_revision: state.compact_revision,
                hash: crc32c::crc32c_append(view.hash(state.revision)?, &marks),
            })
        })
    }
}

impl<T: ReadableTable<RecordKey, &'static [u8]>> View<'_, T> {
    fn hash(&self, revision: i64) -> Result<u32, StoreError> {
        let mut hash = 0;
        let upto = (Bound::Unbounded, Bound::Included((revision, u32::MAX)));
        for entry in self.scan(upto)? {
            let (key, sealed) = entry?;
            let (main, sub) = key.value();
            if self.memory.awaiting_removal.contains(&Revision { main, sub }) {
                continue;
            }
            hash = crc32c::crc32c_append(hash, &main.to_le_bytes());
            hash = crc32c::crc32c_append(hash, &sub.to_le_bytes());
            hash = crc32c::crc32c_append(hash, sealed.value().get(4..).unwrap_or_default());
        }
        Ok(hash)
    }
}

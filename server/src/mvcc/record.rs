//! One change as it lies in the file, guarded by its own checksum.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::command::KeyValue;

/// Names one change: the request's revision, and the change's place inside the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision {
    /// The request's revision.
    pub main: i64,
    /// From 0.
    pub sub: u32,
}

/// A revision as redb orders it: main, then sub.
pub(crate) type RecordKey = (i64, u32);

impl Revision {
    /// The change as a key of the `revisions` table.
    pub(crate) fn key(self) -> RecordKey {
        (self.main, self.sub)
    }

    /// The change that has this key.
    pub(crate) fn from_key(key: RecordKey) -> Revision {
        let (main, sub) = key;
        Revision { main, sub }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.main, self.sub)
    }
}

/// What a revision did to a key. A tombstone has version 0 and no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
    pub(crate) create_revision: i64,
    pub(crate) version: i64,
    pub(crate) lease: i64,
}

impl Record {
    pub(crate) fn tombstone(key: Bytes) -> Record {
        Record { key, value: Bytes::new(), create_revision: 0, version: 0, lease: 0 }
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        self.version == 0
    }

    pub(crate) fn into_kv(self, mod_revision: i64) -> KeyValue {
        KeyValue {
            key: self.key,
            value: self.value,
            create_revision: self.create_revision,
            mod_revision,
            version: self.version,
            lease: self.lease,
        }
    }

    /// The bytes for the file: a checksum over revision and record, then the record.
    pub(crate) fn seal(&self, revision: Revision) -> Vec<u8> {
        seal(&salt(revision), self)
    }

    /// Reads back what [`Record::seal`] wrote for the same revision.
    pub(crate) fn open(revision: Revision, sealed: &[u8]) -> Result<Record, StoreError> {
        open(&salt(revision), sealed)
            .map_err(|reason| StoreError::Corrupt(format!("revision {revision}: {reason}")))
    }
}

/// The checksum covers the revision too, so that a record in another's place is found out.
fn salt(revision: Revision) -> [u8; 12] {
    let mut salt = [0; 12];
    salt[..8].copy_from_slice(&revision.main.to_le_bytes());
    salt[8..].copy_from_slice(&revision.sub.to_le_bytes());
    salt
}

/// Writes a value with a CRC32C over the value and `salt`, which names its place.
pub(crate) fn seal<T: Serialize>(salt: &[u8], value: &T) -> Vec<u8> {
    let mut sealed =
        postcard::to_extend(value, vec![0; 4]).expect("values of ours always serialize");
    let crc = crc32c::crc32c_append(crc32c::crc32c(salt), &sealed[4..]);
    sealed[..4].copy_from_slice(&crc.to_le_bytes());
    sealed
}

/// Reads what [`seal`] wrote.
pub(crate) fn open<'a, T: Deserialize<'a>>(salt: &[u8], sealed: &'a [u8]) -> Result<T, String> {
    crate::probe::worked(1);
    let (crc, body) = sealed.split_first_chunk::<4>().ok_or("shorter than its checksum")?;
    let (stored, computed) =
        (u32::from_le_bytes(*crc), crc32c::crc32c_append(crc32c::crc32c(salt), body));
    if stored != computed {
        return Err(format!("checksum {computed:08x}, stored {stored:08x}"));
    }
    postcard::from_bytes(body).map_err(|error| error.to_string())
}

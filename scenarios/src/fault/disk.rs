//! Faults of the disk: errors, lies, damage and slowness of single operations.

mod rows;

use serde::{Deserialize, Serialize};

use super::Fault;
use super::kind::{Family, Kind};
use crate::error::LoadError;
use crate::reader::Keys;
use crate::settings::Value;

/// A fault of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DiskFault {
    /// Reads of these files, opening them and listing their directory fail with EIO.
    ReadError {
        /// Which files.
        files: FileClass,
        /// Every time for the duration; otherwise only the first time.
        sticky: bool,
    },
    /// Writes to these files, creating, renaming and removing them fail with EIO.
    WriteError {
        /// Which files.
        files: FileClass,
        /// Every time for the duration; otherwise only the first time.
        sticky: bool,
    },
    /// fdatasync of these files fails with EIO; the pages then count as clean and what they held
    /// is lost with the page cache.
    SyncError {
        /// Which files.
        files: FileClass,
        /// Every sync for the duration; otherwise only the first one.
        sticky: bool,
        /// What reads see of the bytes that were not written.
        #[serde(default, skip_serializing_if = "FailedSync::is_usual")]
        cache: FailedSync,
    },
    /// ENOSPC once the files have grown by so much.
    DiskFull {
        /// What is left when the fault begins.
        room_bytes: u64,
    },
    /// Bits flip at rest, one in each of so many sectors.
    BitRot {
        /// Which files.
        files: FileClass,
        /// In how many sectors.
        sectors: u64,
    },
    /// Writes land at another offset of the same file.
    MisdirectedWrite {
        /// Which files.
        files: FileClass,
        /// Of a thousand writes.
        permille: u32,
    },
    /// Acknowledged writes do not happen; the old content stays.
    StaleSector {
        /// Which files.
        files: FileClass,
        /// Of a thousand writes.
        permille: u32,
    },
    /// Syncs say yes and do nothing.
    LyingSync {
        /// Which files.
        files: FileClass,
    },
    /// Every operation takes so many times as long.
    SlowDisk {
        /// The factor.
        factor: u32,
    },
    /// Every sync takes so many times as long.
    SlowSync {
        /// The factor.
        factor: u32,
    },
    /// No operation completes.
    StalledDisk,
}

/// Files of a member, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileClass {
    /// The write-ahead log: everything below `wal/`.
    Wal,
    /// The state machine: everything else.
    State,
    /// Every file.
    Any,
}

impl FileClass {
    /// Reads `files`.
    pub(super) fn read(keys: &mut Keys<'_>, usual: FileClass) -> Result<FileClass, LoadError> {
        let words = [("wal", FileClass::Wal), ("state", FileClass::State), ("any", FileClass::Any)];
        keys.word("files", &words, usual)
    }
}

/// What reads see of bytes that a failed sync did not write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedSync {
    /// The new bytes, until the machine restarts, as with ext4 and xfs.
    #[default]
    Kept,
    /// The old bytes at once, as with btrfs.
    Dropped,
}

impl FailedSync {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_usual(&self) -> bool {
        *self == FailedSync::Kept
    }
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "disk",
    kinds: &[
        &rows::READ_ERROR,
        &rows::WRITE_ERROR,
        &rows::SYNC_ERROR,
        &rows::DISK_FULL,
        &rows::BIT_ROT,
        &rows::MISDIRECTED_WRITE,
        &rows::STALE_SECTOR,
        &rows::LYING_SYNC,
        &rows::SLOW_DISK,
        &rows::SLOW_SYNC,
        &rows::STALLED_DISK,
    ],
    parse: |json| serde_json::from_value(json).map(Fault::Disk),
};

impl DiskFault {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            DiskFault::ReadError { .. } => &rows::READ_ERROR,
            DiskFault::WriteError { .. } => &rows::WRITE_ERROR,
            DiskFault::SyncError { .. } => &rows::SYNC_ERROR,
            DiskFault::DiskFull { .. } => &rows::DISK_FULL,
            DiskFault::BitRot { .. } => &rows::BIT_ROT,
            DiskFault::MisdirectedWrite { .. } => &rows::MISDIRECTED_WRITE,
            DiskFault::StaleSector { .. } => &rows::STALE_SECTOR,
            DiskFault::LyingSync { .. } => &rows::LYING_SYNC,
            DiskFault::SlowDisk { .. } => &rows::SLOW_DISK,
            DiskFault::SlowSync { .. } => &rows::SLOW_SYNC,
            DiskFault::StalledDisk => &rows::STALLED_DISK,
        }
    }
}

impl<T: Value> From<DiskFault> for Fault<T> {
    fn from(fault: DiskFault) -> Fault<T> {
        Fault::Disk(fault)
    }
}

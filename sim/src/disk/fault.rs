//! Faults of a disk, and the effects that are counted for each.

use serde::{Deserialize, Serialize};

use super::file::FileClass;
use crate::stream::{FaultId, Stream};

/// What a failed sync does to bytes that were not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedSync {
    /// They stay readable until the machine restarts, but count as written (ext4, xfs).
    Kept,
    /// Reads see the old content at once (btrfs).
    Dropped,
}

/// A fault of a disk. Several may be there at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskFault {
    /// Reads fail with EIO.
    ReadError {
        /// Of these files.
        class: FileClass,
        /// Every time, not once.
        sticky: bool,
    },
    /// Writes fail with EIO and change nothing.
    WriteError {
        /// To these files.
        class: FileClass,
        /// Every time, not once.
        sticky: bool,
    },
    /// A sync fails with EIO, and what it should have written counts as clean from then on.
    SyncError {
        /// Of these files.
        class: FileClass,
        /// Every time, not once.
        sticky: bool,
        /// What becomes of the bytes.
        cache: FailedSync,
    },
    /// ENOSPC when all files together would grow beyond this.
    Full {
        /// The quota.
        quota_bytes: u64,
    },
    /// Nothing completes until it is healed.
    Stall,
    /// Everything takes so many times as long.
    Slow {
        /// The factor.
        factor: u32,
    },
    /// Syncs take so many times as long.
    SlowSync {
        /// The factor.
        factor: u32,
    },
    /// A sync says yes and does nothing.
    LyingSync {
        /// Of these files.
        class: FileClass,
    },
    /// A write is acknowledged and does not happen: the old content stays.
    StaleWrite {
        /// To these files.
        class: FileClass,
        /// Of a million writes.
        ppm: u32,
    },
    /// A write lands at another place of the same file.
    MisdirectedWrite {
        /// To these files.
        class: FileClass,
        /// Of a million writes.
        ppm: u32,
    },
}

/// What came of one fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskEffect {
    /// Operations that returned an error.
    pub errors: u64,
    /// Operations that took longer than without.
    pub slowed: u64,
    /// By how much altogether, in nanoseconds.
    pub slowed_ns: u64,
    /// Operations that had to wait for the end of a stall.
    pub stalled: u64,
    /// Syncs that did nothing.
    pub syncs_ignored: u64,
    /// Sectors whose content a fault has changed or kept from changing.
    pub sectors_damaged: u64,
    /// Reads of such a sector.
    pub damaged_reads: u64,
    /// Disks whose contents were replaced, or lost, as a whole.
    pub disks_replaced: u64,
}

impl DiskEffect {
    /// Both together.
    pub(super) fn plus(self, other: DiskEffect) -> DiskEffect {
        DiskEffect {
            errors: self.errors + other.errors,
            slowed: self.slowed + other.slowed,
            slowed_ns: self.slowed_ns + other.slowed_ns,
            stalled: self.stalled + other.stalled,
            syncs_ignored: self.syncs_ignored + other.syncs_ignored,
            sectors_damaged: self.sectors_damaged + other.sectors_damaged,
            damaged_reads: self.damaged_reads + other.damaged_reads,
            disks_replaced: self.disks_replaced + other.disks_replaced,
        }
    }
}

/// A fault in place on a disk.
#[derive(Debug)]
pub(super) struct Injected {
    pub(super) id: FaultId,
    pub(super) fault: DiskFault,
    pub(super) stream: Stream,
    /// A fault that strikes once has struck.
    pub(super) spent: bool,
}

/// What a fault makes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    Right,
    Nowhere(FaultId),
    /// So many sectors further, modulo the file's length.
    Elsewhere(FaultId, u64),
}

//! The rows of the disk's faults: words, sentences, keys and usual times.

use super::{DiskFault, FailedSync, FileClass};
use crate::error::LoadError;
use crate::fault::kind::{Kind, Lasts};
use crate::reader::Keys;
use crate::time::{Draw, SECOND};

/// How long a disk is usually ill.
const USUALLY: Lasts = Lasts::Usually(Draw::between(2 * SECOND, 10 * SECOND));

/// A disk that returns errors.
const ERRORS: Kind =
    Kind { effect: "an operation returned the error", lasts: Lasts::UntilNext, ..Kind::USUAL };

/// A disk that holds something else than was written.
const DAMAGE: Kind =
    Kind { effect: "a damaged sector was read", damages: true, lasts: USUALLY, ..Kind::USUAL };

/// A disk that takes its time.
const SLOW: Kind = Kind { effect: "an operation took longer", lasts: USUALLY, ..Kind::USUAL };

fn sticky(keys: &mut Keys<'_>) -> Result<bool, LoadError> {
    keys.flag("sticky", false)
}

fn factor(keys: &mut Keys<'_>, usual: u32) -> Result<u32, LoadError> {
    keys.count("factor", 2..=10_000, usual)
}

pub(super) static READ_ERROR: Kind = Kind {
    word: "read_error",
    about: "Reading, opening and listing fail with EIO.",
    read: |keys| {
        let files = FileClass::read(keys, FileClass::Any)?;
        Ok(DiskFault::ReadError { files, sticky: sticky(keys)? }.into())
    },
    ..ERRORS
};

pub(super) static WRITE_ERROR: Kind = Kind {
    word: "write_error",
    about: "Writing, creating, renaming and removing fail with EIO and change nothing.",
    read: |keys| {
        let files = FileClass::read(keys, FileClass::Wal)?;
        Ok(DiskFault::WriteError { files, sticky: sticky(keys)? }.into())
    },
    ..ERRORS
};

pub(super) static SYNC_ERROR: Kind = Kind {
    word: "sync_error",
    about: "fdatasync fails with EIO, and the pages count as clean from then on.",
    read: |keys| {
        let words = [("kept", FailedSync::Kept), ("dropped", FailedSync::Dropped)];
        Ok(DiskFault::SyncError {
            files: FileClass::read(keys, FileClass::Wal)?,
            sticky: sticky(keys)?,
            cache: keys.word("cache", &words, FailedSync::Kept)?,
        }
        .into())
    },
    ..ERRORS
};

pub(super) static DISK_FULL: Kind = Kind {
    word: "disk_full",
    about: "Writes that would grow the files by more than `room` bytes fail with ENOSPC.",
    read: |keys| {
        let room_bytes = keys.number("room", 0..=1 << 30, 16 << 10)?;
        Ok(DiskFault::DiskFull { room_bytes }.into())
    },
    lasts: USUALLY,
    ..ERRORS
};

pub(super) static BIT_ROT: Kind = Kind {
    word: "bit_rot",
    about: "Bits flip at rest, one in each of so many sectors.",
    read: |keys| {
        let files = FileClass::read(keys, FileClass::Any)?;
        Ok(DiskFault::BitRot { files, sectors: keys.number("sectors", 1..=10_000, 4)? }.into())
    },
    lasts: Lasts::Instant,
    ..DAMAGE
};

pub(super) static MISDIRECTED_WRITE: Kind = Kind {
    word: "misdirected_write",
    about: "Writes land at another offset of the same file.",
    read: |keys| {
        let files = FileClass::read(keys, FileClass::Any)?;
        let permille = keys.permille("permille", 20)?;
        Ok(DiskFault::MisdirectedWrite { files, permille }.into())
    },
    ..DAMAGE
};

pub(super) static STALE_SECTOR: Kind = Kind {
    word: "stale_sector",
    about: "Acknowledged writes do not happen; the old content stays.",
    read: |keys| {
        let files = FileClass::read(keys, FileClass::Any)?;
        Ok(DiskFault::StaleSector { files, permille: keys.permille("permille", 20)? }.into())
    },
    ..DAMAGE
};

pub(super) static LYING_SYNC: Kind = Kind {
    word: "lying_sync",
    about: "fdatasync says yes and does nothing.",
    effect: "a sync did nothing",
    read: |keys| Ok(DiskFault::LyingSync { files: FileClass::read(keys, FileClass::Any)? }.into()),
    ..DAMAGE
};

pub(super) static SLOW_DISK: Kind = Kind {
    word: "slow_disk",
    about: "Every operation takes so many times as long.",
    read: |keys| Ok(DiskFault::SlowDisk { factor: factor(keys, 20)? }.into()),
    ..SLOW
};

pub(super) static SLOW_SYNC: Kind = Kind {
    word: "slow_sync",
    about: "Every sync takes so many times as long.",
    read: |keys| Ok(DiskFault::SlowSync { factor: factor(keys, 50)? }.into()),
    ..SLOW
};

pub(super) static STALLED_DISK: Kind = Kind {
    word: "stalled_disk",
    about: "No operation completes.",
    effect: "an operation waited for the end of the stall",
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 8 * SECOND)),
    read: |_| Ok(DiskFault::StalledDisk.into()),
    ..SLOW
};

//! Faults of the disk: errors of sync.

use serde::{Deserialize, Serialize};

use super::Fault;
use super::kind::{Family, Kind, Lasts, Meanwhile, Targets};
use crate::settings::Value;

/// A fault of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DiskFault {
    /// fdatasync of these files fails with EIO; the pages then count as clean and what they held
    /// is lost with the page cache.
    SyncError {
        /// Which files.
        files: FileClass,
        /// Every sync for the duration; otherwise only the first one.
        sticky: bool,
    },
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

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "disk",
    kinds: &[&SYNC_ERROR],
    parse: |json| serde_json::from_value(json).map(Fault::Disk),
};

static SYNC_ERROR: Kind = Kind {
    word: "sync_error",
    targets: Targets::RUNNING,
    meanwhile: Meanwhile::Running,
    lasts: Lasts::UntilNext,
    read: |keys| {
        let words = [("wal", FileClass::Wal), ("state", FileClass::State), ("any", FileClass::Any)];
        Ok(DiskFault::SyncError {
            files: keys.word("files", &words, FileClass::Wal)?,
            sticky: keys.flag("sticky", false)?,
        }
        .into())
    },
};

impl DiskFault {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            DiskFault::SyncError { .. } => &SYNC_ERROR,
        }
    }
}

impl<T: Value> From<DiskFault> for Fault<T> {
    fn from(fault: DiskFault) -> Fault<T> {
        Fault::Disk(fault)
    }
}

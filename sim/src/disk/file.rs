//! Files: their numbers, and their classes by path.

use serde::{Deserialize, Serialize};

/// A file, whatever it is called at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// Which files a fault is aimed at, by their paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileClass {
    /// All.
    Any,
    /// The log: below `wal/`.
    Wal,
    /// Snapshots: a path that says `snap`.
    Snapshot,
    /// Applied state: everything else.
    State,
}

impl FileClass {
    /// The class of a path.
    pub fn of(path: &str) -> FileClass {
        if path.starts_with("wal/") {
            FileClass::Wal
        } else if path.contains("snap") {
            FileClass::Snapshot
        } else {
            FileClass::State
        }
    }

    /// Whether a fault aimed at `self` hits a file of `class`.
    pub fn covers(self, class: FileClass) -> bool {
        self == FileClass::Any || self == class
    }
}

//! A segment of the log: its number, its file's name, and the highest index in it.

use crate::consensus::types::Index;

/// A segment on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Highest index of an entry written to it, 0 when there is none.
    pub(super) highest: Index,
}

/// The file of segment `number`.
pub(super) fn segment_path(dir: &str, number: u64) -> String {
    format!("{dir}/{number:016x}.wal")
}

/// The number of the segment whose file has this name; none for another file.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let hex = name.strip_suffix(".wal")?;
    if hex.len() == 16 { u64::from_str_radix(hex, 16).ok() } else { None }
}

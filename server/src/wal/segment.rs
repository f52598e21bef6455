//! A segment of the log: its number, its file's name, and the highest index in it.

use crate::consensus::types::Index;

/// A segment on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// Highest index of an entry in the segment, 0 when it holds no entry.
    pub(super) highest: Index,
}

/// The file of segment `number`.
pub(super) fn segment_path(dir: &str, number: u64) -> String {
    format!("{dir}/{number:016x}.wal")
}

/// The number in a segment's file name; none if the name is not of a segment.
pub(super) fn segment_number(name: &str) -> Option<u64> {
    let hex = name.strip_suffix(".wal")?;
    if hex.len() == 16 { u64::from_str_radix(hex, 16).ok() } else { None }
}

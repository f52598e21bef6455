//! The revisions of a recording that are judged together, and what earlier parts know of them.

use std::collections::BTreeMap;

use super::followed::ambiguity::AmbiguousRevision;

/// The slots that an unplaced operation may have: gaps, both ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// The judged range of a recording.
#[derive(Clone, Debug)]
pub(crate) struct JudgedRange {
    /// The revision of the store before the first operation.
    pub(crate) base: i64,
    /// The last revision of the range, if the recording goes on after it.
    pub(crate) until: Option<i64>,
    /// A time by which the last revision had certainly been made.
    pub(crate) seen_ns: u64,
    /// Slots that earlier parts found for unplaced operations, by record id.
    pub(crate) unplaced: BTreeMap<u64, Bounds>,
    /// For each quiet period, by record id: the revision that earlier parts had shown when it
    /// began.
    pub(crate) quiet: BTreeMap<u64, i64>,
    /// Earlier revisions with several possible writers.
    pub(crate) ambiguities: Vec<AmbiguousRevision>,
}

impl JudgedRange {
    /// The range of a whole recording whose store starts at revision `base`.
    pub(crate) fn whole(base: i64) -> Self {
        let (unplaced, quiet) = (BTreeMap::new(), BTreeMap::new());
        JudgedRange {
            base,
            until: None,
            seen_ns: u64::MAX,
            unplaced,
            quiet,
            ambiguities: Vec::new(),
        }
    }
}

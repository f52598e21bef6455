//! The part of a recording that is judged, and what earlier parts leave it.

use std::collections::BTreeMap;

use super::followed::ambiguity::AmbiguousRevision;

/// Where an answer may stand: gaps `2r+1`, from and to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// The part of a recording that is judged.
#[derive(Clone, Debug)]
pub(crate) struct JudgedRange {
    /// The revision of the store before it.
    pub(crate) base: i64,
    /// The last revision to be judged, if the recording goes on after it.
    pub(crate) until: Option<i64>,
    /// When that revision had certainly been made.
    pub(crate) seen_ns: u64,
    /// Of compactions and errors of which an earlier part knows more: where they may stand, by id.
    pub(crate) unplaced: BTreeMap<u64, Bounds>,
    /// Of quiet times, what had been shown when they began, by id.
    pub(crate) quiet: BTreeMap<u64, i64>,
    /// Revisions before it that one of several writes made, nobody knows which.
    pub(crate) ambiguities: Vec<AmbiguousRevision>,
}

impl JudgedRange {
    /// All of a recording that starts at a revision.
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

//! What the store keeps in memory: the state of the file, the index, and what is still to be removed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Cluster;
use super::index::Index;
use super::record::Revision;

/// Most records removed in one transaction, beside what the transaction is for. Few in tests, so
/// that crashes fall between steps.
pub(crate) const STEP_RECORDS: usize = if cfg!(test) { 3 } else { 500 };

/// How far the log is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppliedMark {
    /// The last applied entry's place; 0 for none.
    pub index: u64,
    /// Its term.
    pub term: u64,
}

/// What changes together with the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) applied: AppliedMark,
    /// Stored, never derived from the records: the newest may be compacted away.
    pub(crate) revision: i64,
    /// History below this cannot be read; -1 while nothing was compacted, as in etcd.
    pub(crate) compact_revision: i64,
    /// The index at which this state came as a snapshot; 0 when it grew from nothing.
    pub(crate) installed: u64,
}

impl State {
    pub(crate) fn fresh() -> State {
        State { applied: AppliedMark::default(), revision: 1, compact_revision: -1, installed: 0 }
    }
}

/// What is kept in memory beside the file.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) index: Index,
    pub(crate) state: State,
    pub(crate) cluster: Cluster,
    /// Unreachable records still in the file.
    pub(crate) awaiting_removal: BTreeSet<Revision>,
    pub(crate) durable: AppliedMark,
    /// An error left memory and file apart.
    pub(crate) failed: bool,
}

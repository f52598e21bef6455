//! What must still be done in the holes that are left, key by key.

use crate::linearizability::key_timeline::Need;

/// What is owed, and where it can be done.
pub(super) struct Demand {
    /// In the order of the last holes.
    pub(super) jobs: Vec<Job>,
    /// The places in `jobs` of the puts and of the deletions of each key.
    pub(super) of_key: Vec<[Vec<u32>; 2]>,
    pub(super) holes: Vec<i64>,
    /// For each hole: how many unknown writes were called in time.
    pub(super) in_time: Vec<u32>,
}

/// A put or a deletion that some hole must hold.
pub(super) struct Job {
    pub(super) key: u32,
    pub(super) deletion: bool,
    pub(super) need: Need,
    /// How often it must still be done.
    pub(super) left: i64,
}

//! Counts the writes that must still fill one of the remaining holes, key by key.

use crate::linearizability::key_timeline::Need;

/// The writes that must fill holes, and the holes.
pub(super) struct Demand {
    /// By deadline: the last hole at which the job can be done.
    pub(super) jobs: Vec<Job>,
    /// For each key: the indexes in `jobs` of its puts and of its deletions.
    pub(super) of_key: Vec<[Vec<u32>; 2]>,
    pub(super) holes: Vec<i64>,
    /// For each hole: how many indeterminate writes were called in time.
    pub(super) in_time: Vec<u32>,
}

/// Puts or deletions of a key that holes must hold.
pub(super) struct Job {
    pub(super) key: u32,
    pub(super) deletion: bool,
    pub(super) need: Need,
    /// How many of them are still to be done.
    pub(super) left: i64,
}

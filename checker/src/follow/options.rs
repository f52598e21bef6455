//! The bounds on a judgement that follows a recording.

use crate::cluster_settings::ClusterSettings;

/// The bounds on memory and work.
#[derive(Clone, Copy, Debug)]
pub struct FollowOptions {
    /// Steps of replay and search for each attempt to order the kept records.
    pub steps: u64,
    /// The number of records collected before a judgement.
    pub window: usize,
    /// The number of past revisions that stay readable. Reads of older ones are not judged.
    pub past: i64,
    /// The most records kept because of a guessed placement.
    pub most: usize,
    /// The most records kept if all are judged together at the end.
    pub whole: usize,
    /// By how much a lease may end too soon.
    pub lease_tolerance_ns: u64,
    /// The memory allowed, counted as [`needed_bytes`](crate::needed_bytes) counts it.
    pub memory_bytes: u64,
    /// The settings of the recorded cluster.
    pub cluster: ClusterSettings,
}

impl Default for FollowOptions {
    fn default() -> Self {
        let whole = crate::Options::default();
        let crate::Options { steps, lease_tolerance_ns, memory_bytes, cluster } = whole;
        FollowOptions {
            steps,
            window: 8_192,
            past: 100_000,
            most: 200_000,
            whole: 1_000_000,
            lease_tolerance_ns,
            memory_bytes,
            cluster,
        }
    }
}

impl FollowOptions {
    /// The options that a judgement of a whole recording has too.
    pub(super) fn of_the_whole(&self) -> crate::Options {
        let Self { steps, lease_tolerance_ns, memory_bytes, cluster, .. } = *self;
        crate::Options { steps, lease_tolerance_ns, memory_bytes, cluster }
    }
}

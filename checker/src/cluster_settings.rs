//! The settings of the recorded cluster that decide which requests it refuses.

/// What the recorded cluster refuses, and how much of what clients did is recorded. The usual
/// values are etcd's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The most operations of a transaction (`--max-txn-ops`).
    pub max_txn_ops: usize,
    /// The most bytes of a write (`--max-request-bytes`).
    pub max_request_bytes: u64,
    /// Whether the cluster asks who the clients are: a refusal for that is believed.
    pub auth: bool,
    /// Whether the store may be over its quota: a refusal for that is believed.
    pub quota: bool,
    /// Whether a member may have found its store corrupt: a refusal for that is believed.
    pub corrupt: bool,
    /// Whether every grant of a lease is recorded, so that a lease without one does not exist.
    pub every_grant: bool,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        ClusterSettings {
            max_txn_ops: 128,
            max_request_bytes: 1_572_864,
            auth: false,
            quota: false,
            corrupt: false,
            every_grant: false,
        }
    }
}

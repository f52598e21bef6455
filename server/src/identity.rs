//! Who a file or a stream belongs to: the cluster, the member, and the member's life on its disk.

use serde::{Deserialize, Serialize};

/// Stands at the head of every log segment, state file, snapshot and peer stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The cluster.
    pub cluster_id: u64,
    /// The member.
    pub member_id: u64,
}

/// Which disk a member has, and the how manyth process on it speaks.
///
/// The first start draws the incarnation; the log keeps it. A disk that was lost and made anew has
/// another one, so nobody takes its owner for the member that promised something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Life {
    /// Drawn at the first start, never 0.
    pub incarnation: u64,
    /// Counts the starts of the member on this disk, from 1.
    pub boot: u64,
}

impl std::fmt::Display for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "incarnation {:x}, start {}", self.incarnation, self.boot)
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "member {:x} of cluster {:x}", self.member_id, self.cluster_id)
    }
}

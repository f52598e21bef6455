//! The cluster as the log describes it: its membership, and the attributes its members published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::Attributes;
use crate::consensus::types::Membership;
use crate::identity::Life;

/// Kept beside the keys, in the same transactions; no revision speaks of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The membership last applied; empty while it never changed.
    pub membership: Membership,
    /// What members published, by id.
    pub published: BTreeMap<u64, Attributes>,
}

impl Cluster {
    /// The life that each member published last.
    pub fn lives(&self) -> impl Iterator<Item = (u64, Life)> {
        self.published.iter().map(|(&member, said)| (member, said.life))
    }
}

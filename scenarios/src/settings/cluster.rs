//! `[cluster]`: how many members there are, how they are configured, how soon they must agree.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::reader::{Keys, Section};
use crate::time::{MILLISECOND, SECOND};

/// How members are configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// `--heartbeat-interval`.
    pub heartbeat_ms: u64,
    /// `--election-timeout`.
    pub election_ms: u64,
    /// `--snapshot-count`: applied entries between two cuts of the log.
    pub snapshot_count: u64,
    /// Entries kept behind the cut for slow followers.
    pub catch_up_entries: u64,
}

/// The whole of `[cluster]`.
pub(crate) struct Cluster {
    pub(crate) members: u32,
    pub(crate) settings: ClusterSettings,
    pub(crate) converge_ns: u64,
}

impl Cluster {
    /// Reads the table and refuses what no member would start with.
    pub(crate) fn load(root: &Section<'_>) -> Result<Cluster, LoadError> {
        let Some(section) = root.section("cluster", "[cluster]")? else {
            return Err(root
                .complain("cluster", "`[cluster]` is missing")
                .remedy("add `[cluster]` with `members = 3`")
                .into());
        };
        let cluster = Keys::read(Some(&section), Cluster::read)?;
        cluster.check(&section)?;
        Ok(cluster)
    }

    /// etcd's timing; the log is cut far more often than in earnest, so that a run reaches it.
    fn read(keys: &mut Keys<'_>) -> Result<Cluster, LoadError> {
        Ok(Cluster {
            members: keys.count("members", 1..=5, 3)?,
            settings: ClusterSettings {
                heartbeat_ms: keys.time("heartbeat", 100 * MILLISECOND)? / MILLISECOND,
                election_ms: keys.time("election", 1000 * MILLISECOND)? / MILLISECOND,
                snapshot_count: keys.number("snapshot_count", 1..=1_000_000, 500)?,
                catch_up_entries: keys.number("catch_up_entries", 0..=1_000_000, 100)?,
            },
            converge_ns: keys.time("converge_within", 60 * SECOND)?,
        })
    }

    fn check(&self, section: &Section<'_>) -> Result<(), LoadError> {
        let Cluster { members, settings, .. } = self;
        if ![1, 3, 5].contains(members) {
            return Err(section
                .complain("members", format!("a cluster of {members} members"))
                .remedy("write 1, 3 or 5")
                .into());
        }
        if settings.heartbeat_ms == 0 {
            return Err(section
                .complain("heartbeat", "`heartbeat` is shorter than a millisecond")
                .remedy("write at least \"1ms\"")
                .into());
        }
        if settings.election_ms < 5 * settings.heartbeat_ms {
            let key = if section.has("election") { "election" } else { "heartbeat" };
            return Err(section
                .complain(
                    key,
                    format!(
                        "`election` ({} ms) is shorter than five times `heartbeat` ({} ms)",
                        settings.election_ms, settings.heartbeat_ms
                    ),
                )
                .remedy("raise `election` or lower `heartbeat`; mettled refuses this as well")
                .into());
        }
        Ok(())
    }
}

impl Default for ClusterSettings {
    fn default() -> ClusterSettings {
        Keys::usual(Cluster::read).settings
    }
}

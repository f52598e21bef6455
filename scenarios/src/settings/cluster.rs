//! `[cluster]`: how many members there are, how they are configured, how soon they must agree.

use serde::{Deserialize, Serialize};

use super::value::Least;
use super::{Keyed, Value};
use crate::error::LoadError;
use crate::number::{Number, Spread};
use crate::reader::{Keys, Section};
use crate::time::{Draw, SECOND};

/// Heartbeats in the shortest election timeout.
const BEATS: u64 = 5;

/// How members are configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T::Number: Serialize",
        deserialize = "T::Number: Deserialize<'de>, ClusterSettings<T>: Default"
    )
)]
pub struct ClusterSettings<T: Value = u64> {
    /// `--heartbeat-interval`.
    pub heartbeat_ms: T::Number,
    /// `--election-timeout`.
    pub election_ms: T::Number,
    /// `--snapshot-count`: applied entries between two cuts of the log.
    pub snapshot_count: T::Number,
    /// Entries kept behind the cut for slow followers.
    pub catch_up_entries: T::Number,
}

impl ClusterSettings<Draw> {
    /// Draws the numbers that are left open: a heartbeat for which an election timeout is possible,
    /// then a timeout of at least five of them.
    pub fn draw(&self, keyed: &mut impl Keyed) -> ClusterSettings {
        let heartbeat = self.heartbeat_ms.within(0, self.election_ms.most() / BEATS);
        let heartbeat_ms = heartbeat.unwrap_or(Number::One(1)).draw("heartbeat", keyed);
        let election = self.election_ms.within(BEATS * heartbeat_ms, u64::MAX);
        let election = election.unwrap_or(Number::One(BEATS * heartbeat_ms));
        ClusterSettings {
            heartbeat_ms,
            election_ms: election.draw("election", keyed),
            snapshot_count: self.snapshot_count.draw("snapshot_count", keyed),
            catch_up_entries: self.catch_up_entries.draw("catch_up_entries", keyed),
        }
    }
}

/// The whole of `[cluster]`.
pub(crate) struct Cluster {
    pub(crate) members: Number,
    pub(crate) settings: ClusterSettings<Draw>,
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
            members: keys.choice("members", 1..=5, 3, Spread::Even)?,
            settings: ClusterSettings {
                heartbeat_ms: keys.milliseconds("heartbeat", 100)?,
                election_ms: keys.milliseconds("election", 1000)?,
                snapshot_count: keys.choice("snapshot_count", 1..=1_000_000, 500, Spread::Wide)?,
                catch_up_entries: keys.choice(
                    "catch_up_entries",
                    0..=1_000_000,
                    100,
                    Spread::Wide,
                )?,
            },
            converge_ns: keys.time("converge_within", 60 * SECOND)?,
        })
    }

    fn check(&self, section: &Section<'_>) -> Result<(), LoadError> {
        let Cluster { members, settings, .. } = self;
        let possible = (members.least()..=members.most())
            .filter(|number| members.within(*number, *number).is_some());
        if let Some(wrong) = possible.into_iter().find(|number| ![1, 3, 5].contains(number)) {
            return Err(section
                .complain("members", format!("a cluster of {wrong} members"))
                .remedy("write 1, 3 or 5, or a list of them")
                .into());
        }
        if settings.heartbeat_ms.least() == 0 {
            return Err(section
                .complain("heartbeat", "`heartbeat` is shorter than a millisecond")
                .remedy("write at least \"1ms\"")
                .into());
        }
        let (election_ms, heartbeat_ms) =
            (settings.election_ms.most(), settings.heartbeat_ms.least());
        if election_ms < BEATS * heartbeat_ms {
            let key = if section.has("election") { "election" } else { "heartbeat" };
            return Err(section
                .complain(
                    key,
                    format!(
                        "`election` ({election_ms} ms) is shorter than five times `heartbeat` \
                         ({heartbeat_ms} ms)"
                    ),
                )
                .remedy("raise `election` or lower `heartbeat`; mettled refuses this as well")
                .into());
        }
        Ok(())
    }
}

impl Default for ClusterSettings<Draw> {
    fn default() -> ClusterSettings<Draw> {
        Keys::usual(Cluster::read).settings
    }
}

impl Default for ClusterSettings {
    fn default() -> ClusterSettings {
        ClusterSettings::<Draw>::default().draw(&mut Least)
    }
}

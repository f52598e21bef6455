//! The typed list of faults: what can be injected, where it is aimed, and the words that name it.
//!
//! The simulator matches on [`Fault`] without a wildcard, so a fault added here does not compile
//! until it acts. Durations stand beside the fault in its
//! [`PlannedFault`](crate::plan::PlannedFault): how long it lasts, or how long a process stays down.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::plan::Latency;

/// One fault with its parameters; target and times stand beside it in the plan.
///
/// A group aimed at by a network fault stands against all members outside it. Network faults act
/// between members only, but for [`Fault::Reset`]; clients still reach every member that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// No bytes between the group and the rest (or both ends of a link), in both directions.
    Partition,
    /// No bytes from the group to the rest (or from `from` to `to`); the other direction flows.
    PartitionOneWay,
    /// Each member of the group is cut from all its peers, those in the group as well.
    Isolate,
    /// Latency between the group and the rest, both ways (or from `from` to `to` only), is replaced.
    SlowLink {
        /// The latency meanwhile.
        latency: Latency,
    },
    /// All connections of the group, peers and clients (or those between both ends), are reset at
    /// once. No duration.
    Reset,
    /// The processes die; the page cache survives, connections are reset. They start again after
    /// the duration.
    Kill,
    /// The hosts lose power: unsynced sectors go by the policy, connections fall silent. They boot
    /// after the duration.
    PowerLoss {
        /// What the disks keep of what was not synced.
        unsynced: Unsynced,
    },
    /// The processes are frozen for the duration, as under SIGSTOP.
    Pause,
    /// While armed (from `at` on, for the duration) the first member of the group that reaches the
    /// probe dies there, once. It starts again after `down_ns`.
    CrashAt {
        /// Name of a probe in the server.
        probe: String,
        /// How it dies.
        by: Crash,
        /// How long it stays down.
        down_ns: u64,
    },
    /// fdatasync of these files fails with EIO; the pages then count as clean and what they held
    /// is lost with the page cache.
    SyncError {
        /// Which files.
        files: FileClass,
        /// Every sync for the duration; otherwise only the first one.
        sticky: bool,
    },
}

impl Fault {
    /// All words a scenario may use for `kind`.
    pub const KINDS: [&'static str; 10] = [
        "partition",
        "partition_one_way",
        "isolate",
        "slow_link",
        "reset",
        "kill",
        "power_loss",
        "pause",
        "crash_at",
        "sync_error",
    ];

    /// The word that names this fault.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Partition => "partition",
            Fault::PartitionOneWay => "partition_one_way",
            Fault::Isolate => "isolate",
            Fault::SlowLink { .. } => "slow_link",
            Fault::Reset => "reset",
            Fault::Kill => "kill",
            Fault::PowerLoss { .. } => "power_loss",
            Fault::Pause => "pause",
            Fault::CrashAt { .. } => "crash_at",
            Fault::SyncError { .. } => "sync_error",
        }
    }
}

/// What a disk keeps of unsynced sectors when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsynced {
    /// Which of them survive.
    pub keep: Keep,
    /// Chance in 1000 that a surviving sector is torn: part new, the rest old or garbage.
    pub torn_permille: u32,
}

/// Which unsynced sectors survive a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// No sector.
    None,
    /// Every sector.
    All,
    /// Those written first, up to a random point.
    Prefix,
    /// Each by a coin of its own.
    Subset,
}

/// How a member dies at a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crash {
    /// As [`Fault::Kill`].
    Kill,
    /// As [`Fault::PowerLoss`], with the plan's disk settings.
    PowerLoss,
}

/// Files of a member, by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileClass {
    /// The write-ahead log: everything below `wal/`.
    Wal,
    /// The state machine: everything else.
    State,
    /// Every file.
    Any,
}

/// Whom a fault is aimed at. Resolved when it fires, among the members that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// Members.
    Group(Group),
    /// What goes from one group to another. Members chosen by `from` are left out of `to`; when all
    /// speak, the hearers are chosen first.
    Link(Link),
}

/// A link, one way: `{ from = "leader", to = "follower" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Who speaks.
    pub from: Group,
    /// Who hears.
    pub to: Group,
}

/// A group of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Group {
    /// One member, 1-based: `m1`.
    Member(u32),
    /// The leader (with the highest term, when two believe they lead; any member when none does).
    Leader,
    /// One member that does not lead, by a keyed coin.
    Follower,
    /// One member, by a keyed coin.
    Any,
    /// The largest set smaller than a quorum, by a keyed coin; with one member, none.
    Minority,
    /// A quorum, by a keyed coin.
    Majority,
    /// Everyone.
    All,
}

impl Group {
    /// All words a scenario may use, besides `m1`, `m2`, ….
    pub const WORDS: [&'static str; 6] =
        ["leader", "follower", "any", "minority", "majority", "all"];
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::Member(number) => write!(f, "m{number}"),
            Group::Leader => f.write_str("leader"),
            Group::Follower => f.write_str("follower"),
            Group::Any => f.write_str("any"),
            Group::Minority => f.write_str("minority"),
            Group::Majority => f.write_str("majority"),
            Group::All => f.write_str("all"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Group(group) => group.fmt(f),
            Target::Link(link) => write!(f, "{}->{}", link.from, link.to),
        }
    }
}

impl From<Group> for String {
    fn from(group: Group) -> String {
        group.to_string()
    }
}

impl TryFrom<String> for Group {
    type Error = UnknownGroup;

    fn try_from(word: String) -> Result<Group, UnknownGroup> {
        word.parse()
    }
}

/// A word that names no group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown target `{0}`")]
pub struct UnknownGroup(pub String);

impl FromStr for Group {
    type Err = UnknownGroup;

    fn from_str(word: &str) -> Result<Group, UnknownGroup> {
        Ok(match word {
            "leader" => Group::Leader,
            "follower" => Group::Follower,
            "any" => Group::Any,
            "minority" => Group::Minority,
            "majority" => Group::Majority,
            "all" => Group::All,
            _ => match word.strip_prefix('m').and_then(|digits| digits.parse().ok()) {
                Some(number) if number > 0 && word == format!("m{number}") => Group::Member(number),
                _ => return Err(UnknownGroup(word.to_owned())),
            },
        })
    }
}

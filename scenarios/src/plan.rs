//! The plan of a run: every choice made before time starts, as a value that prints and loads back.
//!
//! All times are nanoseconds of simulated time from the start of the run; chances are in 1000.
//! There are no floating point numbers, so that text and value are equal both ways.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::LoadError;
use crate::error::Complaint;
use crate::fault::{Fault, Group, Target, Unsynced};

/// Version of the format; a plan of another version is refused.
pub const VERSION: u32 = 1;

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const MILLISECOND: u64 = 1_000_000;

/// Everything a run is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always [`VERSION`].
    pub version: u32,
    /// Folder and name of the scenario, such as `faults/standard`.
    pub scenario: String,
    /// What the scenario shows.
    pub title: String,
    /// Keys every random stream of the run.
    pub seed: u64,
    /// Members: 1, 3 or 5. Named `m1`, `m2`, ….
    pub members: u32,
    /// How long traffic and faults go on; the converge phase comes after it.
    pub duration_ns: u64,
    /// From the end of `duration_ns` (everything healed) until all members must agree.
    pub converge_ns: u64,
    /// Planted bugs that are awake.
    pub plants: Vec<Plant>,
    /// How members are configured.
    pub cluster: ClusterSettings,
    /// The network without faults.
    pub network: NetworkSettings,
    /// The disks without faults.
    pub disk: DiskSettings,
    /// What clients do.
    pub traffic: Traffic,
    /// In order of `at_ns`.
    pub faults: Vec<PlannedFault>,
    /// What the run must reach to count.
    pub floor: Floor,
}

/// What every version of a plan has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Plan {
    /// The plan as text: pretty JSON with a line feed at its end.
    pub fn print(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a plan has only string keys");
        text.push('\n');
        text
    }

    /// Reads what [`Plan::print`] wrote, for a server that has these probes; `file` is what errors
    /// call it.
    pub fn parse(file: &str, text: &str, probes: &[&str]) -> Result<Plan, LoadError> {
        let refuse = |line, column, reason: String, remedy: &str| LoadError::Plan {
            file: file.to_owned(),
            line,
            column,
            reason,
            remedy: remedy.to_owned(),
        };
        let malformed = |error: serde_json::Error| {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
            let remedy = "take `plan.json` of a report folder as it was written";
            refuse(error.line(), error.column(), reason, remedy)
        };
        // First: a plan of another version may hold anything else.
        let Version { version } = serde_json::from_str(text).map_err(malformed)?;
        if version != VERSION {
            let reason = format!("a plan of version {version}; this is {VERSION}");
            return Err(refuse(1, 1, reason, "run it with the simulator that wrote it"));
        }
        let plan: Plan = serde_json::from_str(text).map_err(malformed)?;
        plan.check().map_err(|(reason, remedy)| refuse(1, 1, reason, remedy))?;
        plan.check_probes(file, text, probes)?;
        Ok(plan)
    }

    /// A crash at a probe that the server does not have would never happen.
    fn check_probes(&self, file: &str, text: &str, probes: &[&str]) -> Result<(), LoadError> {
        let unknown = self.faults.iter().find_map(|planned| match &planned.fault {
            Fault::CrashAt { probe, .. } if !probes.contains(&probe.as_str()) => Some(probe),
            _ => None,
        });
        let Some(probe) = unknown else { return Ok(()) };
        let written = serde_json::to_string(probe).expect("a string is JSON");
        let after_key = |(at, _): &(usize, &str)| {
            let before = text[..*at].trim_end().strip_suffix(':');
            before.is_some_and(|before| before.trim_end().ends_with("\"probe\""))
        };
        // Written with other escapes it is not found; then the error names the file's beginning.
        let place = text.match_indices(&written).find(after_key);
        let span = place.map_or(0..0, |(at, written)| at..at + written.len());
        Err(Complaint::at(file, text, span, format!("unknown probe `{probe}`"))
            .allowed(probe, probes)
            .remedy("write one of the allowed words, or run it with the build that wrote it")
            .into())
    }

    /// What no planner would write.
    fn check(&self) -> Result<(), (String, &'static str)> {
        if ![1, 3, 5].contains(&self.members) {
            return Err((format!("a cluster of {} members", self.members), "write 1, 3 or 5"));
        }
        let groups = self.faults.iter().flat_map(|fault| match fault.target {
            Target::Group(group) => vec![group],
            Target::Link(link) => vec![link.from, link.to],
        });
        let faulted = groups.filter_map(|group| match group {
            Group::Member(number) => Some(number),
            _ => None,
        });
        let planted = self.plants.iter().filter_map(|plant| plant.member);
        match faulted.chain(planted).find(|number| *number > self.members) {
            Some(number) => Err((
                format!("m{number} is named, and the cluster has {} members", self.members),
                "name a member that is there",
            )),
            None => Ok(()),
        }
    }
}

/// How members are configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// The network without faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    /// One way, between members and between clients and members.
    pub latency: Latency,
}

/// A distribution of times: `base`, plus up to `jitter`, plus rarely up to `tail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// At least this long.
    pub base_ns: u64,
    /// Plus a uniform share of this.
    pub jitter_ns: u64,
    /// Chance in 1000 of the tail.
    pub tail_permille: u32,
    /// Then plus a uniform share of this.
    pub tail_ns: u64,
}

/// The disks without faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskSettings {
    /// Time of one read.
    pub read: Latency,
    /// Time of one write.
    pub write: Latency,
    /// Time of one sync.
    pub sync: Latency,
    /// What a crash by power loss at a probe leaves of unsynced sectors.
    pub unsynced: Unsynced,
}

/// What clients do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Clients that call one operation after the other.
    pub clients: u32,
    /// Mean pause of a client between two operations.
    pub pace_ns: u64,
    /// Keys in use; fewer keys, more contention.
    pub keys: u32,
    /// How often which operation.
    pub weights: OpWeights,
    /// Deadline of an operation.
    pub deadline_ns: u64,
    /// Mean time between two compactions; 0 for none.
    pub compact_every_ns: u64,
    /// Compacts beyond what the evidence watchers have delivered as well.
    pub compact_ahead: bool,
    /// Watchers that come and go: from the compact revision, the past, the future; resumed.
    pub watchers: u32,
    /// Mean time between two manual progress requests of a watcher; 0 for none.
    pub progress_every_ns: u64,
    /// One full-range watcher with previous values at each member, all the time.
    pub evidence: bool,
}

/// How often which operation, relative to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpWeights {
    /// Put of a unique value, at times with `prev_kv`.
    pub put: u32,
    /// Linearizable read of one key.
    pub get: u32,
    /// Linearizable read of a range, with limit, count only, keys only.
    pub range: u32,
    /// Read at an earlier revision.
    pub history: u32,
    /// Serializable read.
    pub serializable: u32,
    /// Delete of one key.
    pub delete: u32,
    /// Delete of a range.
    pub delete_range: u32,
    /// Transaction with compares and several operations.
    pub txn: u32,
    /// Compare-and-swap on the last revision seen.
    pub cas: u32,
}

/// A fault at its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// Unique in the plan and stable when others are removed: it keys the fault's random streams.
    pub id: u32,
    /// What happens.
    pub fault: Fault,
    /// To whom.
    pub target: Target,
    /// When.
    pub at_ns: u64,
    /// How long it lasts, or how long processes stay down; 0 where the fault has none.
    pub duration_ns: u64,
}

/// What a run must reach to count; otherwise its verdict is `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Operations with outcome `ok`.
    pub ok_operations: u64,
    /// Faults that fired.
    pub faults_fired: u64,
    /// Watch events delivered.
    pub watch_events: u64,
}

/// A planted bug, awake in one member or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    /// Which bug.
    pub bug: Bug,
    /// Only in this member (1-based).
    pub member: Option<u32>,
}

/// The bugs planted in the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Bug {
    /// Applied index ahead of its data.
    R1,
    /// Acknowledged before the log is durable.
    R2,
    /// A progress notice overtakes events.
    R5,
    /// The tombstone at the compact revision is dropped.
    R10,
    /// A read's second attempt is confirmed by answers to its first.
    R17,
    /// The vote is not persisted.
    C1,
    /// ReadIndex answered before a commit in the term.
    C3,
    /// A follower acknowledges entries before they are durable.
    C4,
    /// Entries are accepted whatever comes before them.
    C6,
    /// Apply depends on the member.
    C14,
    /// The error of fsync is ignored.
    C15,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 11] = [
        Bug::R1,
        Bug::R2,
        Bug::R5,
        Bug::R10,
        Bug::R17,
        Bug::C1,
        Bug::C3,
        Bug::C4,
        Bug::C6,
        Bug::C14,
        Bug::C15,
    ];

    /// Its name, as in `planted!("R2")`.
    pub fn name(self) -> &'static str {
        match self {
            Bug::R1 => "R1",
            Bug::R2 => "R2",
            Bug::R5 => "R5",
            Bug::R10 => "R10",
            Bug::R17 => "R17",
            Bug::C1 => "C1",
            Bug::C3 => "C3",
            Bug::C4 => "C4",
            Bug::C6 => "C6",
            Bug::C14 => "C14",
            Bug::C15 => "C15",
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.member {
            Some(member) => write!(f, "{}@m{member}", self.bug),
            None => self.bug.fmt(f),
        }
    }
}

/// A word that names no planted bug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown bug `{0}`; allowed are {names}, each alone or as R2@m1", names = names())]
pub struct UnknownBug(pub String);

fn names() -> String {
    Bug::ALL.map(Bug::name).join(", ")
}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(word: &str) -> Result<Bug, UnknownBug> {
        Bug::ALL
            .into_iter()
            .find(|bug| bug.name() == word)
            .ok_or_else(|| UnknownBug(word.to_owned()))
    }
}

impl FromStr for Plant {
    type Err = UnknownBug;

    fn from_str(word: &str) -> Result<Plant, UnknownBug> {
        let Some((bug, member)) = word.split_once('@') else {
            return Ok(Plant { bug: word.parse()?, member: None });
        };
        let digits = member.strip_prefix('m').unwrap_or(member);
        match digits.parse() {
            Ok(number) if number > 0 => Ok(Plant { bug: bug.parse()?, member: Some(number) }),
            _ => Err(UnknownBug(word.to_owned())),
        }
    }
}

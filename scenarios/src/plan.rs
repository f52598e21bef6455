//! The plan of a run: every choice made before time starts, as a value that prints and loads back.
//!
//! All times are nanoseconds of simulated time from the start of the run; chances are in 1000.
//! There are no floating point numbers, so that text and value are equal both ways.
//!
//! A kept plan outlives new settings: a key that it lacks has the least of its usual range, at which
//! runs are what they were before the key was there. A key that nobody knows is refused.

use serde::{Deserialize, Serialize};

use crate::LoadError;
use crate::error::Complaint;
use crate::fault::{Fault, Group, Start, Target, Trigger};
use crate::planted::Plant;
use crate::settings::{
    ClusterSettings, DiskSettings, Floor, LimitSettings, NetworkSettings, ServiceSettings, Traffic,
};

/// Version of the format; a plan of another version is refused.
pub const VERSION: u32 = 1;

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
    /// Faults may damage a quorum of copies; then the members need only stop rather than lie.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unrestricted: bool,
    /// Planted bugs that are awake.
    pub plants: Vec<Plant>,
    /// How members are configured.
    pub cluster: ClusterSettings,
    /// How much members take, keep and do at a time.
    #[serde(default)]
    pub limits: LimitSettings,
    /// The network without faults.
    pub network: NetworkSettings,
    /// The disks without faults.
    pub disk: DiskSettings,
    /// What clients do.
    pub traffic: Traffic,
    /// In order of `at_ns`.
    pub faults: Vec<PlannedFault>,
    /// What is asked of the service.
    #[serde(default)]
    pub service: ServiceSettings,
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
        let mut named = self.faults.iter().flat_map(PlannedFault::probes);
        let unknown = named.find(|(probe, ..)| !probes.contains(probe));
        let Some((probe, written, key)) = unknown else { return Ok(()) };
        let written = serde_json::to_string(&written).expect("a string is JSON");
        let after_key = |(at, _): &(usize, &str)| {
            let before = text[..*at].trim_end().strip_suffix(':');
            before.is_some_and(|before| before.trim_end().ends_with(key))
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
        let groups = self.faults.iter().flat_map(|fault| fault.target.groups());
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
    /// What `fault:NAME` calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it waits for from `at_ns` on; nothing when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
}

impl PlannedFault {
    /// What must happen before it begins.
    pub fn trigger(&self) -> Option<&Trigger> {
        self.start.as_ref()?.after.as_ref()
    }

    /// The names of probes that it speaks of, each with how it is written and under which key.
    pub(crate) fn probes(&self) -> impl Iterator<Item = (&str, String, &'static str)> {
        let own = self.fault.probe().map(|probe| (probe, probe.to_owned(), "\"probe\""));
        let waited = self
            .trigger()
            .and_then(|trigger| Some((trigger.probe()?, trigger.to_string(), "\"after\"")));
        own.into_iter().chain(waited)
    }
}

//! The verdict on one run, as `verdict.json` holds it: equal bytes for equal seeds.
//!
//! It holds no wall time and no path; what a command adds of these stands beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the format.
pub const VERSION: u32 = 1;

/// The one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every guarantee held, and enough happened to say so.
    Pass,
    /// A guarantee is broken.
    Broken,
    /// The cluster did not come back in time after all faults were healed.
    NoConvergence,
    /// The run did too little, or the checker ran out of budget.
    Unknown,
}

impl Status {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Broken => "broken",
            Status::NoConvergence => "no_convergence",
            Status::Unknown => "unknown",
        }
    }

    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Pass => 0,
            Status::Broken => 1,
            Status::NoConvergence => 2,
            Status::Unknown => 3,
        }
    }
}

/// Everything a run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Always [`VERSION`].
    pub version: u32,
    /// Folder and name of the scenario.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// The planted bugs that were awake: `R2`, `C1@m2`.
    pub plants: Vec<String>,
    /// The one word.
    pub verdict: Status,
    /// Who found it; nothing for a pass.
    pub checker: Option<String>,
    /// What was found, in a sentence or a few; nothing for a pass.
    pub reason: Option<String>,
    /// All that was found, the one that counts first.
    pub findings: Vec<Finding>,
    /// Length of the run in simulated seconds.
    pub sim_seconds: f64,
    /// Client operations by outcome.
    pub operations: Operations,
    /// What else traffic came to, by the words of a scenario's floor.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub traffic: BTreeMap<String, u64>,
    /// One for each fault of the plan.
    pub faults: Vec<FaultCount>,
    /// Rare paths reached, and how often.
    pub probes: BTreeMap<String, u64>,
    /// How much each guarantee looked at, by the name of its checker.
    #[serde(default)]
    pub examined: BTreeMap<String, u64>,
    /// What clients met, and how often: kinds of operations, refusals, rare answers to watchers.
    #[serde(default)]
    pub seen: BTreeMap<String, u64>,
    /// How often a member became leader.
    pub leaders: u64,
    /// Hash over every event, 32 hex digits.
    pub trace_hash: String,
    /// Hash over the plan's text, 32 hex digits.
    pub plan_hash: String,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it means for the verdict.
    pub verdict: Status,
    /// Who found it.
    pub checker: String,
    /// What.
    pub reason: String,
    /// When (ns of simulated time), if it has a place in time.
    pub at_ns: Option<u64>,
    /// Ids of the history's records that show it.
    pub records: Vec<u64>,
}

/// Client operations by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// Answered.
    pub ok: u64,
    /// Certainly did not happen.
    pub fail: u64,
    /// May have happened.
    pub unknown: u64,
}

/// How one fault fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCount {
    /// Its kind.
    pub name: String,
    /// How often it was meant to happen.
    pub armed: u64,
    /// How often it happened.
    pub fired: u64,
    /// How often something observable changed because of it.
    pub effect: u64,
    /// How often there was nobody to strike, or no more copies might be damaged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Verdict {
    /// As text: pretty JSON with a line feed at its end.
    pub fn print(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a verdict has only string keys");
        text.push('\n');
        text
    }
}

//! What a run hands back: plain values, made of no simulated thing, ready to be judged and reported.

use std::collections::BTreeMap;

use mettle_checker::history;
use serde::Serialize;

use crate::trace::{Line, Trace};

/// How to run a plan; nothing here may change what happens in the run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Show the server's log on standard error.
    pub verbose: bool,
    /// Where events go; whoever gives it can read the latest lines while the run goes on.
    pub trace: Trace,
}

/// Everything that came out of one run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What the clients saw, in the order in which it became known.
    pub records: Vec<history::Record>,
    /// What the simulator did.
    pub trace: Vec<Line>,
    /// The event hash.
    pub hash: EventHash,
    /// Rare paths reached, and how often.
    pub probes: BTreeMap<String, u64>,
    /// One line for each fault of the plan, in the plan's order.
    pub faults: Vec<FaultCount>,
    /// When each fault held, and whom it struck.
    pub fault_lane: Vec<FaultSpan>,
    /// Who led when.
    pub leaders: Leaders,
    /// Length of the run in simulated time (ns).
    pub sim_ns: u64,
    /// Operations by outcome.
    pub operations: OperationCount,
    /// Rules broken that the observer watches while time runs.
    pub violations: Vec<Violation>,
    /// A panic inside a member's code.
    pub panic: Option<Panic>,
    /// Whether the cluster came back after the last fault was healed.
    pub convergence: Convergence,
    /// The ends of members' processes that no fault caused directly.
    pub exits: Vec<Exit>,
    /// An error of the harness, in words: the event budget is spent, an exit is unexplained.
    pub harness: Option<String>,
}

/// The rolling 128-bit hash over every event, whole and per member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventHash {
    /// Over all events.
    pub global: u128,
    /// Over the events of each member (by number, from 1).
    pub members: BTreeMap<u32, u128>,
}

/// How one fault of the plan fared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FaultCount {
    /// The fault's id in the plan.
    pub id: u32,
    /// The fault's kind.
    pub name: String,
    /// How often the plan meant it to happen.
    pub armed: u64,
    /// How often it happened.
    pub fired: u64,
    /// How often something observable changed because of it.
    pub effect: u64,
}

/// One stretch of time in which a fault held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultSpan {
    /// The fault's id in the plan.
    pub id: u32,
    /// The fault's kind.
    pub name: String,
    /// Whom it struck, as the trigger resolved it: `m1`, `m1 | m2 m3`, `m1 -> m2`.
    pub target: String,
    /// Begin (ns).
    pub start_ns: u64,
    /// End (ns); `None` when it held to the end of the run.
    pub end_ns: Option<u64>,
}

/// Leadership over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Leaders {
    /// How often a member became leader.
    pub changes: u64,
    /// Each time, in order.
    pub timeline: Vec<Leadership>,
}

/// A member became leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Leadership {
    /// When (ns).
    pub at_ns: u64,
    /// In which term.
    pub term: u64,
    /// Which member (number, from 1).
    pub member: u32,
}

/// Operations by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OperationCount {
    /// Answered.
    pub ok: u64,
    /// Certainly did not happen.
    pub fail: u64,
    /// May have happened.
    pub unknown: u64,
}

/// A rule broken while time ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule, as the verdict names its checker: `one leader per term`.
    pub rule: &'static str,
    /// What happened, in words.
    pub reason: String,
    /// When (ns).
    pub at_ns: u64,
}

/// A panic inside a member's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Panic {
    /// When (ns).
    pub at_ns: u64,
    /// The member (number, from 1); `None` when the simulator itself panicked, an error of the harness.
    pub member: Option<u32>,
    /// The message.
    pub message: String,
    /// File and line.
    pub location: String,
}

/// How the converge phase ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Convergence {
    /// The run ended before the phase began (a panic, a stuck run).
    #[default]
    NotReached,
    /// Progress through every member, equal revision and equal hashes, watchers caught up.
    Converged {
        /// How long it took (ns).
        after_ns: u64,
        /// The revision at which all members agreed.
        revision: i64,
    },
    /// The deadline passed; the reason in words.
    Missed {
        /// What was still missing.
        reason: String,
    },
    /// All members answered at one revision and their hashes differ: a broken guarantee.
    HashesDiffer {
        /// Which members said what.
        reason: String,
    },
}

/// A member's process ended on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// The member (number, from 1).
    pub member: u32,
    /// When (ns).
    pub at_ns: u64,
    /// What it said.
    pub reason: String,
    /// Whether the supervisor may start it again.
    pub last: bool,
    /// Whether a fault that was injected explains it.
    pub explained: bool,
}

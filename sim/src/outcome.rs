//! The outcome of a run: plain values, ready to be judged and reported.

use std::collections::BTreeMap;

use mettle_checker::history;
use mettle_checker::service::Call;
use mettle_reports::timeline::Timeline;
use mettle_reports::verdict::{FaultCount, Operations};
use serde::Serialize;

use crate::error::HarnessError;
use crate::member::Member;
use crate::trace::Line;

/// Everything that came out of one run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the clients saw, in the order in which it became known.
    pub records: Vec<history::Record>,
    /// What is known of each call beside its record, by the record's id.
    pub calls: BTreeMap<u64, Call>,
    /// What the simulator did.
    pub trace: Vec<Line>,
    /// The event hash.
    pub hash: EventHash,
    /// Rare paths reached, and how often.
    pub probes: BTreeMap<String, u64>,
    /// One line for each fault of the plan, in the plan's order.
    pub faults: Vec<FaultCount>,
    /// What happened when, as the page shows it.
    pub timeline: Timeline,
    /// Operations by outcome.
    pub operations: Operations,
    /// What else traffic came to, by the words of a scenario's floor.
    pub traffic: BTreeMap<String, u64>,
    /// Rules broken that the observer watches while time runs.
    pub violations: Vec<Violation>,
    /// A panic inside a member's code.
    pub panic: Option<Panic>,
    /// Whether the cluster came back after the last fault was healed.
    pub convergence: Convergence,
    /// The harness failed: nothing is known of the cluster.
    pub harness: Option<HarnessError>,
}

/// The rolling 128-bit hash over every event, whole and per member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventHash {
    /// Over all events.
    pub global: u128,
    /// Over the events of each member.
    pub members: BTreeMap<Member, u128>,
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
    /// The member; `None` when the simulator itself panicked, an error of the harness.
    pub member: Option<Member>,
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
    /// The deadline passed, and faults had damaged more copies than a cluster can lose.
    NotOwed {
        /// What was still missing.
        reason: String,
    },
    /// All members answered at one revision and their hashes differ: a broken guarantee.
    HashesDiffer {
        /// Which members said what.
        reason: String,
    },
    /// A hash stayed what it was although the store had changed: a broken guarantee.
    HashInsensitive {
        /// Which member said what.
        reason: String,
    },
}

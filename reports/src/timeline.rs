//! What happened when, beside what the clients saw. The page is given all of it as one value.

use serde::Serialize;

/// Faults, leaders and stops over simulated time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// Length of the run (ns).
    pub end_ns: u64,
    /// When each fault held. The page is given them with their families.
    #[serde(skip)]
    pub faults: Vec<FaultSpan>,
    /// Each time a member became leader, in order.
    pub leaders: Vec<Leadership>,
    /// Members' processes that ended on their own: a refusal, a panic.
    pub stops: Vec<Stop>,
    /// Which writes of unknown outcome made which revisions, as the judge found: (revision, id).
    #[serde(skip)]
    pub placed: Vec<(i64, u64)>,
}

/// One stretch of time in which a fault held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpan {
    /// The fault's id in the plan.
    pub id: u32,
    /// Its kind, such as `partition`.
    pub name: String,
    /// Whom it struck: `m1`, `m1 | m2 m3`, `m1 -> m2`.
    pub target: String,
    /// The members that it struck, or one side of the links that it struck, from 1.
    pub group: Vec<u32>,
    /// The other side of those links; empty if the members themselves were struck.
    pub rest: Vec<u32>,
    /// Whether those whom it struck went on, only slower.
    pub degrades: bool,
    /// Begin (ns).
    pub start_ns: u64,
    /// End (ns); `None` when it held to the end of the run, or had no length.
    pub end_ns: Option<u64>,
}

/// A member became leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Leadership {
    /// When (ns).
    pub at_ns: u64,
    /// In which term.
    pub term: u64,
    /// Which member, from 1.
    pub member: u32,
}

/// A member's process ended on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// Which member, from 1.
    pub member: u32,
    /// When (ns).
    pub at_ns: u64,
    /// What it said.
    pub reason: String,
    /// Whether it stays down from then on.
    pub last: bool,
    /// Whether a fault that was injected explains it.
    pub explained: bool,
}

//! The service, judged beside its history: a cluster that is right and does not serve is broken too.
//!
//! The order of operations says whether answers are right. This room asks whether answers come. A
//! **window** is a stretch of time in which the same members are able to serve: a quorum that no
//! injected fault strikes, with no struck link among them ([`windows`]). A window is **steady** once
//! the time to settle has passed. In its steady part the able members serve as if nothing had ever
//! happened. Each exception needs an injected cause; load beyond the capacity is a fault like any
//! other, and strikes every member.
//!
//! The room is pure: records, faults, leaders and settings in, checks out. It knows no server.

mod answered;
mod elections;
mod pending;
mod recovery;
mod stale;
mod streams;
#[cfg(test)]
mod tests;
mod windows;

use std::collections::BTreeMap;

use crate::history::Record;

/// An operation in a steady window has a definite answer.
pub const ANSWERED: &str = "service.answered";
/// An operation in a steady window is answered in time.
pub const LATENCY: &str = "service.latency";
/// Most operations in steady windows are answered in a fraction of that time.
pub const THROUGHPUT: &str = "service.throughput";
/// A watch stream does not end in a steady window.
pub const STREAM: &str = "service.stream";
/// Nobody becomes leader in a steady window.
pub const LEADER: &str = "service.leader";
/// Leader changes are bounded by the faults.
pub const ELECTIONS: &str = "service.elections";
/// Writes succeed again soon after a quorum can talk.
pub const RECOVERY: &str = "service.recovery";
/// A write that waits is answered or refused soon after an election.
pub const PENDING: &str = "service.pending";
/// A serializable read in a steady window is not old.
pub const STALE: &str = "service.stale";

/// What is asked of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// The longest time to an answer in a steady window (ns).
    pub latency_ns: u64,
    /// The time within which nine calls of ten in steady windows are answered (ns).
    pub usual_ns: u64,
    /// From the moment that a quorum can talk to the first write that succeeds (ns).
    pub recovery_ns: u64,
    /// From an election to the answer to a write that waited for it (ns).
    pub pending_ns: u64,
    /// How many times a fault may change the leader, when it comes and when it goes together.
    pub changes_per_fault: u64,
    /// While faults hold, one more change of leader is granted for each such time (ns).
    pub change_every_ns: u64,
}

/// A stretch of time in which an injected fault held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultSpan {
    /// What it was, for sentences: `kill of m2`.
    pub what: String,
    /// The members that it struck, or the one side of the links that it struck.
    pub group: Vec<u64>,
    /// The other side of the links; empty if the members themselves were struck.
    pub rest: Vec<u64>,
    /// Whether those whom it struck went on, only worse: a leader among them may stay leader, and
    /// then all are as slow as that one.
    pub degrades: bool,
    /// Begin (ns).
    pub start_ns: u64,
    /// End (ns); `u64::MAX` if it held to the end.
    pub end_ns: u64,
}

/// A member became leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaderChange {
    /// When (ns).
    pub at_ns: u64,
    /// Which member.
    pub member: u64,
    /// Of which term.
    pub term: u64,
}

/// What the recorder knows of a call beside its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// How long the client was ready to wait (ns).
    pub deadline_ns: u64,
    /// When the call ended for the client, whatever came of it (ns).
    pub ended_ns: u64,
    /// Whether the client gave up by itself.
    pub cancelled: bool,
}

/// A run, as this room sees it.
#[derive(Clone, Copy, Debug)]
pub struct ServedRun<'a> {
    /// What clients recorded.
    pub records: &'a [Record],
    /// The calls, by the id of their record.
    pub calls: &'a BTreeMap<u64, Call>,
    /// How many members there are, numbered from 1.
    pub members: u64,
    /// The faults.
    pub faults: &'a [FaultSpan],
    /// Who became leader, in order of time.
    pub leaders: &'a [LeaderChange],
    /// The end of the run (ns).
    pub end_ns: u64,
    /// What is asked.
    pub settings: ServiceSettings,
}

/// One rule, and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCheck {
    /// The rule's name.
    pub name: &'static str,
    /// How many things it looked at.
    pub examined: u64,
    /// The first thing that breaks it.
    pub finding: Option<ServiceFinding>,
}

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFinding {
    /// The sentence for users.
    pub reason: String,
    /// The ids of the records that show it.
    pub evidence: Vec<u64>,
    /// When (ns).
    pub at_ns: u64,
}

/// Judges the service of a run.
pub fn service(run: &ServedRun<'_>) -> Vec<ServiceCheck> {
    let windows = windows::windows(run);
    let mut checks = answered::checks(run, &windows);
    checks.push(streams::check(run, &windows));
    checks.extend(elections::checks(run, &windows));
    checks.push(recovery::check(run, &windows));
    checks.push(pending::check(run, &windows));
    checks.push(stale::check(run, &windows));
    checks
}

impl ServiceCheck {
    fn new(name: &'static str) -> Self {
        ServiceCheck { name, examined: 0, finding: None }
    }

    /// Takes note of something that was looked at; the earliest finding stays.
    fn look(&mut self, found: Option<ServiceFinding>) {
        self.examined += 1;
        if let Some(found) = found
            && self.finding.as_ref().is_none_or(|first| found.at_ns < first.at_ns)
        {
            self.finding = Some(found);
        }
    }
}

impl ServedRun<'_> {
    /// When a call ended for its client (ns).
    fn ended_ns(&self, record: &Record) -> Option<u64> {
        record.return_ns.or_else(|| self.calls.get(&record.id).map(|call| call.ended_ns))
    }

    /// Whether the client may have left before an answer was due.
    fn impatient(&self, record: &Record) -> bool {
        let call = self.calls.get(&record.id);
        call.is_some_and(|call| call.cancelled || call.deadline_ns < self.settings.latency_ns)
    }
}

//! Brings the findings of checker, observer and floor together into one verdict.
//!
//! A broken guarantee outweighs a missed convergence, and a missed convergence outweighs a run that
//! stayed below its floor. Of several broken guarantees the cause comes first: what was seen inside
//! the members comes before what clients saw of it, where it came earlier; a service that is not
//! there comes last, since most of what is wrong also stops the service.

use std::collections::BTreeMap;
use std::hash::Hasher as _;

use mettle_checker::history::Record;
use mettle_checker::service::ServiceCheck;
use mettle_checker::{CHECKERS, LINEARIZABILITY, Report, Verdict as Ruling};
use mettle_reports::verdict::{FaultCount, Finding, Status, VERSION, Verdict};
use mettle_scenarios::Plan;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::error::HarnessError;
use crate::outcome::{Convergence, Outcome};
use crate::seen::seen;

/// What the judges said of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    /// Of its history.
    pub(super) judgement: &'a Report,
    /// Of its service.
    pub(super) service: &'a [ServiceCheck],
    /// The history.
    pub(super) records: &'a [Record],
}

/// The verdict on a run.
pub(super) fn verdict(
    plan: &Plan,
    outcome: &Outcome,
    judged: &Judged<'_>,
) -> Result<Verdict, HarnessError> {
    let Judged { judgement, service, records } = judged;
    if let Some(panic) = outcome.panic.as_ref().filter(|panic| panic.member.is_none()) {
        let (location, message) = (panic.location.clone(), panic.message.clone());
        return Err(HarnessError::Panic { location, message });
    }
    if outcome.convergence == Convergence::NotReached && outcome.panic.is_none() {
        return Err(HarnessError::NotConverged);
    }
    let faults = faults(outcome);
    let mut findings = by_cause(history(judgement, records), observed(outcome));
    findings.extend(convergence(outcome));
    findings.extend(served(service));
    findings.extend(doubts(judgement));
    findings.extend(floor(plan, outcome, judgement, &faults));
    findings.sort_by_key(|finding| finding.verdict);
    let first = findings.first();
    Ok(Verdict {
        version: VERSION,
        scenario: plan.scenario.clone(),
        seed: plan.seed,
        plants: plan.plants.iter().map(ToString::to_string).collect(),
        verdict: first.map_or(Status::Pass, |finding| finding.verdict),
        checker: first.map(|finding| finding.checker.clone()),
        reason: first.map(|finding| finding.reason.clone()),
        sim_seconds: outcome.timeline.end_ns as f64 / 1e9,
        operations: outcome.operations,
        traffic: outcome.traffic.clone(),
        faults,
        probes: outcome.probes.clone(),
        examined: examined(judged),
        seen: seen(records),
        leaders: outcome.timeline.leaders.len() as u64,
        trace_hash: format!("{:032x}", outcome.hash.global),
        plan_hash: plan_hash(plan),
        findings,
    })
}

/// Hash of a plan's printed form, 32 hex digits.
pub(crate) fn plan_hash(plan: &Plan) -> String {
    let mut hasher = SipHasher13::new();
    hasher.write(plan.print().as_bytes());
    format!("{:032x}", hasher.finish128().as_u128())
}

fn finding(verdict: Status, checker: &str, reason: String) -> Finding {
    Finding { verdict, checker: checker.to_owned(), reason, at_ns: None, records: Vec::new() }
}

/// Those of the observer and of the history: whatever came earlier stands first. A contradiction
/// came with the last of the records that make it; without a record it is of no known time.
fn by_cause(mut history: Vec<Finding>, observed: Vec<Finding>) -> Vec<Finding> {
    let at_ns = |finding: &Finding| finding.at_ns.unwrap_or(u64::MAX);
    // Both keep their own order.
    let first = history.first().map_or(u64::MAX, at_ns);
    let (mut all, later): (Vec<Finding>, Vec<Finding>) =
        observed.into_iter().partition(|finding| at_ns(finding) <= first);
    all.append(&mut history);
    all.extend(later);
    all
}

/// What is wrong with the service.
fn served(service: &[ServiceCheck]) -> Vec<Finding> {
    let found = service.iter().filter_map(|check| Some((check.name, check.finding.as_ref()?)));
    found
        .map(|(name, found)| Finding {
            at_ns: Some(found.at_ns),
            records: found.evidence.clone(),
            ..finding(Status::Broken, name, found.reason.clone())
        })
        .collect()
}

/// Guarantees that the history breaks.
fn history(judgement: &Report, records: &[Record]) -> Vec<Finding> {
    // The ids of our records are their places.
    let ended_ns = |id: &u64| {
        let record = records.get(*id as usize)?;
        Some(record.return_ns.unwrap_or(record.call_ns))
    };
    let broken = judgement.checks.iter().filter_map(|check| match &check.verdict {
        Ruling::Broken(violation) => Some(violation),
        Ruling::Legal | Ruling::Unknown(_) => None,
    });
    broken
        .map(|violation| Finding {
            at_ns: violation.evidence.iter().filter_map(ended_ns).max(),
            records: violation.evidence.clone(),
            ..finding(Status::Broken, violation.checker, violation.reason.clone())
        })
        .collect()
}

/// What the checker could not decide.
fn doubts(judgement: &Report) -> Vec<Finding> {
    let doubts = judgement.checks.iter().filter_map(|check| match &check.verdict {
        Ruling::Unknown(doubt) => Some(doubt),
        Ruling::Legal | Ruling::Broken(_) => None,
    });
    doubts
        .map(|doubt| Finding {
            records: doubt.evidence.clone(),
            ..finding(Status::Unknown, doubt.checker, doubt.reason.clone())
        })
        .collect()
}

/// What was watched inside while time ran.
fn observed(outcome: &Outcome) -> Vec<Finding> {
    let mut findings: Vec<Finding> = outcome
        .violations
        .iter()
        .map(|violation| Finding {
            at_ns: Some(violation.at_ns),
            ..finding(
                Status::Broken,
                &format!("observe.{}", violation.rule.replace(' ', "_")),
                violation.reason.clone(),
            )
        })
        .collect();
    findings.extend(outcome.timeline.stops.iter().filter(|exit| !exit.explained).map(|exit| {
        let reason = format!(
            "m{} ended by itself, and no fault that was injected explains it: {}",
            exit.member, exit.reason
        );
        Finding { at_ns: Some(exit.at_ns), ..finding(Status::Broken, "members_stay_up", reason) }
    }));
    if let Some(panic) = &outcome.panic {
        let member = panic.member.map_or_else(String::new, |member| format!("{member} "));
        let reason = format!("{member}panicked at {}: {}", panic.location, panic.message);
        let at_ns = Some(panic.at_ns);
        findings.push(Finding { at_ns, ..finding(Status::Broken, "no_panic", reason) });
    }
    findings
}

fn convergence(outcome: &Outcome) -> Option<Finding> {
    match &outcome.convergence {
        Convergence::NotReached | Convergence::Converged { .. } | Convergence::NotOwed { .. } => {
            None
        }
        Convergence::Missed { reason } => {
            Some(finding(Status::NoConvergence, "converge", reason.clone()))
        }
        Convergence::HashesDiffer { reason } => {
            Some(finding(Status::Broken, "hashes_agree", reason.clone()))
        }
        Convergence::HashInsensitive { reason } => {
            Some(finding(Status::Broken, "hash_sensitive", reason.clone()))
        }
    }
}

/// Whether enough happened.
fn floor(
    plan: &Plan,
    outcome: &Outcome,
    judgement: &Report,
    faults: &[FaultCount],
) -> Vec<Finding> {
    let fired = faults.iter().map(|fault| fault.fired).sum();
    let unexamined = unexamined(plan, judgement);
    let reached = [
        ("operations answered ok", outcome.operations.ok, plan.floor.ok_operations),
        ("faults fired", fired, plan.floor.faults_fired),
        ("watch events delivered", judgement.figures.events, plan.floor.watch_events),
    ];
    let traffic = plan.floor.traffic.iter().map(|(word, floor)| {
        (word.as_str(), outcome.traffic.get(word).copied().unwrap_or(0), *floor)
    });
    reached
        .into_iter()
        .chain(traffic)
        .filter(|(_, reached, floor)| reached < floor)
        .map(|(what, reached, floor)| {
            let reason = format!("too little happened to judge: {reached} {what}, floor {floor}");
            finding(Status::Unknown, "floor", reason)
        })
        .chain(unexamined)
        .collect()
}

/// Guarantees that had to look at something and looked at nothing.
fn unexamined(plan: &Plan, judgement: &Report) -> Vec<Finding> {
    let left_out = &plan.floor.not_examined;
    let unknown = left_out.iter().filter(|name| !CHECKERS.contains(&name.as_str())).map(|name| {
        format!("`not_examined` names `{name}`, which is no guarantee that the checker knows")
    });
    let empty = judgement.checks.iter().filter(|check| check.examined == 0);
    let empty = empty.filter(|check| examinable(plan, check.name));
    let empty = empty.filter(|check| !left_out.iter().any(|name| name == check.name));
    let empty = empty.map(|check| format!("the check {} looked at nothing", check.name));
    unknown.chain(empty).map(|reason| finding(Status::Unknown, "examined", reason)).collect()
}

/// Whether every run of a plan like this one has something for a guarantee to look at. The others
/// need luck; a sweep lists those that had none in any run.
fn examinable(plan: &Plan, name: &str) -> bool {
    let traffic = &plan.traffic;
    match name {
        // At the end every member is asked, and read from its own store.
        "assumptions" | "header" | LINEARIZABILITY | "serializable" | "session" => true,
        "watch.created" | "watch.ordered" | "watch.unique" | "watch.range" | "watch.reliable"
        | "watch.resumable" | "watch.event" | "watch.header" | "watch.live" => {
            traffic.evidence || traffic.watchers > 0
        }
        // Notices of progress need a time without events.
        "watch.prev_kv" => traffic.evidence,
        _ => false,
    }
}

/// How much each rule looked at.
fn examined(judged: &Judged<'_>) -> BTreeMap<String, u64> {
    let history = judged.judgement.checks.iter().map(|check| (check.name, check.examined));
    let service = judged.service.iter().map(|check| (check.name, check.examined));
    history.chain(service).map(|(name, examined)| (name.to_owned(), examined)).collect()
}

/// Counts by kind of fault, in the order in which the plan names them first.
fn faults(outcome: &Outcome) -> Vec<FaultCount> {
    let mut kinds: Vec<FaultCount> = Vec::new();
    for fault in &outcome.faults {
        let place = kinds.iter().position(|kind| kind.name == fault.name).unwrap_or_else(|| {
            let name = fault.name.clone();
            kinds.push(FaultCount { name, armed: 0, fired: 0, effect: 0, skipped: 0 });
            kinds.len() - 1
        });
        kinds[place].armed += fault.armed;
        kinds[place].fired += fault.fired;
        kinds[place].effect += fault.effect;
        kinds[place].skipped += fault.skipped;
    }
    kinds
}

#[cfg(test)]
mod tests;

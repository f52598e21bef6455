//! Brings the findings of checker, observer and floor together into one verdict.
//!
//! A broken guarantee outweighs a missed convergence, and a missed convergence outweighs a run that
//! stayed below its floor. Of several broken guarantees the clients' comes first.

use std::hash::Hasher as _;

use mettle_checker::{Report, Verdict as Judged};
use mettle_reports::verdict::{FaultCount, Finding, Status, VERSION, Verdict};
use mettle_scenarios::Plan;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::error::HarnessError;
use crate::outcome::{Convergence, Outcome};

/// The verdict on a run.
pub(super) fn verdict(
    plan: &Plan,
    outcome: &Outcome,
    judgement: &Report,
) -> Result<Verdict, HarnessError> {
    if let Some(panic) = outcome.panic.as_ref().filter(|panic| panic.member.is_none()) {
        let (location, message) = (panic.location.clone(), panic.message.clone());
        return Err(HarnessError::Panic { location, message });
    }
    if outcome.convergence == Convergence::NotReached && outcome.panic.is_none() {
        return Err(HarnessError::NotConverged);
    }
    let faults = faults(outcome);
    let mut findings = history(judgement);
    findings.extend(observed(outcome));
    findings.extend(convergence(outcome));
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

/// Guarantees that the history breaks.
fn history(judgement: &Report) -> Vec<Finding> {
    let broken = judgement.checks.iter().filter_map(|check| match &check.verdict {
        Judged::Broken(violation) => Some(violation),
        Judged::Legal | Judged::Unknown(_) => None,
    });
    broken
        .map(|violation| Finding {
            records: violation.evidence.clone(),
            ..finding(Status::Broken, violation.checker, violation.reason.clone())
        })
        .collect()
}

/// What the checker could not decide.
fn doubts(judgement: &Report) -> Vec<Finding> {
    let doubts = judgement.checks.iter().filter_map(|check| match &check.verdict {
        Judged::Unknown(doubt) => Some(doubt),
        Judged::Legal | Judged::Broken(_) => None,
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
        findings.push(finding(Status::Broken, "no_panic", reason));
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
        .collect()
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

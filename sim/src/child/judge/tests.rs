//! What counts when several things are wrong at once, and what is too little to count.

use mettle_checker::history::{PutRequest, PutResponse, Request, Response};
use mettle_checker::service::ServiceFinding;
use mettle_checker::{Check, Doubt, Figures, Violation as Broken};
use mettle_scenarios::parse;

use super::*;
use crate::member::Member;
use crate::outcome::{Panic, Violation};
use crate::planner;
use mettle_reports::timeline::{Stop, Timeline};
use mettle_reports::verdict::Operations;

fn plan() -> Plan {
    let text = "title = 't'\nwhy = 'w'\n[cluster]\n[[fault]]\nkind = 'kill'\n";
    planner::plan(&parse("x", "test/x", text, &[]).unwrap(), 7, &["R2".parse().unwrap()])
}

fn good() -> (Outcome, Report) {
    let fault = FaultCount { name: "kill".to_owned(), armed: 1, fired: 1, effect: 1, skipped: 0 };
    let outcome = Outcome {
        convergence: Convergence::Converged { after_ns: 1, revision: 2 },
        operations: Operations { ok: 300, fail: 1, unknown: 2 },
        faults: vec![fault],
        timeline: Timeline { end_ns: 1_500_000_000, ..Timeline::default() },
        ..Outcome::default()
    };
    let figures = Figures { events: 10, ..Figures::default() };
    (outcome, Report { verdict: Ruling::Legal, checks: Vec::new(), figures, placed: Vec::new() })
}

fn check(verdict: Ruling) -> Check {
    Check { name: "kv", verdict, examined: 1 }
}

/// The verdict on a run without records, whose service is what it has to be.
fn judged(outcome: &Outcome, judgement: &Report) -> Result<Verdict, HarnessError> {
    verdict(&plan(), outcome, &Judged { judgement, service: &[], records: &[] })
}

fn word(outcome: &Outcome, report: &Report) -> (Status, String) {
    let verdict = judged(outcome, report).unwrap();
    (verdict.verdict, verdict.checker.unwrap_or_default())
}

#[test]
fn a_good_run_passes_and_says_so_in_full() {
    let (outcome, report) = good();
    let verdict = judged(&outcome, &report).unwrap();
    assert_eq!((verdict.verdict, &verdict.checker, &verdict.reason), (Status::Pass, &None, &None));
    assert_eq!((verdict.sim_seconds, verdict.plants.as_slice()), (1.5, &["R2".to_owned()][..]));
    assert_eq!((verdict.trace_hash.len(), verdict.plan_hash.len()), (32, 32));
    assert_eq!(serde_json::from_str::<Verdict>(&verdict.print()).unwrap(), verdict);
}

#[test]
fn what_is_broken_comes_first_and_too_little_last() {
    let (mut outcome, mut report) = good();
    outcome.operations.ok = 3;
    assert_eq!(word(&outcome, &report), (Status::Unknown, "floor".to_owned()));
    report.checks.push(check(Ruling::Unknown(Doubt {
        checker: "kv.search",
        reason: "budget".to_owned(),
        evidence: vec![4],
    })));
    assert_eq!(word(&outcome, &report), (Status::Unknown, "kv.search".to_owned()));
    outcome.convergence = Convergence::Missed { reason: "no leader".to_owned() };
    assert_eq!(word(&outcome, &report), (Status::NoConvergence, "converge".to_owned()));
    let reason = "two leaders".to_owned();
    outcome.violations.push(Violation { rule: "one leader per term", reason, at_ns: 9 });
    assert_eq!(word(&outcome, &report).1, "observe.one_leader_per_term");
    report.checks.push(check(Ruling::Broken(Broken {
        checker: "kv.stale_read",
        reason: "old".to_owned(),
        evidence: vec![1, 2],
        revision: None,
    })));
    let all = judged(&outcome, &report).unwrap().findings;
    assert_eq!(all.len(), 5);
    assert_eq!(all[1].records, [1, 2]);
}

/// A contradiction came with the last answer that makes it.
#[test]
fn the_cause_comes_before_what_came_of_it_and_the_service_last() {
    let (mut outcome, mut report) = good();
    let put = || Request::Put(PutRequest::default());
    let answer = || Response::Put(PutResponse::default());
    let records: Vec<Record> = (0..3)
        .map(|id| Record::called(id, id, 1, 10 * id, put()).ok(10 * id + 5, answer()))
        .collect();
    let (checker, reason) = ("kv.stale_read", "old".to_owned());
    let evidence = vec![0, 1];
    report.checks.push(check(Ruling::Broken(Broken { checker, reason, evidence, revision: None })));
    let finding = ServiceFinding { reason: "late".to_owned(), evidence: vec![0], at_ns: 1 };
    let service = [ServiceCheck { name: "service.latency", examined: 1, finding: Some(finding) }];
    let mut names = |at_ns: u64| {
        let reason = "two leaders".to_owned();
        outcome.violations = vec![Violation { rule: "one leader per term", reason, at_ns }];
        let judged = Judged { judgement: &report, service: &service, records: &records };
        let findings = verdict(&plan(), &outcome, &judged).unwrap().findings;
        findings.into_iter().map(|finding| finding.checker).collect::<Vec<_>>()
    };
    let leaders = "observe.one_leader_per_term";
    assert_eq!(names(15), [leaders, "kv.stale_read", "service.latency"]);
    assert_eq!(names(16), ["kv.stale_read", leaders, "service.latency"]);
}

#[test]
fn a_panic_in_a_member_is_broken_and_one_outside_is_an_error_of_the_harness() {
    let (mut outcome, report) = good();
    let (message, location) = ("index".to_owned(), "wal.rs:1".to_owned());
    outcome.panic = Some(Panic { at_ns: 5, member: Some(Member::new(2)), message, location });
    outcome.convergence = Convergence::NotReached;
    assert_eq!(word(&outcome, &report), (Status::Broken, "no_panic".to_owned()));
    outcome.panic.as_mut().unwrap().member = None;
    assert!(judged(&outcome, &report).is_err());
    outcome.panic = None;
    assert!(judged(&outcome, &report).is_err());
}

#[test]
fn hashes_that_differ_are_a_broken_guarantee() {
    let (mut outcome, report) = good();
    outcome.convergence = Convergence::HashesDiffer { reason: "m1 1, m2 2".to_owned() };
    assert_eq!(word(&outcome, &report), (Status::Broken, "hashes_agree".to_owned()));
}

#[test]
fn a_fault_that_did_not_fire_leaves_the_verdict_open() {
    let (mut outcome, report) = good();
    outcome.faults[0].fired = 0;
    assert_eq!(word(&outcome, &report), (Status::Unknown, "floor".to_owned()));
}

#[test]
fn a_member_may_end_by_itself_only_when_a_fault_explains_it() {
    let (mut outcome, report) = good();
    let reason = "log: corrupt".to_owned();
    outcome.timeline.stops.push(Stop { member: 1, at_ns: 3, reason, last: true, explained: true });
    assert_eq!(word(&outcome, &report).0, Status::Pass);
    outcome.timeline.stops[0].explained = false;
    assert_eq!(word(&outcome, &report), (Status::Broken, "members_stay_up".to_owned()));
}

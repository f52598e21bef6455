//! The worst end of a sweep decides; a failure is told once, with the command that repeats it.

use mettle_reports::verdict::Operations;
use mettle_scenarios::parse;

use super::*;
use crate::parent::Cost;
use crate::planner;

fn plan() -> Plan {
    planner::plan(&parse("x", "test/x", "title='t'\nwhy='w'\n[cluster]\n", &[]).unwrap(), 7, &[])
}

fn verdict(word: Status, effect: u64) -> Verdict {
    let failed = word != Status::Pass;
    Verdict {
        version: 1,
        scenario: "test/x".to_owned(),
        seed: 7,
        plants: Vec::new(),
        verdict: word,
        checker: failed.then(|| "kv".to_owned()),
        reason: failed.then(|| "why\nmore".to_owned()),
        findings: Vec::new(),
        sim_seconds: 10.0,
        operations: Operations { ok: 100, fail: 0, unknown: 0 },
        faults: vec![FaultCount { name: "kill".to_owned(), armed: 5, fired: 5, effect }],
        probes: BTreeMap::from([("a".to_owned(), 2)]),
        leaders: 1,
        trace_hash: "0".repeat(32),
        plan_hash: "0".repeat(32),
    }
}

fn end(verdict: Result<Verdict, HarnessError>) -> RunEnd {
    RunEnd { verdict, cost: Cost { wall_seconds: 1.0, cpu_seconds: 0.5, peak_mb: 20.0 } }
}

fn failed(reason: &str) -> RunEnd {
    end(Err(HarnessError::InChild { reason: reason.to_owned(), trace: Vec::new() }))
}

#[test]
fn the_worst_end_decides() {
    let mut tally = Tally::default();
    let mut add = |word| {
        let ends = vec![end(Ok(verdict(word, 1))), end(Ok(verdict(word, 1)))];
        drop(tally.add(&plan(), "repro", ends));
        tally.exit_code()
    };
    assert_eq!([Status::Pass, Status::Unknown, Status::NoConvergence].map(&mut add), [0, 3, 2]);
    drop(tally.add(&plan(), "repro", vec![failed("stuck")]));
    assert_eq!(tally.exit_code(), EXIT_HARNESS);
    drop(tally.add(&plan(), "repro", vec![end(Ok(verdict(Status::Broken, 1)))]));
    assert_eq!(tally.exit_code(), 1);
}

#[test]
fn figures_count_every_process_and_failures_carry_their_command() {
    let mut tally = Tally::default();
    assert_eq!(tally.add(&plan(), "repro", vec![end(Ok(verdict(Status::Pass, 1)))]), None);
    let twice = || vec![end(Ok(verdict(Status::Broken, 0))), end(Ok(verdict(Status::Broken, 0)))];
    let line = tally.add(&plan(), "cargo sim run x --seed 7", twice()).unwrap();
    assert_eq!(
        line,
        "broken: test/x seed 7: kv: why; report target/reports/test-x-7/index.html; \
         cargo sim run x --seed 7"
    );
    let summary = tally.summary();
    assert_eq!((summary.runs, summary.pass, summary.broken, summary.ok_operations), (2, 1, 1, 200));
    assert!((summary.runs_per_core_hour - 4800.0).abs() < 1e-6);
    assert!((summary.sim_seconds_per_cpu_second - 20.0 / 1.5).abs() < 1e-9);
    let object = serde_json::to_value(&summary).unwrap();
    assert_eq!(object["failures"][0]["repro"], "cargo sim run x --seed 7");
    assert_eq!(object["failures"][0]["report"], "target/reports/test-x-7");
    assert_eq!(object["faults"][0]["effect"], 1);
}

#[test]
fn a_report_that_was_not_written_is_not_named() {
    let mut tally = Tally::default();
    let ends = vec![end(Ok(verdict(Status::Broken, 1))), failed("killed")];
    let line = tally.add(&plan(), "r", ends).unwrap();
    assert!(!line.contains("report target"), "{line}");
    assert!(tally.summary().page().starts_with("1 run: 0 pass"));
}

#[test]
fn a_run_that_is_not_the_same_twice_is_an_error() {
    let mut tally = Tally::default();
    let mut other = verdict(Status::Broken, 0);
    other.trace_hash = "1".repeat(32);
    let line = tally.add(&plan(), "r", vec![end(Ok(verdict(Status::Broken, 0))), end(Ok(other))]);
    assert!(line.unwrap().contains("not the same run twice"));
    assert_eq!(tally.exit_code(), EXIT_HARNESS);
}

#[test]
fn a_fault_without_effect_in_a_whole_sweep_is_an_error() {
    let mut tally = Tally::default();
    for _ in 0..6 {
        drop(tally.add(&plan(), "r", vec![end(Ok(verdict(Status::Pass, 0)))]));
    }
    assert_eq!(tally.summary().faults_without_effect, ["kill"]);
    assert_eq!(tally.exit_code(), EXIT_HARNESS);
}

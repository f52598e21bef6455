//! The worst end of a sweep decides; a failure is told once, with the command that repeats it.

use std::path::Path;

use mettle_reports::verdict::Operations;
use mettle_scenarios::parse;

use super::*;
use crate::error::HarnessError;
use crate::parent::{Cost, RunEnd};
use crate::planner;

/// A run of `test/x` with seed 7 that ended so.
fn ended(ends: Vec<RunEnd>) -> Ended {
    let text = "title='t'\nwhy='w'\n[cluster]\n";
    let plan = planner::plan(&parse("x", "test/x", text, &[]).unwrap(), 7, &[]);
    Ended::of(Path::new("x.toml"), &plan, ends)
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
        traffic: BTreeMap::new(),
        faults: vec![FaultCount {
            name: "kill".to_owned(),
            armed: 5,
            fired: 5,
            effect,
            skipped: 0,
        }],
        probes: BTreeMap::from([("wal synced".to_owned(), 2)]),
        examined: BTreeMap::from([("lease".to_owned(), 0), ("header".to_owned(), 9)]),
        seen: BTreeMap::from([("op put".to_owned(), 9)]),
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

/// A run that was made once, or twice if it failed.
fn judged(word: Status, effect: u64) -> Ended {
    let times = if word == Status::Pass { 1 } else { 2 };
    ended((0..times).map(|_| end(Ok(verdict(word, effect)))).collect())
}

#[test]
fn the_worst_end_decides() {
    let mut tally = Tally::default();
    let mut add = |ended: Ended| {
        tally.add(&ended);
        tally.exit_code()
    };
    for (word, code) in [(Status::Pass, 0), (Status::Unknown, 3), (Status::NoConvergence, 2)] {
        assert_eq!(add(judged(word, 1)), code, "{word:?}");
    }
    assert_eq!(add(ended(vec![failed("stuck")])), EXIT_HARNESS);
    assert_eq!(add(judged(Status::Broken, 1)), 1);
}

#[test]
fn a_sweep_that_was_stopped_is_unknown() {
    let mut tally = Tally::new(2);
    tally.add(&judged(Status::Pass, 1));
    assert_eq!((tally.left(), tally.exit_code()), (1, 3));
    assert!(tally.summary().page().contains("not made: 1 run"));
    tally.add(&judged(Status::Pass, 1));
    assert_eq!((tally.left(), tally.exit_code()), (0, 0));
}

#[test]
fn figures_count_every_process_and_failures_carry_their_command() {
    let mut tally = Tally::default();
    tally.add(&judged(Status::Pass, 1));
    let broken = judged(Status::Broken, 0);
    assert_eq!(
        broken.failure_line().unwrap(),
        "broken: test/x seed 7: kv: why; report target/reports/test-x-7/index.html; \
         cargo sim run x.toml --seed 7"
    );
    tally.add(&broken);
    let summary = tally.summary();
    assert_eq!((summary.runs, summary.pass, summary.broken, summary.ok_operations), (2, 1, 1, 200));
    assert!((summary.runs_per_core_hour - 4800.0).abs() < 1e-6);
    assert!((summary.sim_seconds_per_cpu_second - 20.0 / 1.5).abs() < 1e-9);
    let object = serde_json::to_value(&summary).unwrap();
    assert_eq!(object["failures"][0]["repro"], "cargo sim run x.toml --seed 7");
    assert_eq!(object["failures"][0]["report"], "target/reports/test-x-7");
    assert_eq!(object["faults"][0]["effect"], 1);
}

#[test]
fn a_report_that_was_not_written_is_not_named() {
    let ended = ended(vec![end(Ok(verdict(Status::Broken, 1))), failed("killed")]);
    let line = ended.failure_line().unwrap();
    assert!(!line.contains("report target"), "{line}");
    let mut tally = Tally::default();
    tally.add(&ended);
    assert!(tally.summary().page().starts_with("1 run: 0 pass"));
}

#[test]
fn a_run_that_is_not_the_same_twice_is_an_error() {
    for word in [Status::Broken, Status::Pass] {
        let mut other = verdict(word, 0);
        other.trace_hash = "1".repeat(32);
        let ended = ended(vec![end(Ok(verdict(word, 0))), end(Ok(other))]);
        assert!(ended.failure_line().unwrap().contains("not the same run twice"));
        let mut tally = Tally::default();
        tally.add(&ended);
        assert_eq!(tally.exit_code(), EXIT_HARNESS);
    }
}

#[test]
fn a_pass_that_was_made_twice_is_counted_once() {
    let mut tally = Tally::default();
    let twice = ended(vec![end(Ok(verdict(Status::Pass, 1))), end(Ok(verdict(Status::Pass, 1)))]);
    assert_eq!((twice.repeated, twice.report.as_ref()), (true, None));
    tally.add(&twice);
    let summary = tally.summary();
    assert_eq!((summary.runs, summary.pass, summary.repeated), (1, 1, 1));
}

#[test]
fn a_kept_end_is_read_as_it_was() {
    for ended in [judged(Status::Broken, 1), ended(vec![failed("stuck")])] {
        let line = serde_json::to_string(&ended).unwrap();
        assert_eq!(serde_json::from_str::<Ended>(&line).unwrap(), ended);
    }
}

#[test]
fn a_fault_without_effect_in_a_whole_sweep_is_an_error() {
    let mut tally = Tally::default();
    for _ in 0..6 {
        tally.add(&judged(Status::Pass, 0));
    }
    assert_eq!(tally.summary().faults_without_effect, ["kill"]);
    assert_eq!(tally.exit_code(), EXIT_HARNESS);
}

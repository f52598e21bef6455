//! Counts the ends of a sweep: verdicts, effects of faults, time used, and what failed.

use std::collections::BTreeMap;

use mettle_reports::verdict::{FaultCount, Status, Verdict};
use serde::Serialize;

use super::ended::{Ended, Judged};
use super::unreached::Unreached;
use crate::error::EXIT_HARNESS;

/// A kind of fault that fired so often in a sweep and never had an effect is a defect of ours.
const FIRED_ENOUGH: u64 = 30;

/// What a sweep has come to so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    words: BTreeMap<Status, u64>,
    errors: u64,
    runs: u64,
    wanted: u64,
    repeated: u64,
    ok_operations: u64,
    sim_seconds: f64,
    cpu_seconds: f64,
    peak_mb: f64,
    faults: BTreeMap<String, FaultCount>,
    probes: BTreeMap<String, u64>,
    examined: BTreeMap<String, u64>,
    seen: BTreeMap<String, u64>,
    failures: Vec<Failure>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    runs: u64,
    /// Runs that were asked for and not made.
    left: u64,
    /// Runs that were made twice and came to the same.
    repeated: u64,
    pass: u64,
    broken: u64,
    no_convergence: u64,
    unknown: u64,
    error: u64,
    runs_per_core_hour: f64,
    sim_seconds_per_cpu_second: f64,
    ok_operations: u64,
    failures: Vec<Failure>,
    peak_mb: f64,
    faults: Vec<FaultCount>,
    faults_without_effect: Vec<String>,
    probes: BTreeMap<String, u64>,
    /// What the sweep did not reach.
    unreached: Unreached,
}

#[derive(Clone, Debug, Serialize)]
struct Failure {
    scenario: String,
    seed: u64,
    verdict: &'static str,
    checker: Option<String>,
    reason: String,
    /// The folder of the second run's report.
    report: Option<String>,
    repro: String,
}

impl Tally {
    /// Of a sweep of so many runs.
    pub(super) fn new(wanted: u64) -> Tally {
        Tally { wanted, ..Tally::default() }
    }

    /// Runs that were asked for and not made so far.
    pub(super) fn left(&self) -> u64 {
        self.wanted.saturating_sub(self.runs)
    }

    /// Counts one run.
    pub(super) fn add(&mut self, ended: &Ended) {
        self.runs += 1;
        self.repeated += u64::from(ended.repeated);
        self.cpu_seconds += ended.cpu_seconds;
        self.peak_mb = self.peak_mb.max(ended.peak_mb);
        let (verdict, checker, reason) = match &ended.judged {
            Judged::Verdict(verdict) => {
                self.count(verdict);
                if verdict.verdict == Status::Pass {
                    return;
                }
                let reason = verdict.reason.clone().unwrap_or_default();
                (verdict.verdict.name(), verdict.checker.clone(), reason)
            }
            Judged::Error(error) => {
                self.errors += 1;
                ("error", Some("harness".to_owned()), error.clone())
            }
        };
        self.failures.push(Failure {
            scenario: ended.scenario.clone(),
            seed: ended.seed,
            verdict,
            checker,
            reason,
            report: ended.report.clone(),
            repro: ended.repro.clone(),
        });
    }

    fn count(&mut self, verdict: &Verdict) {
        *self.words.entry(verdict.verdict).or_default() += 1;
        self.ok_operations += verdict.operations.ok;
        self.sim_seconds += verdict.sim_seconds;
        for fault in &verdict.faults {
            let FaultCount { name, armed, fired, effect, skipped } = fault;
            let sum = self.faults.entry(name.clone()).or_insert_with(|| FaultCount {
                name: name.clone(),
                armed: 0,
                fired: 0,
                effect: 0,
                skipped: 0,
            });
            sum.armed += armed;
            sum.fired += fired;
            sum.effect += effect;
            sum.skipped += skipped;
        }
        add(&mut self.probes, &verdict.probes);
        add(&mut self.examined, &verdict.examined);
        add(&mut self.seen, &verdict.seen);
    }

    fn word(&self, word: Status) -> u64 {
        self.words.get(&word).copied().unwrap_or(0)
    }

    /// For the progress bar.
    pub(super) fn brief(&self) -> String {
        format!("pass {}, other {}", self.word(Status::Pass), self.failures.len())
    }

    fn without_effect(&self) -> Vec<String> {
        self.faults
            .values()
            .filter(|fault| fault.fired >= FIRED_ENOUGH && fault.effect == 0)
            .map(|fault| fault.name.clone())
            .collect()
    }

    /// The worst that happened: 1 > 4 > 2 > 3 > 0. A sweep that was stopped is unknown.
    pub(super) fn exit_code(&self) -> u8 {
        if self.word(Status::Broken) > 0 {
            Status::Broken.exit_code()
        } else if self.errors > 0 || !self.without_effect().is_empty() {
            EXIT_HARNESS
        } else if self.word(Status::NoConvergence) > 0 {
            Status::NoConvergence.exit_code()
        } else if self.word(Status::Unknown) > 0 || self.left() > 0 {
            Status::Unknown.exit_code()
        } else {
            0
        }
    }

    /// The object of the sweep.
    pub(super) fn summary(&self) -> Summary {
        let per_cpu =
            |amount: f64| if self.cpu_seconds > 0.0 { amount / self.cpu_seconds } else { 0.0 };
        Summary {
            runs: self.runs,
            left: self.left(),
            repeated: self.repeated,
            pass: self.word(Status::Pass),
            broken: self.word(Status::Broken),
            no_convergence: self.word(Status::NoConvergence),
            unknown: self.word(Status::Unknown),
            error: self.errors,
            runs_per_core_hour: per_cpu(self.runs as f64) * 3600.0,
            sim_seconds_per_cpu_second: per_cpu(self.sim_seconds),
            ok_operations: self.ok_operations,
            failures: self.failures.clone(),
            peak_mb: self.peak_mb,
            faults: self.faults.values().cloned().collect(),
            faults_without_effect: self.without_effect(),
            probes: self.probes.clone(),
            unreached: Unreached::of(&self.probes, &self.examined, &self.seen),
        }
    }
}

impl Summary {
    /// The page of the sweep.
    pub(super) fn page(&self) -> String {
        let mut lines = vec![format!(
            "{}: {} pass, {} broken, {} no convergence, {} unknown, {} error",
            count(self.runs, "run"),
            self.pass,
            self.broken,
            self.no_convergence,
            self.unknown,
            self.error,
        )];
        if self.left > 0 {
            lines.push(format!("  not made: {}", count(self.left, "run")));
        }
        if self.repeated > 0 {
            lines.push(format!("  made twice, with the same end: {}", count(self.repeated, "run")));
        }
        for fault in &self.faults {
            let FaultCount { name, armed, fired, effect, skipped } = fault;
            let skipped = match skipped {
                0 => String::new(),
                count => format!(", skipped {count}"),
            };
            lines.push(format!("  {name}: armed {armed}, fired {fired}, effect {effect}{skipped}"));
        }
        if !self.faults_without_effect.is_empty() {
            let names = self.faults_without_effect.join(", ");
            lines.push(format!("harness error: no effect in the whole sweep: {names}"));
        }
        lines.extend(self.unreached.lines());
        lines.push(format!(
            "{} operations ok; {:.0} runs a core-hour, {:.1} simulated seconds a CPU-second, peak {:.0} MB",
            self.ok_operations,
            self.runs_per_core_hour,
            self.sim_seconds_per_cpu_second,
            self.peak_mb,
        ));
        lines.join("\n")
    }
}

/// Adds counts to counts.
fn add(sums: &mut BTreeMap<String, u64>, counts: &BTreeMap<String, u64>) {
    for (name, count) in counts {
        *sums.entry(name.clone()).or_default() += count;
    }
}

/// So many of them.
pub(in crate::command) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests;

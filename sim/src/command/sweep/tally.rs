//! Counts the ends of a sweep: verdicts, effects of faults, time used, and what failed.

use std::collections::BTreeMap;

use mettle_reports::verdict::{FaultCount, Status, Verdict};
use mettle_scenarios::Plan;
use serde::Serialize;

use super::super::report_folder::report_folder;
use crate::error::{EXIT_HARNESS, HarnessError};
use crate::parent::RunEnd;

/// A kind of fault that fired so often in a sweep and never had an effect is a defect of ours.
const FIRED_ENOUGH: u64 = 30;

/// What a sweep has come to so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    words: BTreeMap<Status, u64>,
    errors: u64,
    runs: u64,
    ok_operations: u64,
    sim_seconds: f64,
    cpu_seconds: f64,
    peak_mb: f64,
    faults: BTreeMap<String, FaultCount>,
    probes: BTreeMap<String, u64>,
    failures: Vec<Failure>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    runs: u64,
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
    /// Counts one run: its end, and for a failure the end of the second run with a report. Returns
    /// the line that tells of a failure.
    pub(super) fn add(&mut self, plan: &Plan, repro: &str, ends: Vec<RunEnd>) -> Option<String> {
        self.runs += 1;
        for end in &ends {
            self.cpu_seconds += end.cost.cpu_seconds;
            self.peak_mb = self.peak_mb.max(end.cost.peak_mb);
        }
        let reported = ends.get(1).is_some_and(|end| end.verdict.is_ok());
        let report = reported.then(|| report_folder(plan).display().to_string());
        let judged = agreed(ends);
        if let Ok(verdict) = &judged {
            self.count(verdict);
            if verdict.verdict == Status::Pass {
                return None;
            }
        } else {
            self.errors += 1;
        }
        let (word, checker, reason) = match judged {
            Ok(verdict) => {
                let reason = verdict.reason.unwrap_or_default();
                (verdict.verdict.name(), verdict.checker, reason)
            }
            Err(error) => ("error", Some("harness".to_owned()), error.to_string()),
        };
        let found = checker.clone().unwrap_or_default();
        let brief = reason.lines().next().unwrap_or_default();
        let shown = report
            .as_ref()
            .map_or_else(String::new, |folder| format!("; report {folder}/index.html"));
        let (scenario, seed, repro) = (plan.scenario.clone(), plan.seed, repro.to_owned());
        let line = format!("{word}: {scenario} seed {seed}: {found}: {brief}{shown}; {repro}");
        self.failures.push(Failure {
            scenario,
            seed,
            verdict: word,
            checker,
            reason,
            report,
            repro,
        });
        Some(line)
    }

    fn count(&mut self, verdict: &Verdict) {
        *self.words.entry(verdict.verdict).or_default() += 1;
        self.ok_operations += verdict.operations.ok;
        self.sim_seconds += verdict.sim_seconds;
        for fault in &verdict.faults {
            let FaultCount { name, armed, fired, effect } = fault;
            let sum = self.faults.entry(name.clone()).or_insert_with(|| FaultCount {
                name: name.clone(),
                armed: 0,
                fired: 0,
                effect: 0,
            });
            sum.armed += armed;
            sum.fired += fired;
            sum.effect += effect;
        }
        for (probe, count) in &verdict.probes {
            *self.probes.entry(probe.clone()).or_default() += count;
        }
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

    /// The worst that happened: 1 > 4 > 2 > 3 > 0.
    pub(super) fn exit_code(&self) -> u8 {
        if self.word(Status::Broken) > 0 {
            Status::Broken.exit_code()
        } else if self.errors > 0 || !self.without_effect().is_empty() {
            EXIT_HARNESS
        } else if self.word(Status::NoConvergence) > 0 {
            Status::NoConvergence.exit_code()
        } else if self.word(Status::Unknown) > 0 {
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
        for fault in &self.faults {
            let FaultCount { name, armed, fired, effect } = fault;
            lines.push(format!("  {name}: armed {armed}, fired {fired}, effect {effect}"));
        }
        if !self.faults_without_effect.is_empty() {
            let names = self.faults_without_effect.join(", ");
            lines.push(format!("harness error: no effect in the whole sweep: {names}"));
        }
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

/// So many of them.
pub(super) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// What the ends of one run say together: a second run that says another thing is an error.
fn agreed(ends: Vec<RunEnd>) -> Result<Verdict, HarnessError> {
    let mut verdicts = ends.into_iter().map(|end| end.verdict);
    let first = verdicts.next().expect("a run has at least one end")?;
    match verdicts.next() {
        None => Ok(first),
        Some(Ok(second)) if second == first => Ok(first),
        Some(Ok(second)) => {
            Err(HarnessError::NotRepeated { first: first.trace_hash, second: second.trace_hash })
        }
        Some(Err(cause)) => Err(HarnessError::NotRunAgain { cause: Box::new(cause) }),
    }
}

#[cfg(test)]
mod tests;

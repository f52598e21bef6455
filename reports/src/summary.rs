//! A run as a command sums it up: the verdict, and what differs from one machine to the next.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::verdict::{FaultCount, Operations, Status, Verdict};

/// A judged run, its cost, and where its report lies.
#[derive(Clone, Debug, PartialEq)]
pub struct RunSummary {
    /// What the run came to.
    pub verdict: Verdict,
    /// How long it took, judging and report included (s).
    pub wall_seconds: f64,
    /// User and system time it took (s).
    pub cpu_seconds: f64,
    /// Most memory it held at once (MB).
    pub peak_mb: f64,
    /// The report folder, when one was written.
    pub report: Option<String>,
    /// The command that shows the same again; [`Verdict::repro`] for shipped scenarios.
    pub repro: String,
}

/// The object of `run --json`: names and order are promised to other programs.
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a> {
    sim: &'static str,
    scenario: &'a str,
    seed: u64,
    verdict: Status,
    checker: Option<&'a str>,
    reason: Option<&'a str>,
    sim_seconds: f64,
    wall_seconds: f64,
    cpu_seconds: f64,
    operations: Operations,
    faults: &'a [FaultCount],
    probes: &'a BTreeMap<String, u64>,
    leaders: u64,
    trace_hash: &'a str,
    plan_hash: &'a str,
    report: Option<&'a str>,
}

impl RunSummary {
    /// The object that other programs read.
    pub fn line(&self) -> Line<'_> {
        let verdict = &self.verdict;
        Line {
            sim: "on",
            scenario: &verdict.scenario,
            seed: verdict.seed,
            verdict: verdict.verdict,
            checker: verdict.checker.as_deref(),
            reason: verdict.reason.as_deref(),
            sim_seconds: verdict.sim_seconds,
            wall_seconds: self.wall_seconds,
            cpu_seconds: self.cpu_seconds,
            operations: verdict.operations,
            faults: &verdict.faults,
            probes: &verdict.probes,
            leaders: verdict.leaders,
            trace_hash: &verdict.trace_hash,
            plan_hash: &verdict.plan_hash,
            report: self.report.as_deref(),
        }
    }
}

impl Verdict {
    /// The command that shows the same run again, for a shipped scenario.
    pub fn repro(&self) -> String {
        let mut command =
            format!("cargo sim run scenarios/{}.toml --seed {}", self.scenario, self.seed);
        for plant in &self.plants {
            command.push_str(" --plant ");
            command.push_str(plant);
        }
        command
    }
}

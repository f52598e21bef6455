//! How one run of a sweep ended, as a line that can be kept.

use std::path::Path;

use mettle_reports::verdict::{Status, Verdict};
use mettle_scenarios::Plan;
use serde::{Deserialize, Serialize};

use super::super::report_folder::report_folder;
use super::super::repro;
use crate::error::HarnessError;
use crate::parent::RunEnd;

/// The end of one run: a verdict, or the error of the harness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    /// The name of the scenario.
    pub(super) scenario: String,
    /// The seed.
    pub(super) seed: u64,
    /// What the run came to.
    pub(super) judged: Judged,
    /// User and system time of all processes that the run took, in seconds.
    pub(super) cpu_seconds: f64,
    /// The most memory that one of these processes held, in MB.
    pub(super) peak_mb: f64,
    /// Whether the run was made twice and came to the same both times.
    pub(super) repeated: bool,
    /// The folder of the report, if one was written.
    pub(super) report: Option<String>,
    /// The command that makes the run again.
    pub(super) repro: String,
}

/// A verdict, or the error of the harness in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Judged {
    /// The verdict.
    Verdict(Box<Verdict>),
    /// The error.
    Error(String),
}

impl Ended {
    /// From the ends of the processes that made the run: one, or two when a failure was run again
    /// for its report or a pass was run again for comparison.
    pub(super) fn of(path: &Path, plan: &Plan, ends: Vec<RunEnd>) -> Ended {
        let cpu_seconds = ends.iter().map(|end| end.cost.cpu_seconds).sum();
        let peak_mb = ends.iter().map(|end| end.cost.peak_mb).fold(0.0, f64::max);
        let passed = |end: &RunEnd| {
            end.verdict.as_ref().is_ok_and(|verdict| verdict.verdict == Status::Pass)
        };
        let first_passed = ends.first().is_some_and(passed);
        let reported = !first_passed && ends.get(1).is_some_and(|end| end.verdict.is_ok());
        let twice = ends.len() > 1;
        let judged = match agreed(ends) {
            Ok(verdict) => Judged::Verdict(Box::new(verdict)),
            Err(error) => Judged::Error(error.to_string()),
        };
        Ended {
            scenario: plan.scenario.clone(),
            seed: plan.seed,
            repeated: twice && first_passed && matches!(judged, Judged::Verdict(_)),
            judged,
            cpu_seconds,
            peak_mb,
            report: reported.then(|| report_folder(plan).display().to_string()),
            repro: repro::scenario(path, plan),
        }
    }

    /// The line that tells of a failure; nothing for a pass.
    pub(super) fn failure_line(&self) -> Option<String> {
        let Ended { scenario, seed, repro, .. } = self;
        let (word, checker, reason) = match &self.judged {
            Judged::Verdict(verdict) if verdict.verdict == Status::Pass => return None,
            Judged::Verdict(verdict) => (
                verdict.verdict.name(),
                verdict.checker.as_deref().unwrap_or_default(),
                verdict.reason.as_deref().unwrap_or_default(),
            ),
            Judged::Error(error) => ("error", "harness", error.as_str()),
        };
        let brief = reason.lines().next().unwrap_or_default();
        let report = self.report.as_ref();
        let shown =
            report.map_or_else(String::new, |folder| format!("; report {folder}/index.html"));
        Some(format!("{word}: {scenario} seed {seed}: {checker}: {brief}{shown}; {repro}"))
    }
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

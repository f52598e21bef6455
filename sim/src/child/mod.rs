//! The child's side of a run: one plan in, one simulation, one judgement, one answer out.
//!
//! The plan comes on standard input; the [`Answer`] goes to standard output as one line. The
//! runtime ends before the judgement begins and before any file is written. A watchdog on a real
//! thread ends the process when the run has used up its CPU time.

mod folder;
mod judge;
mod served;
mod watchdog;

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use mettle_checker::ClusterSettings;
use mettle_checker::history::{History, Origin};
use mettle_scenarios::Plan;
use mettle_server::probe::NAMES;

use crate::error::HarnessError;
use crate::outcome::Outcome;
use crate::parent::Answer;
use crate::trace::{Keep, Trace};

/// `child`
#[derive(Args, Debug)]
pub(crate) struct ChildArgs {
    /// Write the report into this folder
    #[arg(long)]
    report: Option<PathBuf>,
    /// Show the servers' log
    #[arg(long)]
    verbose: bool,
}

/// Runs the plan on standard input.
pub(crate) fn child(args: &ChildArgs) -> Result<u8, HarnessError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|cause| HarnessError::NoPlan { cause })?;
    let plan = Plan::parse("standard input", &text, NAMES)?;
    // Lines cost time and memory, and only a report shows them.
    let keep = if args.report.is_some() { Keep::Everything } else { Keep::Nothing };
    let trace = Trace::new(keep);
    watchdog::start(trace.clone());
    let answer = match live(&plan, args, trace) {
        Ok(answer) => answer,
        Err(error) => Answer::Harness { reason: error.to_string(), trace: Vec::new() },
    };
    say(&answer).map_err(|cause| HarnessError::AnswerUnwritten { cause })?;
    Ok(0)
}

fn live(plan: &Plan, args: &ChildArgs, trace: Trace) -> Result<Answer, HarnessError> {
    let mut outcome = simulate(plan, args.verbose, trace)?;
    if let Some(error) = outcome.harness.take() {
        return Err(error);
    }
    let origin = Origin {
        seed: Some(plan.seed),
        scenario: Some(plan.scenario.clone()),
        start_revision: Some(1),
        ..Origin::default()
    };
    let history = History { origin, records: std::mem::take(&mut outcome.records) };
    let judgement = mettle_checker::check(&history, &options());
    let service = served::service_of(plan, &outcome, &history);
    let judged =
        judge::Judged { judgement: &judgement, service: &service, records: &history.records };
    let verdict = judge::verdict(plan, &outcome, &judged)?;
    if let Some(report) = &args.report {
        folder::write(report, plan, &history, &outcome, &verdict, &judgement.placed)?;
    }
    Ok(Answer::Judged(Box::new(verdict)))
}

/// A history of ours is whole: nobody but its clients asks anything of the cluster.
fn options() -> mettle_checker::Options {
    let cluster = ClusterSettings { every_grant: true, ..ClusterSettings::default() };
    mettle_checker::Options { cluster, ..mettle_checker::Options::default() }
}

#[cfg(madsim)]
#[allow(clippy::unnecessary_wraps, reason = "the other build's answer is always an error")]
fn simulate(plan: &Plan, verbose: bool, trace: Trace) -> Result<Outcome, HarnessError> {
    Ok(crate::run::run(plan, crate::run::RunOptions { verbose, trace }))
}

#[cfg(not(madsim))]
fn simulate(_plan: &Plan, _verbose: bool, _trace: Trace) -> Result<Outcome, HarnessError> {
    Err(HarnessError::NoRuntime)
}

/// Gives the parent its line.
fn say(answer: &Answer) -> std::io::Result<()> {
    let line = serde_json::to_string(answer)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

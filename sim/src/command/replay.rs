//! `replay`: the plan of a report folder again; the same hash and the same verdict, or an error.

use mettle_reports::verdict::Verdict;
use mettle_scenarios::Plan;
use mettle_server::probe::NAMES;
use std::path::Path;

use super::repro;
use super::shown::show;
use crate::args::ReplayArgs;
use crate::console::Console;
use crate::error::HarnessError;
use crate::parent::{self, RunEnd, RunJob};

/// Runs a recorded plan.
pub(crate) fn replay(args: &ReplayArgs) -> Result<u8, HarnessError> {
    let console = Console::new(args.json);
    let folder = &args.report_dir;
    let plan_file = folder.join("plan.json");
    let text = read(&plan_file)?;
    let plan = Plan::parse(&plan_file.display().to_string(), &text, NAMES)?;
    let verdict_file = folder.join("verdict.json");
    let recorded: Verdict = serde_json::from_str(&read(&verdict_file)?)
        .map_err(|cause| HarnessError::NoVerdict { path: verdict_file, cause })?;
    console.say(&format!("sim=on {} seed={} (replay)", plan.scenario, plan.seed));
    let mut job = RunJob::new(plan);
    job.verbose = args.verbose;
    job.loud = args.verbose;
    let RunEnd { verdict, cost } = parent::run(&job);
    let repro = repro::replay(folder);
    let verdict = verdict.map_err(|cause| cause.of_run(&repro))?;
    compare(&recorded, &verdict)?;
    show(&verdict, cost, folder, &repro, console)?;
    console.say("same hash and same verdict as recorded");
    Ok(verdict.verdict.exit_code())
}

fn read(file: &Path) -> Result<String, HarnessError> {
    std::fs::read_to_string(file)
        .map_err(|cause| HarnessError::NoReport { path: file.to_owned(), cause })
}

/// Refuses a run that is not the one recorded.
fn compare(recorded: &Verdict, now: &Verdict) -> Result<(), HarnessError> {
    let differs = |what, was: &str, is: &str| {
        Err(HarnessError::OtherRun { what, was: was.to_owned(), is: is.to_owned() })
    };
    if recorded.plan_hash != now.plan_hash {
        let (was, is) = (recorded.plan_hash.clone(), now.plan_hash.clone());
        return Err(HarnessError::OtherPlan { was, is });
    }
    if recorded.trace_hash != now.trace_hash {
        return differs("event hash", &recorded.trace_hash, &now.trace_hash);
    }
    if recorded != now {
        return differs("verdict", &recorded.print(), &now.print());
    }
    Ok(())
}

//! `replay`: the plan of a report folder again; the same hash and the same verdict, or an error.

use mettle_reports::verdict::Verdict;
use mettle_scenarios::Plan;
use mettle_server::probe::NAMES;
use std::path::Path;

use crate::cli::{ReplayArgs, Trouble};
use crate::console::Console;
use crate::parent::{self, Job};
use crate::repro;
use crate::run::show;

/// Runs a recorded plan.
pub(crate) fn replay(args: &ReplayArgs) -> Result<u8, Trouble> {
    let console = Console::new(args.json);
    let folder = &args.report_dir;
    let plan_file = folder.join("plan.json");
    let text = read(&plan_file)?;
    let plan = Plan::parse(&plan_file.display().to_string(), &text, NAMES)
        .map_err(|why| why.to_string())?;
    let verdict_file = folder.join("verdict.json");
    let recorded: Verdict = serde_json::from_str(&read(&verdict_file)?).map_err(|why| {
        format!(
            "{}: {why}\n  remedy: take a report folder as it was written",
            verdict_file.display()
        )
    })?;
    console.say(&format!("sim=on {} seed={} (replay)", plan.scenario, plan.seed));
    let mut job = Job::new(plan);
    job.verbose = args.verbose;
    job.loud = args.verbose;
    let end = parent::run(&job);
    let repro = repro::replay(folder);
    let verdict = end.verdict.as_ref().map_err(|why| format!("{why}\n  repro: {repro}"))?;
    compare(&recorded, verdict)?;
    show(verdict, &end, folder, &repro, console)?;
    console.say("same hash and same verdict as recorded");
    Ok(verdict.verdict.exit_code())
}

fn read(file: &Path) -> Result<String, Trouble> {
    std::fs::read_to_string(file).map_err(|why| {
        format!("{}: {why}\n  remedy: name a folder under target/reports", file.display())
    })
}

/// Refuses a run that is not the one recorded.
fn compare(recorded: &Verdict, now: &Verdict) -> Result<(), Trouble> {
    let differs = |what: &str, was: &str, is: &str| {
        Err(format!(
            "not the same run: {what} was {was}, is {is}\n  reason: another build of simulator or \
             server wrote the report, or a run is not determined by its plan\n  \
             remedy: replay with the build that wrote it; `cargo sim same` tells the second case"
        ))
    };
    if recorded.plan_hash != now.plan_hash {
        return Err(format!(
            "plan.json is not the plan that verdict.json was recorded with: plan hash was {}, is {}\n  \
             reason: the file was edited or copied here, or another build of the simulator wrote it\n  \
             remedy: take a report folder as it was written; to try a change, edit the scenario and \
             `cargo sim run` it",
            recorded.plan_hash, now.plan_hash
        ));
    }
    if recorded.trace_hash != now.trace_hash {
        return differs("event hash", &recorded.trace_hash, &now.trace_hash);
    }
    if recorded != now {
        return differs("verdict", &recorded.print(), &now.print());
    }
    Ok(())
}

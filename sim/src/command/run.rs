//! `run`: one scenario, one seed, one verdict, and the report folder that shows it.

use std::path::Path;

use mettle_scenarios::Plan;
use mettle_scenarios::planted::Plant;
use mettle_server::probe::NAMES;

use super::chosen::one_scenario;
use super::report_folder::{absolute, report_folder};
use super::repro;
use super::shown::show;
use crate::args::RunArgs;
use crate::console::Console;
use crate::error::HarnessError;
use crate::parent::{self, RunEnd, RunJob};
use crate::planner;

/// Runs a scenario once, or the plan that a file of JSON holds.
pub(crate) fn run(args: &RunArgs) -> Result<u8, HarnessError> {
    let console = Console::new(args.json);
    if Path::new(&args.scenario).extension().is_some_and(|ending| ending == "json") {
        return run_plan(args, console);
    }
    let (path, scenario) = one_scenario(&args.scenario)?;
    let seed = match args.seed {
        Some(seed) => seed,
        None => drawn_seed()?,
    };
    console.say(&format!("sim=on {} seed={seed}", scenario.name));
    if let Some(drawn) = planner::drawn(&scenario, seed) {
        console.say(&format!("drawn: {drawn}"));
    }
    let plan = planner::plan(&scenario, seed, &args.plant);
    check_plants(&plan)?;
    let report = args.report_dir.clone().unwrap_or_else(|| report_folder(&plan));
    let repro = repro::scenario(&path, &plan);
    finish(plan, &report, args.verbose, &repro, console)
}

/// Runs a plan that was kept: a regression survives changes of scenario and planner.
fn run_plan(args: &RunArgs, console: Console) -> Result<u8, HarnessError> {
    if args.seed.is_some() || !args.plant.is_empty() {
        return Err(HarnessError::SeedBesidePlan);
    }
    let file = &args.scenario;
    let text = std::fs::read_to_string(file)
        .map_err(|cause| HarnessError::PlanUnreadable { file: file.clone(), cause })?;
    let plan = Plan::parse(file, &text, NAMES)?;
    console.say(&format!("sim=on {} seed={} (plan)", plan.scenario, plan.seed));
    let report = args.report_dir.clone().unwrap_or_else(|| report_folder(&plan));
    finish(plan, &report, args.verbose, &repro::kept(Path::new(file)), console)
}

/// Runs a plan, shows its verdict, and says how the process should exit.
fn finish(
    plan: Plan,
    report: &Path,
    verbose: bool,
    repro: &str,
    console: Console,
) -> Result<u8, HarnessError> {
    let mut job = RunJob::new(plan);
    job.report = Some(absolute(report)?);
    job.verbose = verbose;
    job.loud = verbose;
    let RunEnd { verdict, cost } = parent::run(&job);
    let verdict = verdict.map_err(|cause| cause.of_run(repro))?;
    show(&verdict, cost, report, repro, console)?;
    Ok(verdict.verdict.exit_code())
}

/// Refuses a plant in a member that is not there.
fn check_plants(plan: &Plan) -> Result<(), HarnessError> {
    let nowhere = |plant: &&Plant| plant.member.is_some_and(|member| member > plan.members);
    match plan.plants.iter().find(nowhere) {
        Some(plant) => Err(HarnessError::PlantedNowhere {
            plant: *plant,
            scenario: plan.scenario.clone(),
            members: plan.members,
        }),
        None => Ok(()),
    }
}

/// A seed nobody chose: short enough to be typed again.
fn drawn_seed() -> Result<u64, HarnessError> {
    use std::io::Read as _;
    let mut bytes = [0; 4];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|cause| HarnessError::NoSeed { cause })?;
    Ok(u64::from(u32::from_le_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plant_names_a_member_that_is_there() {
        let text = "title = 't'\nwhy = 'w'\n[cluster]\n";
        let scenario = mettle_scenarios::parse("x", "faults/x", text, NAMES).unwrap();
        let planted = |plant: &str| planner::plan(&scenario, 1, &[plant.parse().unwrap()]);
        assert!(check_plants(&planted("R2@m4")).is_err());
        assert!(check_plants(&planted("R2@m3")).is_ok());
    }
}

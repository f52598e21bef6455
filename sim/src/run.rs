//! `run`: one scenario, one seed, one verdict, and the report folder that shows it.

use std::path::{Path, PathBuf};

use mettle_checker::history::{self, Limits};
use mettle_reports::summary::RunSummary;
use mettle_reports::text::{self, Palette};
use mettle_reports::verdict::Verdict;
use mettle_scenarios::plan::Plant;
use mettle_scenarios::{Plan, Scenario, shelf};
use mettle_server::probe::NAMES;

use crate::cli::{RunArgs, Trouble};
use crate::console::Console;
use crate::parent::{self, End, Job};
use crate::{planner, repro};

/// Where reports go, from the workspace root.
pub(crate) const REPORTS: &str = "target/reports";

/// Runs a scenario once, or the plan that a file of JSON holds.
pub(crate) fn run(args: &RunArgs) -> Result<u8, Trouble> {
    let console = Console::new(args.json);
    if Path::new(&args.scenario).extension().is_some_and(|ending| ending == "json") {
        return run_plan(args, console);
    }
    let (path, scenario) = one_scenario(&args.scenario)?;
    check_plants(&args.plant, &scenario)?;
    let seed = match args.seed {
        Some(seed) => seed,
        None => drawn_seed()?,
    };
    console.say(&format!("sim=on {} seed={seed}", scenario.name));
    let plan = planner::plan(&scenario, seed, &args.plant);
    let report = args.report_dir.clone().unwrap_or_else(|| report_folder(&plan));
    let repro = repro::scenario(&path, &plan);
    finish(plan, &report, args.verbose, &repro, console)
}

/// Runs a plan that was kept: a regression survives changes of scenario and planner.
fn run_plan(args: &RunArgs, console: Console) -> Result<u8, Trouble> {
    if args.seed.is_some() || !args.plant.is_empty() {
        return Err(
            "a plan holds its seed and its plants\n  remedy: leave out --seed and --plant, \
                    or name a scenario"
                .to_owned(),
        );
    }
    let file = &args.scenario;
    let text = std::fs::read_to_string(file).map_err(|why| {
        format!(
            "cannot read {file}: {why}\n  remedy: name a scenario, or the plan.json of a report"
        )
    })?;
    let plan = Plan::parse(file, &text, NAMES).map_err(|wrong| wrong.to_string())?;
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
) -> Result<u8, Trouble> {
    let mut job = Job::new(plan);
    job.report = Some(absolute(report)?);
    job.verbose = verbose;
    job.loud = verbose;
    let end = parent::run(&job);
    let verdict = end.verdict.as_ref().map_err(|why| format!("{why}\n  repro: {repro}"))?;
    show(verdict, &end, report, repro, console)?;
    Ok(verdict.verdict.exit_code())
}

/// Prints the page and the object of a run.
pub(crate) fn show(
    verdict: &Verdict,
    end: &End,
    report: &Path,
    repro: &str,
    console: Console,
) -> Result<(), Trouble> {
    let summary = RunSummary {
        verdict: verdict.clone(),
        wall_seconds: end.wall_seconds,
        cpu_seconds: end.cpu_seconds,
        peak_mb: end.peak_mb,
        report: Some(report.display().to_string()),
        repro: repro.to_owned(),
    };
    // Only findings need the words of their records; a page without them still names the ids.
    let history = if verdict.findings.is_empty() {
        None
    } else {
        history::read_file(&report.join("history.ndjson"), Limits::default()).ok()
    };
    console.say(text::page(&summary, history.as_ref(), &Palette::coloured()).trim_end());
    console.object(&summary.line())
}

/// Refuses a plan where a scenario is needed, which has no seed of its own.
pub(crate) fn no_plan(word: &str) -> Result<(), Trouble> {
    let path = Path::new(word);
    if path.extension().is_none_or(|ending| ending != "json") {
        return Ok(());
    }
    let run = repro::kept(path);
    Err(format!("{word} is a plan, not a scenario\n  remedy: run it with `{run}`"))
}

/// The one scenario that a word names.
pub(crate) fn one_scenario(word: &str) -> Result<(PathBuf, Scenario), Trouble> {
    no_plan(word)?;
    let mut files = shelf::find(Path::new("."), word).map_err(|wrong| wrong.to_string())?;
    if files.len() != 1 || Path::new(word).is_dir() {
        return Err(format!(
            "{word} is a folder of {} scenarios\n  remedy: name one of them, or use `cargo sim sweep`",
            files.len()
        ));
    }
    let path = files.remove(0);
    let scenario = mettle_scenarios::load(&path, NAMES).map_err(|wrong| wrong.to_string())?;
    Ok((path, scenario))
}

/// Refuses a plant in a member that is not there.
fn check_plants(plants: &[Plant], scenario: &Scenario) -> Result<(), Trouble> {
    match plants.iter().find(|plant| plant.member.is_some_and(|member| member > scenario.members)) {
        Some(plant) => Err(format!(
            "{plant} names a member, and {} has {} of them\n  remedy: name m1 to m{}",
            scenario.name, scenario.members, scenario.members
        )),
        None => Ok(()),
    }
}

/// A seed nobody chose: short enough to be typed again.
fn drawn_seed() -> Result<u64, Trouble> {
    use std::io::Read as _;
    let mut bytes = [0; 4];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|why| format!("cannot draw a seed: {why}\n  remedy: give one with --seed"))?;
    Ok(u64::from(u32::from_le_bytes(bytes)))
}

/// Where a plan's report goes when nobody says.
pub(crate) fn report_folder(plan: &Plan) -> PathBuf {
    let mut name = format!("{}-{}", plan.scenario.replace('/', "-"), plan.seed);
    for plant in &plan.plants {
        name = name + "-" + &plant.to_string().replace('@', "-");
    }
    Path::new(REPORTS).join(name)
}

/// A path that means the same in another working folder.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Trouble> {
    std::path::absolute(path).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_tell_runs_apart() {
        let text = "title = 't'\nwhy = 'w'\n[cluster]\n";
        let scenario = mettle_scenarios::parse("x", "faults/x", text, NAMES).unwrap();
        let plan = planner::plan(&scenario, 7, &["C1@m2".parse().unwrap(), "R2".parse().unwrap()]);
        assert_eq!(report_folder(&plan), Path::new("target/reports/faults-x-7-R2-C1-m2"));
        assert!(check_plants(&["R2@m4".parse().unwrap()], &scenario).is_err());
        assert!(check_plants(&["R2@m3".parse().unwrap()], &scenario).is_ok());
    }
}

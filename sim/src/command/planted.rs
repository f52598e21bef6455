//! `planted`: wakes each bug in the scenario that is there for it, and expects a broken guarantee.
//!
//! The judge does not know which bug is awake. The clean server must pass every seed that was tried:
//! otherwise the scenario proves nothing.

use std::collections::BTreeMap;
use std::path::Path;

use mettle_reports::verdict::Status;
use mettle_scenarios::planted::{Bug, Plant};
use mettle_scenarios::{Scenario, catalog};
use mettle_server::probe::NAMES;
use serde::Serialize;

use crate::args::PlantedArgs;
use crate::console::{self, Console};
use crate::error::{EXIT_HARNESS, HarnessError};
use crate::parent::{self, RunJob};
use crate::planner;

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    bug: Bug,
    scenario: String,
    checker: Option<String>,
    caught: bool,
    /// Seeds looked at, from 1.
    seeds: u64,
    /// The seed that caught it.
    seed: Option<u64>,
    wall_seconds: f64,
    /// Whether the clean server passed the same seeds.
    clean: bool,
}

#[derive(Serialize)]
struct Object<'a> {
    bugs: &'a [Row],
}

/// What one look for a bug found.
#[derive(Default)]
struct Hunt {
    caught: Option<(u64, String)>,
    errors: BTreeMap<u64, HarnessError>,
}

/// Hunts the bugs.
pub(crate) fn planted(args: &PlantedArgs) -> Result<u8, HarnessError> {
    let console = Console::new(args.json);
    let scenarios = catching()?;
    let bugs = if args.bugs.is_empty() { Bug::all().collect() } else { args.bugs.clone() };
    console.say(&format!(
        "sim=on {:<4} {:<30} {:>5} {:>7}  {:<5}  {:<38} {}",
        "bug", "scenario", "seeds", "wall s", "clean", "checker", "what was done wrong",
    ));
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for bug in bugs {
        let scenario = scenarios.get(&bug).ok_or(HarnessError::NeverCaught { bug })?;
        let row = row(bug, scenario, args.max_seeds, &mut errors);
        console.say(&line(&row, &scenario.title));
        rows.push(row);
    }
    for error in &errors {
        console::warn(&format!("error: {error}"));
    }
    console.object(&Object { bugs: &rows })?;
    let failed = rows.iter().any(|row| !row.caught || !row.clean);
    Ok(if failed {
        Status::Broken.exit_code()
    } else if errors.is_empty() {
        0
    } else {
        EXIT_HARNESS
    })
}

/// The scenario of each bug.
fn catching() -> Result<BTreeMap<Bug, Scenario>, HarnessError> {
    let files = catalog::below(Path::new(catalog::FOLDER))?;
    let mut catching = BTreeMap::new();
    for file in files {
        let scenario = mettle_scenarios::load(&file, NAMES)?;
        if let Some(bug) = scenario.catches {
            catching.insert(bug, scenario);
        }
    }
    Ok(catching)
}

fn row(bug: Bug, scenario: &Scenario, max_seeds: u64, errors: &mut Vec<String>) -> Row {
    #[allow(clippy::disallowed_methods, reason = "the table shows real time")]
    let begin = std::time::Instant::now();
    let hunt = hunt(bug, scenario, max_seeds);
    let wall_seconds = begin.elapsed().as_secs_f64();
    let seeds = hunt.caught.as_ref().map_or(max_seeds, |(seed, _)| *seed);
    let told = |(seed, why): (&u64, &HarnessError)| {
        format!("{bug} in {} seed {seed}: {why}", scenario.name)
    };
    errors.extend(hunt.errors.iter().map(told));
    let unclean = clean(scenario, seeds);
    if let Some((seed, why)) = &unclean {
        errors.push(format!("the clean server in {} seed {seed}: {why}", scenario.name));
    }
    let (seed, checker) = hunt.caught.unzip();
    Row {
        bug,
        scenario: scenario.name.clone(),
        checker,
        caught: seed.is_some(),
        seeds,
        seed,
        wall_seconds,
        clean: unclean.is_none(),
    }
}

/// Looks for the first seed in which the bug is caught.
fn hunt(bug: Bug, scenario: &Scenario, max_seeds: u64) -> Hunt {
    let seeds: Vec<u64> = (1..=max_seeds).collect();
    let plants = [Plant { bug, member: None }];
    let mut hunt = Hunt::default();
    parent::each(
        &seeds,
        parent::cores(),
        |seed| parent::run(&RunJob::new(planner::plan(scenario, *seed, &plants))).verdict,
        |place, verdict| {
            let seed = seeds[place];
            match verdict {
                Ok(verdict) if verdict.verdict == Status::Broken => {
                    // Later seeds may end first; those begun before go on and may still be earlier.
                    if hunt.caught.as_ref().is_none_or(|(first, _)| seed < *first) {
                        hunt.caught = Some((seed, verdict.checker.unwrap_or_default()));
                    }
                }
                Ok(_) => {}
                Err(why) => {
                    hunt.errors.insert(seed, why);
                }
            }
            hunt.caught.is_none()
        },
    );
    hunt
}

/// The first of the seeds that the clean server does not pass, if there is one.
fn clean(scenario: &Scenario, seeds: u64) -> Option<(u64, String)> {
    let seeds: Vec<u64> = (1..=seeds).collect();
    let mut failed: Option<(u64, String)> = None;
    parent::each(
        &seeds,
        parent::cores(),
        |seed| parent::run(&RunJob::new(planner::plan(scenario, *seed, &[]))).verdict,
        |place, verdict| {
            let why = match verdict {
                Ok(verdict) if verdict.verdict == Status::Pass => return true,
                Ok(verdict) => {
                    let word = verdict.verdict.name();
                    format!("{word}: {}", verdict.reason.unwrap_or_default())
                }
                Err(why) => format!("error: {why}"),
            };
            if failed.as_ref().is_none_or(|(first, _)| seeds[place] < *first) {
                failed = Some((seeds[place], why));
            }
            false
        },
    );
    failed
}

fn line(row: &Row, title: &str) -> String {
    let seeds = match row.seed {
        Some(seed) => seed.to_string(),
        None => format!(">{}", row.seeds),
    };
    let clean = if row.clean { "yes" } else { "NO" };
    let checker = row.checker.as_deref().unwrap_or("NOT CAUGHT");
    format!(
        "       {:<4} {:<30} {seeds:>5} {:>7.1}  {clean:<5}  {checker:<38} {title}",
        row.bug.name(),
        row.scenario,
        row.wall_seconds,
    )
}

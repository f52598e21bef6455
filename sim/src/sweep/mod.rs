//! `sweep`: many seeds of many scenarios, several at a time; reports for failures only.

mod tally;

use std::ops::Range;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use mettle_reports::verdict::Word;
use mettle_scenarios::{Scenario, shelf};
use mettle_server::probe::NAMES;

use crate::cli::{SweepArgs, Trouble};
use crate::console::{self, Console};
use crate::parent::{self, End, Job};
use crate::run::{absolute, no_plan, report_folder};
use crate::{planner, repro};
use tally::{Tally, count};

/// A scenario and where it was read from.
pub(crate) type Story = (PathBuf, Scenario);

/// Runs all seeds of all scenarios.
pub(crate) fn sweep(args: &SweepArgs) -> Result<u8, Trouble> {
    let console = Console::new(args.json);
    let stories = stories(&args.scenarios)?;
    let runs = pairs(stories.len(), args.seeds.clone());
    let jobs = args.jobs.map_or_else(parent::cores, usize::from);
    console.say(&format!(
        "sim=on {}, {}, {jobs} at a time",
        count(stories.len() as u64, "scenario"),
        count(runs.len() as u64, "run"),
    ));
    let bar = bar(runs.len() as u64);
    let mut tally = Tally::default();
    parent::each(
        &runs,
        jobs,
        |(story, seed)| one(&stories[*story], *seed),
        |place, ends| {
            let (story, seed) = runs[place];
            let (path, scenario) = &stories[story];
            let plan = planner::plan(scenario, seed, &[]);
            if let Some(line) = tally.add(&plan, &repro::scenario(path, &plan), ends) {
                bar.suspend(|| console.say(&line));
            }
            bar.set_message(tally.brief());
            bar.inc(1);
            true
        },
    );
    bar.finish_and_clear();
    let summary = tally.summary();
    console.say(&summary.page());
    console.object(&summary)?;
    Ok(tally.exit_code())
}

/// Loads every scenario that the words name, once each.
fn stories(words: &[String]) -> Result<Vec<Story>, Trouble> {
    let mut files: Vec<PathBuf> = Vec::new();
    for word in words {
        no_plan(word)?;
        for file in shelf::find(Path::new("."), word).map_err(|wrong| wrong.to_string())? {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    files
        .into_iter()
        .map(|file| match mettle_scenarios::load(&file, NAMES) {
            Ok(scenario) => Ok((file, scenario)),
            Err(wrong) => Err(wrong.to_string()),
        })
        .collect()
}

/// Every seed of every scenario, seed by seed, so that an early end has seen all scenarios.
fn pairs(stories: usize, seeds: Range<u64>) -> Vec<(usize, u64)> {
    seeds.flat_map(|seed| (0..stories).map(move |story| (story, seed))).collect()
}

/// One run; a second one with a report when the first is no pass.
fn one((_, scenario): &Story, seed: u64) -> Vec<End> {
    let plan = planner::plan(scenario, seed, &[]);
    let mut job = Job::new(plan);
    let first = parent::run(&job);
    if first.verdict.as_ref().is_ok_and(|verdict| verdict.verdict == Word::Pass) {
        return vec![first];
    }
    job.report = absolute(&report_folder(&job.plan)).ok();
    let second = parent::run(&job);
    vec![first, second]
}

fn bar(runs: u64) -> ProgressBar {
    if !console::watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({eta} left)")
        .expect("the template is right");
    ProgressBar::new(runs).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_spread_over_scenarios() {
        assert_eq!(pairs(2, 3..5), [(0, 3), (1, 3), (0, 4), (1, 4)]);
    }
}

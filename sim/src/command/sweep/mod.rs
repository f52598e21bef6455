//! `sweep`: many seeds of many scenarios, several at a time; reports for failures only.

mod tally;

use std::ops::Range;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use mettle_reports::verdict::Status;
use mettle_scenarios::Scenario;

use super::chosen::scenarios;
use super::report_folder::{absolute, report_folder};
use super::repro;
use crate::args::SweepArgs;
use crate::console::{self, Console};
use crate::error::HarnessError;
use crate::parent::{self, RunEnd, RunJob};
use crate::planner;
use tally::{Tally, count};

/// A scenario and where it was read from.
type Story = (PathBuf, Scenario);

/// Runs all seeds of all scenarios.
pub(crate) fn sweep(args: &SweepArgs) -> Result<u8, HarnessError> {
    let console = Console::new(args.json);
    let stories = scenarios(&args.scenarios)?;
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

/// Every seed of every scenario, seed by seed, so that an early end has seen all scenarios.
fn pairs(stories: usize, seeds: Range<u64>) -> Vec<(usize, u64)> {
    seeds.flat_map(|seed| (0..stories).map(move |story| (story, seed))).collect()
}

/// One run; a second one with a report when the first is no pass.
fn one((_, scenario): &Story, seed: u64) -> Vec<RunEnd> {
    let plan = planner::plan(scenario, seed, &[]);
    let mut job = RunJob::new(plan);
    let first = parent::run(&job);
    if first.verdict.as_ref().is_ok_and(|verdict| verdict.verdict == Status::Pass) {
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

//! `sweep`: many seeds of many scenarios, several at a time; reports for failures only.
//!
//! A sweep can outlive its process. With `--keep FILE` every run is kept as it ends, and the same
//! command goes on where the file ends. With `--shard I/N` a sweep makes its share of the runs, and
//! `merge` puts the files of all shares together.

mod ended;
mod kept;
mod merge;
mod tally;
mod unreached;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use mettle_reports::verdict::Status;
use mettle_scenarios::Scenario;

use super::chosen::scenarios;
use super::report_folder::{absolute, report_folder};
use super::twice;
use crate::args::SweepArgs;
use crate::console::{self, Console};
use crate::error::HarnessError;
use crate::parent::{self, Interrupt, RunEnd, RunJob};
use crate::planner;
use crate::share::{Shard, Share};
use ended::Ended;
use kept::{Head, Keeper};
pub(crate) use merge::merge;
use tally::Tally;
pub(super) use tally::count;

/// A scenario and where it was read from.
type Story = (PathBuf, Scenario);

/// Runs all seeds of all scenarios, or a share of these runs.
pub(crate) fn sweep(args: &SweepArgs) -> Result<u8, HarnessError> {
    let console = Console::new(args.json);
    let mut stories = scenarios(&args.scenarios)?;
    // Whatever the order of the words: shares of one sweep, and a sweep that goes on, number its
    // runs alike.
    stories.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    stories.dedup_by(|(_, a), (_, b)| a.name == b.name);
    let mut runs = pairs(stories.len(), args.seeds.clone(), args.shard);
    let mut tally = Tally::new(runs.len() as u64);
    let mut keeper = None;
    if let Some(file) = &args.keep {
        let head = Head::new(files(&stories)?, &args.seeds, args.shard, args.same.permille())?;
        let (opened, done) = Keeper::open(file, &head)?;
        for ended in &done {
            tally.add(ended);
        }
        let of = |ended: &Ended| (ended.scenario.clone(), ended.seed);
        let done: std::collections::BTreeSet<_> = done.iter().map(of).collect();
        runs.retain(|(story, seed)| !done.contains(&(stories[*story].1.name.clone(), *seed)));
        if !done.is_empty() {
            let (file, done) = (file.display(), count(done.len() as u64, "run"));
            console.say(&format!("goes on where {file} ends: {done} made before"));
        }
        keeper = Some(opened);
    }
    let jobs = args.jobs.map_or_else(parent::cores, usize::from);
    console.say(&format!(
        "sim=on {}, {}, {jobs} at a time",
        count(stories.len() as u64, "scenario"),
        count(runs.len() as u64, "run"),
    ));
    let unkept = run_all(args, &stories, &runs, &mut tally, keeper.as_mut(), console);
    let summary = tally.summary();
    console.say(&summary.page());
    if tally.left() > 0 && unkept.is_ok() {
        console.say(match &args.keep {
            Some(_) => "stopped; the same command goes on where this one stopped",
            None => "stopped; with --keep FILE the same command could go on",
        });
    }
    unkept?;
    console.object(&summary)?;
    Ok(tally.exit_code())
}

/// Makes the runs until all are made, somebody asks to stop, or a run cannot be kept.
fn run_all(
    args: &SweepArgs,
    stories: &[Story],
    runs: &[(usize, u64)],
    tally: &mut Tally,
    mut keeper: Option<&mut Keeper>,
    console: Console,
) -> Result<(), HarnessError> {
    let jobs = args.jobs.map_or_else(parent::cores, usize::from);
    let stop = Interrupt::heard().map_err(|cause| HarnessError::NoSignals { cause })?;
    let bar = bar(runs.len() as u64);
    let mut unkept = Ok(());
    let mut told = false;
    parent::each(
        runs,
        jobs,
        |(story, seed)| one(&stories[*story], *seed, args.same),
        |_, ended: Ended| {
            tally.add(&ended);
            if let Some(line) = ended.failure_line() {
                bar.suspend(|| console.say(&line));
            }
            if let Some(Err(error)) = keeper.as_mut().map(|keeper| keeper.keep(&ended)) {
                unkept = Err(error);
            }
            bar.set_message(tally.brief());
            bar.inc(1);
            if stop.asked() && !told {
                told = true;
                bar.suspend(|| console::warn("stopping: the runs that have begun will end"));
            }
            !stop.asked() && unkept.is_ok()
        },
    );
    bar.finish_and_clear();
    unkept
}

/// The names of the scenarios, each with the hash over its file.
fn files(stories: &[Story]) -> Result<BTreeMap<String, String>, HarnessError> {
    let hashed = |(path, scenario): &Story| Ok((scenario.name.clone(), kept::hash_of(path)?));
    stories.iter().map(hashed).collect()
}

/// Every seed of every scenario, seed by seed, so that an early end has seen all scenarios.
fn pairs(stories: usize, seeds: Range<u64>, shard: Shard) -> Vec<(usize, u64)> {
    let all = seeds.flat_map(|seed| (0..stories).map(move |story| (story, seed)));
    let own = (0..).zip(all).filter(|(place, _)| shard.has(*place));
    own.map(|(_, run)| run).collect()
}

/// One run; a second one with a report when the first is no pass, and a second one in other
/// surroundings when the first is a pass and its turn has come.
fn one((path, scenario): &Story, seed: u64, same: Share) -> Ended {
    let plan = planner::plan(scenario, seed, &[]);
    let mut job = RunJob::new(plan);
    let first = parent::run(&job);
    let passed = first.verdict.as_ref().is_ok_and(|verdict| verdict.verdict == Status::Pass);
    let ends = match (passed, same.has(&job.plan)) {
        (true, false) => vec![first],
        (true, true) => repeated(&job.plan, first),
        (false, _) => {
            job.report = absolute(&report_folder(&job.plan)).ok();
            let second = parent::run(&job);
            vec![first, second]
        }
    };
    Ended::of(path, &job.plan, ends)
}

/// The run and its repetition in other surroundings. If these differ, both are made again with
/// reports, which name the first event that differs.
fn repeated(plan: &mettle_scenarios::Plan, first: RunEnd) -> Vec<RunEnd> {
    let mut second = parent::run(&twice::odd(RunJob::new(plan.clone())));
    if let (Ok(one), Ok(other)) = (&first.verdict, &second.verdict)
        && one != other
    {
        let told = twice::run(plan).map_or_else(|error| error.to_string(), |twice| twice.told());
        second.verdict = Err(HarnessError::NotTheSame { told });
    }
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
        assert_eq!(pairs(2, 3..5, Shard::WHOLE), [(0, 3), (1, 3), (0, 4), (1, 4)]);
        assert_eq!(pairs(2, 3..5, Shard { number: 2, of: 3 }), [(1, 3)]);
    }
}

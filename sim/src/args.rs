//! The words that each command takes.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use mettle_scenarios::planted::{Bug, Plant};

use crate::share::{Shard, Share};

/// `run`
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// A scenario file, its name such as faults/standard, or a plan (.json) that was kept
    pub(crate) scenario: String,
    /// The seed; drawn and printed when absent
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    /// Wake a planted bug, in one member or in all; can be repeated
    #[arg(long, value_name = "BUG[@MEMBER]")]
    pub(crate) plant: Vec<Plant>,
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Where to write the report [default: target/reports/SCENARIO-SEED]
    #[arg(long, value_name = "DIR")]
    pub(crate) report_dir: Option<PathBuf>,
    /// Show the servers' log on standard error
    #[arg(long)]
    pub(crate) verbose: bool,
}

/// `sweep`
#[derive(Args, Debug)]
pub(crate) struct SweepArgs {
    /// Scenario files, names, or folders of them
    #[arg(required = true, value_name = "SCENARIO_OR_FOLDER")]
    pub(crate) scenarios: Vec<String>,
    /// Seeds from A up to but not including B
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub(crate) seeds: Range<u64>,
    /// Runs at a time [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Make only share I of N of the runs; `merge` puts the shares together
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE)]
    pub(crate) shard: Shard,
    /// Keep every run in this file as it ends; the same command goes on where the file ends
    #[arg(long, value_name = "FILE")]
    pub(crate) keep: Option<PathBuf>,
    /// Make this share of the passes twice, in other surroundings; both must come to the same
    #[arg(long, value_name = "PERCENT", default_value = "0%", hide_default_value = true)]
    pub(crate) same: Share,
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
}

/// `merge`
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// The files that the shares of one sweep kept with --keep
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
}

/// `same`
#[derive(Args, Debug)]
pub(crate) struct SameArgs {
    /// Scenario files, names such as faults/standard, or folders of them
    #[arg(required = true, value_name = "SCENARIO_OR_FOLDER")]
    pub(crate) scenarios: Vec<String>,
    /// One seed
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    #[arg(required_unless_present = "seeds", conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// Seeds from A up to but not including B
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub(crate) seeds: Option<Range<u64>>,
}

impl SameArgs {
    /// The seeds that were asked for.
    pub(crate) fn seeds(&self) -> impl Iterator<Item = u64> + Clone + use<> {
        let several = self.seeds.clone().unwrap_or(0..0);
        self.seed.into_iter().chain(several)
    }
}

/// `replay`
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// A report folder, as `run` and `sweep` write them
    pub(crate) report_dir: PathBuf,
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the servers' log on standard error
    #[arg(long)]
    pub(crate) verbose: bool,
}

/// `planted`
#[derive(Args, Debug)]
pub(crate) struct PlantedArgs {
    /// Bugs; all when absent
    #[arg(value_name = "BUG")]
    pub(crate) bugs: Vec<Bug>,
    /// Give up on a bug after so many seeds
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) max_seeds: u64,
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads a seed.
fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

/// Reads a range of seeds.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "write a range of seeds, such as 0..100".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let from = seed(from)?;
    let to = match to.strip_prefix('=') {
        Some(last) => seed(last)?.checked_add(1).ok_or_else(wrong)?,
        None => seed(to)?,
    };
    if from >= to {
        return Err(format!("{text} holds no seed; {}", wrong()));
    }
    Ok(from..to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_seeds() {
        assert_eq!(seeds("0..100"), Ok(0..100));
        assert_eq!(seeds("3..=3"), Ok(3..4));
        assert!(seeds("9..3").is_err());
    }
}

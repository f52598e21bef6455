//! The command line: words, exit codes, and the refusal to run where nothing would be simulated.
//!
//! Exit codes: 0 pass, 1 a guarantee is broken, 2 no convergence, 3 unknown, 4 an error of usage,
//! of input or of the harness itself.

use std::ffi::OsString;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mettle_scenarios::plan::{Bug, Plant};

use crate::console::Console;
use crate::{child, list, planted, replay, run, same, sweep};

/// Usage, input and harness errors.
pub const EXIT_HARNESS: u8 = 4;

/// Runs whole clusters in a simulated world and judges what their clients saw.
#[derive(Debug, Parser)]
#[command(name = "cargo sim", bin_name = "cargo sim", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one scenario with one seed and judge it
    Run(RunArgs),
    /// Run scenarios over many seeds; report failures only
    Sweep(SweepArgs),
    /// Prove that a seed is one run: twice, in different surroundings, with equal hashes
    Same(SameArgs),
    /// Run the plan of a report folder again: same hash, same verdict
    Replay(ReplayArgs),
    /// Wake each planted bug and see it caught; the clean server must pass the same seeds
    Planted(PlantedArgs),
    /// List the scenarios
    List,
    /// Run one plan from standard input; for the commands above
    #[command(hide = true)]
    Child(child::ChildArgs),
}

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
    /// One JSON object on standard output, everything else on standard error
    #[arg(long)]
    pub(crate) json: bool,
}

/// `same`
#[derive(Args, Debug)]
pub(crate) struct SameArgs {
    /// A scenario file, or its name such as faults/standard
    pub(crate) scenario: String,
    /// The seed
    #[arg(long, value_name = "N", value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: u64,
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

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

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

/// The program.
pub fn main() -> ExitCode {
    ExitCode::from(start(std::env::args_os()))
}

/// Reads the words; whatever is not a command is an exit code and something to print.
fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, (u8, clap::Error)> {
    Cli::try_parse_from(words).map_err(|error| {
        let code = if error.use_stderr() { EXIT_HARNESS } else { 0 };
        (code, error)
    })
}

fn start(words: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match parse(words) {
        Ok(cli) => cli,
        Err((code, page)) => return if page.print().is_ok() { code } else { EXIT_HARNESS },
    };
    let surroundings = match &cli.command {
        Command::Child(_) => simulated(cfg!(madsim)),
        _ => simulated(cfg!(madsim)).and_then(|()| at_root(Path::new("."))),
    };
    let end = surroundings.and_then(|()| match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Same(args) => same::same(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Planted(args) => planted::planted(&args),
        Command::List => list::list(Console::new(false)),
        Command::Child(args) => child::child(&args),
    });
    end.unwrap_or_else(|trouble| {
        // Standard error may be closed; there is nobody left to tell.
        let _ = writeln!(anstream::stderr(), "error: {trouble}");
        EXIT_HARNESS
    })
}

/// An error of usage, input or harness, in words.
pub(crate) type Trouble = String;

/// Refuses a build in which time, network and disk are the real ones.
fn simulated(on: bool) -> Result<(), Trouble> {
    if on {
        return Ok(());
    }
    Err("sim=off: this build has no cfg(madsim), so nothing would be simulated\n  \
         reason: an environment RUSTFLAGS (or CARGO_ENCODED_RUSTFLAGS) wins over the flags of \
         `cargo sim`, or it was built without them\n  \
         remedy: unset RUSTFLAGS, then run `cargo sim …` at the workspace root"
        .to_owned())
}

/// Refuses any folder but the workspace root, to which all paths are relative.
fn at_root(folder: &Path) -> Result<(), Trouble> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    if manifest.contains("[workspace]") && folder.join(mettle_scenarios::shelf::FOLDER).is_dir() {
        return Ok(());
    }
    Err("this folder is not the workspace root: no Cargo.toml with [workspace], or no scenarios/\n  \
         remedy: change to the root of the Mettle repository and run it again"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(words: &[&str]) -> Option<u8> {
        let words = ["sim"].iter().chain(words).map(Into::into);
        parse(words).err().map(|(code, _)| code)
    }

    #[test]
    fn usage_errors_exit_4_and_help_exits_0() {
        for words in [
            &["run"][..],
            &["rnu", "x"],
            &["run", "x", "--seed", "99999999999999999999999"],
            &["run", "x", "--seed", "-1"],
            &["run", "x", "--plant", "R3"],
            &["run", "x", "--nonsense"],
            &["sweep", "x", "--seeds", "5..5"],
            &["sweep", "x", "--seeds", "five"],
            &["sweep", "x"],
            &["planted", "R99"],
            &[],
        ] {
            assert_eq!(code(words), Some(EXIT_HARNESS), "{words:?}");
        }
        assert_eq!(code(&["--help"]), Some(0));
        // However the program is called, this is what is typed.
        for (words, usage) in [
            (&["/x/mettle-sim", "--help"][..], "Usage: cargo sim <COMMAND>"),
            (&["/x/mettle-sim", "replay", "--help"], "Usage: cargo sim replay [OPTIONS]"),
        ] {
            let page = parse(words.iter().map(Into::into)).err().unwrap().1.to_string();
            assert!(page.contains(usage), "{page}");
        }
        assert_eq!(code(&["run", "x", "--plant", "R2@m1", "--plant", "C1", "--json"]), None);
    }

    #[test]
    fn a_plan_is_no_scenario() {
        let refused =
            "a b.json is a plan, not a scenario\n  remedy: run it with `cargo sim run 'a b.json'`";
        let same = crate::run::one_scenario("a b.json").map(drop);
        assert_eq!(same, Err(refused.to_owned()));
    }

    #[test]
    fn ranges_of_seeds() {
        assert_eq!(seeds("0..100"), Ok(0..100));
        assert_eq!(seeds("3..=3"), Ok(3..4));
        assert!(seeds("9..3").is_err());
    }

    #[test]
    fn an_unsimulated_build_and_a_foreign_folder_are_refused_with_a_remedy() {
        assert!(simulated(false).unwrap_err().contains("unset RUSTFLAGS"));
        assert!(at_root(Path::new("/")).unwrap_err().contains("workspace root"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert_eq!(at_root(root), Ok(()));
    }
}

//! The command line: words, exit codes, and the refusal to run where nothing would be simulated.
//!
//! Exit codes: 0 pass, 1 a guarantee is broken, 2 no convergence, 3 unknown, 4 an error of usage,
//! of input or of the harness itself.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::args::{MergeArgs, PlantedArgs, ReplayArgs, RunArgs, SameArgs, SweepArgs};
use crate::console::Console;
use crate::error::{EXIT_HARNESS, HarnessError};
use crate::{child, command};

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
    /// Put the files together that the shares of a sweep kept
    Merge(MergeArgs),
    /// Prove that a seed is one run: twice, in different surroundings, with equal hashes
    Same(SameArgs),
    /// Run the plan of a report folder again: same hash, same verdict
    Replay(ReplayArgs),
    /// Wake each planted bug and see it caught; the clean server must pass the same seeds
    Planted(PlantedArgs),
    /// List the scenarios
    List,
    /// Print the faults that a scenario can name
    Faults,
    /// Run one plan from standard input; for the commands above
    #[command(hide = true)]
    Child(child::ChildArgs),
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
        Command::Run(args) => command::run(&args),
        Command::Sweep(args) => command::sweep(&args),
        Command::Merge(args) => command::merge(&args),
        Command::Same(args) => command::same(&args),
        Command::Replay(args) => command::replay(&args),
        Command::Planted(args) => command::planted(&args),
        Command::List => command::list(Console::new(false)),
        Command::Faults => {
            command::faults(Console::new(false));
            Ok(0)
        }
        Command::Child(args) => child::child(&args),
    });
    end.unwrap_or_else(|error| {
        // Standard error may be closed; there is nobody left to tell.
        let _ = writeln!(anstream::stderr(), "error: {error}");
        EXIT_HARNESS
    })
}

/// Refuses a build in which time, network and disk are the real ones.
fn simulated(on: bool) -> Result<(), HarnessError> {
    if on { Ok(()) } else { Err(HarnessError::NotSimulated) }
}

/// Refuses any folder but the workspace root, to which all paths are relative.
fn at_root(folder: &Path) -> Result<(), HarnessError> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    if manifest.contains("[workspace]") && folder.join(mettle_scenarios::catalog::FOLDER).is_dir() {
        return Ok(());
    }
    Err(HarnessError::NotAtRoot)
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
            &["sweep", "x", "--seeds", "1..5", "--shard", "3/2"],
            &["sweep", "x", "--seeds", "1..5", "--same", "10"],
            &["same", "x"],
            &["same", "x", "--seed", "1", "--seeds", "1..5"],
            &["merge"],
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
    fn an_unsimulated_build_and_a_foreign_folder_are_refused_with_a_remedy() {
        assert!(simulated(false).unwrap_err().to_string().contains("unset RUSTFLAGS"));
        assert!(at_root(Path::new("/")).unwrap_err().to_string().contains("workspace root"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        at_root(root).unwrap();
    }
}

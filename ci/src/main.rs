//! `cargo ci <verb>`: every check of the project behind one command.

mod cargo;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{eprintln, print, println};
use clap::{Parser, Subcommand};

/// Every check of the project.
#[derive(Parser)]
#[command(name = "cargo ci", bin_name = "cargo ci")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Rules that no compiler knows: sizes, door signs, rooms and floors, dependency edges, words, planted code
    Tidy,
    /// Prints the floors of every crate as its imports have them, as ARCHITECTURE.md lists them
    Floors,
    /// Prints the 100 sentences in comments that lean on pronouns most, and how many each crate has
    Prose,
    /// rustfmt and clippy, in the plain world and in the simulated one
    Lint,
    /// Everything that `cargo test` runs
    Test,
    /// The long tests, which `cargo test` begins only: all of them, or one by its name
    Soak {
        /// The name of one long test; without it all are run
        item: Option<String>,
        /// Seeds from A up to, but not including, B, instead of the test's own
        #[arg(long, value_name = "A..B")]
        seeds: Option<String>,
    },
    /// `cargo sim same` over the shipped scenarios
    Same,
    /// Tidy, lint, test and same
    All,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let root = workspace_root();
    let ok = match arguments.verb {
        Verb::Tidy => run_tidy(&root),
        Verb::Floors => print_floors(&root),
        Verb::Prose => print_prose(&root),
        Verb::Lint => cargo::lint(&root),
        Verb::Test => cargo::test(&root),
        Verb::Soak { item, seeds } => cargo::soak(&root, item.as_deref(), seeds.as_deref()),
        Verb::Same => cargo::same(&root),
        Verb::All => {
            run_tidy(&root) && cargo::lint(&root) && cargo::test(&root) && cargo::same(&root)
        }
    };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn workspace_root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("ci lies in the workspace").to_path_buf()
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]
fn print_floors(root: &std::path::Path) -> bool {
    let (text, findings) = tidy::floors(root);
    print!("{text}");
    for finding in &findings {
        eprintln!("{finding}");
    }
    findings.is_empty()
}

#[allow(clippy::print_stdout, reason = "a command for people")]
fn print_prose(root: &std::path::Path) -> bool {
    let mut crates = std::collections::BTreeMap::new();
    let hardest = tidy::hard_sentences(root, 100);
    for sentence in &hardest {
        println!(
            "{:>3} % {}:{} {}",
            sentence.density / 10,
            sentence.path,
            sentence.line,
            sentence.text
        );
        let folder = sentence.path.split('/').next().unwrap_or_default().to_owned();
        *crates.entry(folder).or_insert(0) += 1;
    }
    let shares: Vec<String> = crates
        .iter()
        .map(|(name, count)| format!("{name} {count} ({} %)", count * 100 / hardest.len()))
        .collect();
    println!("the {} hardest: {}", hardest.len(), shares.join(", "));
    true
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]
fn run_tidy(root: &std::path::Path) -> bool {
    let findings = tidy::all(root);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: nothing to say");
    } else {
        eprintln!("tidy: {} findings", findings.len());
    }
    findings.is_empty()
}

//! Every shipped scenario as a test of its own, and the simulated crates' own tests as one more.
//!
//! The simulator is built on first need, into `target/sim`, so that listing tests builds nothing. Each seed
//! runs in a process of its own. What is run and judged is the same program as `cargo sim`.

#![allow(
    clippy::disallowed_methods,
    reason = "this program is not simulated; it starts those that are"
)]

mod simulator;

use mettle_server::probe::NAMES;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if cfg!(madsim) {
        // The build that is simulated has nothing to start from here.
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for path in shipped() {
        trials.extend(trials_of(&path));
    }
    for path in files("regressions", "json") {
        trials.push(Trial::test(name_of(&path), move || simulator::plan(&path)));
    }
    trials.push(Trial::test("planted bugs are caught", || simulator::planted(&[])));
    trials.push(Trial::test("own tests in the simulated world", simulator::own_tests));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The workspace's root.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("sim lies in the workspace").to_path_buf()
}

/// Scenario files that ship, sorted.
fn shipped() -> Vec<PathBuf> {
    ["smoke", "traffic", "faults", "swarm", "planted"]
        .into_iter()
        .flat_map(|folder| files(folder, "toml"))
        .collect()
}

/// The files of a folder of scenarios with this ending, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("scenarios").join(folder));
    let mut paths: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    paths.sort();
    paths
}

/// The name of a test: folder and file without ending.
fn name_of(path: &Path) -> String {
    let name = path.strip_prefix(root().join("scenarios")).unwrap_or(path).with_extension("");
    name.to_string_lossy().into_owned()
}

/// One test for a scenario's seeds with the clean server, and one for its determinism.
fn trials_of(path: &Path) -> Vec<Trial> {
    let name = name_of(path);
    let seeds = match mettle_scenarios::load(path, NAMES) {
        Ok(scenario) => scenario.seeds,
        Err(error) => {
            let why = error.to_string();
            return vec![Trial::test(name, move || Err(Failed::from(why)))];
        }
    };
    let first = seeds.first().copied().unwrap_or(1);
    let (run_path, same_path) = (path.to_path_buf(), path.to_path_buf());
    vec![
        Trial::test(name.clone(), move || {
            seeds.iter().try_for_each(|&seed| simulator::run(&run_path, seed))
        }),
        Trial::test(format!("{name} twice is the same"), move || {
            simulator::same(&same_path, first)
        }),
    ]
}

//! Builds the simulator once and starts it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use libtest_mimic::Failed;

use super::root;

/// What makes a build simulated; the same words as the alias in `.cargo/config.toml`.
const FLAGS: &str = "target.'cfg(all())'.rustflags=['--cfg','madsim','--cfg','planted']";

/// Runs one seed of a scenario; a pass is the only verdict that is not a failure. A sweep of one
/// seed, since that writes a report for a failure only.
pub(super) fn run(scenario: &Path, seed: u64) -> Result<(), Failed> {
    let seeds = format!("{seed}..={seed}");
    start(Command::new(built()?).arg("sweep").arg(scenario).args(["--seeds", &seeds]))
}

/// Runs a plan that was kept because it once failed.
pub(super) fn plan(plan: &Path) -> Result<(), Failed> {
    start(Command::new(built()?).arg("run").arg(plan))
}

/// Runs one seed twice, in two processes that differ in all that must not matter.
pub(super) fn same(scenario: &Path, seed: u64) -> Result<(), Failed> {
    start(Command::new(built()?).arg("same").arg(scenario).args(["--seed", &seed.to_string()]))
}

/// Wakes the planted bugs one by one.
pub(super) fn planted(bugs: &[&str]) -> Result<(), Failed> {
    start(Command::new(built()?).arg("planted").args(bugs))
}

/// The crates' own tests, compiled into the simulated world.
pub(super) fn own_tests() -> Result<(), Failed> {
    let packages = ["-p", "mettle-sim", "-p", "mettle-server", "--lib"];
    start(cargo("test").args(packages))
}

fn built() -> Result<PathBuf, Failed> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        start(cargo("build").args(["-p", "mettle-sim", "--bin", "mettle-sim"]))
            .map_err(|failed| failed.message().unwrap_or("the build failed").to_string())?;
        Ok(root().join("target/sim/sim/mettle-sim"))
    });
    built.clone().map_err(Failed::from)
}

/// cargo for the simulated world, free of what the cargo that runs this test left in the
/// environment: its RUSTFLAGS would win, its CARGO_* variables would rebuild everything.
fn cargo(verb: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args([verb, "--profile", "sim", "--config", FLAGS, "--target-dir"]);
    command.arg(root().join("target/sim"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "RUSTFLAGS" || (text.starts_with("CARGO_") && text != "CARGO_HOME") {
            command.env_remove(&name);
        }
    }
    command
}

fn start(command: &mut Command) -> Result<(), Failed> {
    let output: Output = command.current_dir(root()).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(Failed::from(format!(
        "{command:?}\n{}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    )))
}

//! Starts cargo, in either world, with an environment that cannot bend the result.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// What makes a build simulated; the same words as the alias in `.cargo/config.toml`.
const SIMULATED: [&str; 4] = [
    "--config",
    "target.'cfg(all())'.rustflags=['--cfg','madsim','--cfg','planted']",
    "--target-dir",
    "target/sim",
];

const FUZZ: &str = "checker/fuzz/Cargo.toml";

/// cargo, without the flags and settings that a cargo around us or a user left in the environment:
/// an environment RUSTFLAGS silently wins over the simulated build's own.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "RUSTFLAGS" || (text.starts_with("CARGO_") && text != "CARGO_HOME") {
            command.env_remove(&name);
        }
    }
    command
}

/// What cargo printed, or `None` when it failed.
pub(crate) fn output(root: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let output = cargo(root).args(args).stderr(Stdio::inherit()).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// rustfmt, then clippy in both worlds.
pub(crate) fn lint(root: &Path) -> bool {
    let clippy = ["clippy", "--workspace", "--all-targets"];
    let deny = ["--", "-D", "warnings"];
    run(root, "format", &["fmt", "--all", "--check"])
        && run(root, "clippy, plain", &[&clippy[..], &deny].concat())
        && run(
            root,
            "clippy, simulated",
            &[&clippy[..], &["--profile", "sim"], &SIMULATED, &deny].concat(),
        )
        && fuzz_targets(root)
}

/// Whether the fuzz targets, which no other build sees, still fit the importers. Nothing is linked,
/// so libFuzzer, which is C++, need not be compiled: naming a library that stands for it says so.
fn fuzz_targets(root: &Path) -> bool {
    let args = ["check", "--quiet", "--locked", "--bins", "--manifest-path", FUZZ];
    anstream::eprintln!("ci: fuzz targets");
    let checked = cargo(root).args(args).env("CUSTOM_LIBFUZZER_PATH", "/libnone.a").status();
    said("fuzz targets", &args, checked)
}

/// The README's test command.
pub(crate) fn test(root: &Path) -> bool {
    run(root, "test", &["test"])
}

/// The long tests of the judge, optimised: all of them, or one. The tests say how far they are.
pub(crate) fn soak(root: &Path, item: Option<&str>, seeds: Option<&str>) -> bool {
    let args = [
        "test",
        "--quiet",
        "--release",
        "--package",
        "mettle-checker",
        "--test",
        "it",
        "--",
        "--nocapture",
        "soak::",
    ];
    let mut command = cargo(root);
    command.args(args).env("METTLE_SOAK", item.unwrap_or("all"));
    if let Some(seeds) = seeds {
        command.env("METTLE_SOAK_SEEDS", seeds);
    }
    said("soak", &args, command.status())
}

/// Determinism of every shipped scenario.
pub(crate) fn same(root: &Path) -> bool {
    let folders = ["smoke", "traffic", "faults", "swarm", "planted", "regressions"];
    let folders = folders.map(|name| format!("scenarios/{name}"));
    let has_scenarios = |folder: &&String| {
        let mut entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        entries.any(|entry| entry.path().extension().is_some_and(|ending| ending == "toml"))
    };
    let folders: Vec<&str> = folders.iter().filter(has_scenarios).map(String::as_str).collect();
    let words = [&["sim", "same"][..], &folders, &["--seed", "1"]].concat();
    !folders.is_empty() && run(root, "same", &words)
}

#[allow(clippy::print_stderr, reason = "a command for people")]
fn run(root: &Path, what: &str, args: &[&str]) -> bool {
    anstream::eprintln!("ci: {what}");
    said(what, args, cargo(root).args(args).status())
}

#[allow(clippy::print_stderr, reason = "a command for people")]
fn said(what: &str, args: &[&str], status: std::io::Result<ExitStatus>) -> bool {
    let ok = status.is_ok_and(|status| status.success());
    if !ok {
        anstream::eprintln!("ci: {what} FAILED: cargo {}", args.join(" "));
    }
    ok
}

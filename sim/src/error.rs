//! Errors of the harness: each says what failed, the cause, and a remedy.
//!
//! A broken guarantee is a verdict, not an error. After an error nothing is known of the cluster,
//! and the command ends with [`EXIT_HARNESS`].

use std::io;
use std::path::PathBuf;

use mettle_scenarios::LoadError;
use mettle_scenarios::planted::{Bug, Plant};

/// The exit code of errors of usage, of input and of the harness.
pub const EXIT_HARNESS: u8 = 4;

/// An error of usage, of input or of the harness.
#[derive(Debug, thiserror::Error)]
#[allow(
    missing_docs,
    reason = "a variant says what happened; its fields have the words of its text"
)]
pub enum HarnessError {
    /// Time, network and disk of this build are the real ones.
    #[error(
        "sim=off: this build has no cfg(madsim), so nothing would be simulated\n  \
         reason: an environment RUSTFLAGS (or CARGO_ENCODED_RUSTFLAGS) wins over the flags of \
         `cargo sim`, or it was built without them\n  \
         remedy: unset RUSTFLAGS, then run `cargo sim …` at the workspace root"
    )]
    NotSimulated,
    /// A child of a build that is not simulated was given a plan.
    #[error("this build has no cfg(madsim)")]
    NoRuntime,
    /// All paths are relative to the workspace root.
    #[error(
        "this folder is not the workspace root: no Cargo.toml with [workspace], or no scenarios/\n  \
         remedy: change to the root of the Mettle repository and run it again"
    )]
    NotAtRoot,

    /// A scenario or a plan was refused.
    #[error(transparent)]
    Scenario(#[from] LoadError),
    /// Several scenarios were refused.
    #[error("{}", lines(.0))]
    Scenarios(Vec<LoadError>),
    /// A seed or a plant was given beside a plan.
    #[error(
        "a plan holds its seed and its plants\n  remedy: leave out --seed and --plant, \
         or name a scenario"
    )]
    SeedBesidePlan,
    /// A plan's file could not be read.
    #[error("cannot read {file}: {cause}\n  remedy: name a scenario, or the plan.json of a report")]
    PlanUnreadable { file: String, cause: io::Error },
    /// A plan was named where a scenario is needed, which has no seed of its own.
    #[error("{word} is a plan, not a scenario\n  remedy: run it with `{run}`")]
    PlanForScenario { word: String, run: String },
    /// A folder was named where one scenario is needed.
    #[error(
        "{word} is a folder of {scenarios} scenarios\n  \
         remedy: name one of them, or use `cargo sim sweep`"
    )]
    FolderForScenario { word: String, scenarios: usize },
    /// A plant names a member that the cluster does not have.
    #[error(
        "{plant} names a member, and {scenario} has {members} of them\n  \
         remedy: name m1 to m{members}"
    )]
    PlantedNowhere { plant: Plant, scenario: String, members: u32 },
    /// No shipped scenario is there for a bug.
    #[error("no scenario catches {bug}\n  remedy: add one with `catches = \"{bug}\"`")]
    NeverCaught { bug: Bug },
    /// The system has no random bytes.
    #[error("cannot draw a seed: {cause}\n  remedy: give one with --seed")]
    NoSeed { cause: io::Error },

    /// A path has no meaning here, or a file that must be there cannot be opened.
    #[error("{}: {cause}", .path.display())]
    Path { path: PathBuf, cause: io::Error },
    /// The object of `--json` was not written.
    #[error(
        "the object cannot be written to standard output: {cause}\n  \
         remedy: write it where there is room"
    )]
    ObjectUnwritten { cause: io::Error },
    /// A file of the report was not written.
    #[error(
        "cannot write {}: {cause}\n  remedy: make room, or choose another folder with --report-dir",
        .path.display()
    )]
    ReportUnwritten { path: PathBuf, cause: io::Error },
    /// A line of one of two reports to be compared cannot be read.
    #[error("cannot read a report: {cause}")]
    ReportUnreadable { cause: io::Error },
    /// A file of the report to be replayed cannot be read.
    #[error("{}: {cause}\n  remedy: name a folder under target/reports", .path.display())]
    NoReport { path: PathBuf, cause: io::Error },
    /// The verdict of the report to be replayed is none.
    #[error("{}: {cause}\n  remedy: take a report folder as it was written", .path.display())]
    NoVerdict { path: PathBuf, cause: serde_json::Error },

    /// A replay came to something else than the report says.
    #[error(
        "not the same run: {what} was {was}, is {is}\n  reason: another build of simulator or \
         server wrote the report, or a run is not determined by its plan\n  \
         remedy: replay with the build that wrote it; `cargo sim same` tells the second case"
    )]
    OtherRun { what: &'static str, was: String, is: String },
    /// The plan of a report is not the one that its verdict was recorded with.
    #[error(
        "plan.json is not the plan that verdict.json was recorded with: plan hash was {was}, is {is}\n  \
         reason: the file was edited or copied here, or another build of the simulator wrote it\n  \
         remedy: take a report folder as it was written; to try a change, edit the scenario and \
         `cargo sim run` it"
    )]
    OtherPlan { was: String, is: String },
    /// A failing run was repeated for its report, and came to another verdict.
    #[error("not the same run twice: event hashes {first} and {second}")]
    NotRepeated { first: String, second: String },
    /// A passing run was repeated in other surroundings, and came to something else.
    #[error("not the same run twice: {told}")]
    NotTheSame { told: String },
    /// Ctrl-C would not be heard.
    #[error("cannot hear signals: {cause}")]
    NoSignals { cause: io::Error },
    /// The file of a sweep was not written.
    #[error(
        "cannot keep runs in {}: {cause}\n  remedy: make room, or name another file with --keep",
        .path.display()
    )]
    KeptUnwritten { path: PathBuf, cause: io::Error },
    /// A line of the file of a sweep is none.
    #[error(
        "{}:{line}: not a line of a sweep: {cause}\n  remedy: name a file that \
         `cargo sim sweep --keep` wrote",
        .path.display()
    )]
    KeptUnreadable { path: PathBuf, line: usize, cause: serde_json::Error },
    /// A file is there already, and belongs to another sweep.
    #[error(
        "{} keeps another sweep: other scenarios, seeds or share, or another build made it\n  \
         remedy: remove the file, or name another one with --keep",
        .path.display()
    )]
    KeptOfAnother { path: PathBuf },
    /// Two files do not belong together.
    #[error("{} is no share of the sweep of {}: {why}", .path.display(), .first.display())]
    NotOneSweep { path: PathBuf, first: PathBuf, why: &'static str },
    /// Two shares hold the same run.
    #[error(
        "{scenario} seed {seed} is in share {shard} and in another one, or twice in share {shard}\n  \
         remedy: make that share again with a file of its own"
    )]
    MadeTwice { scenario: String, seed: u64, shard: String },
    /// A failing run could not be repeated for its report.
    #[error("failed, and could not be run again for a report: {cause}")]
    NotRunAgain { cause: Box<HarnessError> },
    /// A run failed; the command makes it again.
    #[error("{cause}\n  repro: {repro}")]
    Run { cause: Box<HarnessError>, repro: String },

    /// The path of this very program is not known.
    #[error("cannot find myself: {cause}")]
    NoProgram { cause: io::Error },
    /// A child process did not start.
    #[error("cannot start a child process: {cause}")]
    NoChild { cause: io::Error },
    /// A child process said that its harness failed.
    #[error("{reason}{}", events(.trace))]
    InChild { reason: String, trace: Vec<String> },
    /// A child process ended without an answer.
    #[error("the child process {exit}{}", indented(.complaints))]
    Unanswered { exit: String, complaints: Vec<String> },
    /// The plan did not arrive on standard input.
    #[error("cannot read the plan: {cause}")]
    NoPlan { cause: io::Error },
    /// The answer did not reach standard output.
    #[error("cannot answer: {cause}")]
    AnswerUnwritten { cause: io::Error },

    /// A run used up its time.
    #[error("stuck: ended after {limit} {unit}")]
    Stuck { limit: u64, unit: &'static str },
    /// A run used up its events.
    #[error("more than {events} events: the run makes no progress")]
    NoProgress { events: u64 },
    /// The simulator panicked where no member and no client runs.
    #[error("the simulator panicked outside the simulated world")]
    PanicOutside,
    /// The simulator panicked.
    #[error("the simulator panicked at {location}: {message}")]
    Panic { location: String, message: String },
    /// A run ended before the question whether the cluster is whole again.
    #[error("the run ended before the converge phase")]
    NotConverged,
}

impl HarnessError {
    /// The error with the command that makes the same run again.
    #[must_use]
    pub(crate) fn of_run(self, repro: &str) -> HarnessError {
        HarnessError::Run { cause: Box::new(self), repro: repro.to_owned() }
    }
}

fn lines(errors: &[LoadError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn events(trace: &[String]) -> String {
    let head = if trace.is_empty() { "" } else { "; last events:" };
    format!("{head}{}", indented(trace))
}

/// Each line on a line of its own, after a line feed.
fn indented(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |text, line| text + "\n  " + line)
}

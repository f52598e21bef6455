//! Reads and judges one file, and maps the result to an exit code.

use std::path::Path;
use std::process::ExitCode;

use mettle_check::import::{self, Input};
use mettle_check::judge;
use mettle_checker::history::ReadError;
use mettle_checker::{Report, Verdict};

use super::args::Args;
use super::progress::Progress;

/// The result for one file.
pub(crate) struct Judged {
    /// The file as named on the command line.
    pub(crate) file: String,
    /// The history and its report, or the reason why the file cannot be read.
    pub(crate) outcome: Result<(Input, Report), ReadError>,
}

/// The exit codes, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Legal,
    Unknown,
    BadInput,
    Broken,
}

impl Exit {
    /// The code for the process.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Exit::Legal => 0,
            Exit::Broken => 1,
            Exit::Unknown => 3,
            Exit::BadInput => 4,
        })
    }
}

impl Judged {
    /// Reads and judges a file.
    pub(crate) fn of(path: &Path, args: &Args, progress: &Progress<'_>) -> Self {
        progress.show("reading");
        let input = import::read(path, args.format(), args.limits());
        let outcome = input.map(|input| {
            progress.show(&format!("judging {} records", input.len()));
            let report = judge(&input, &args.options());
            (input, report)
        });
        Judged { file: path.display().to_string(), outcome }
    }

    /// The exit code for this result.
    pub(crate) fn exit(&self) -> Exit {
        match self.outcome.as_ref().map(|(_, report)| &report.verdict) {
            Err(_) => Exit::BadInput,
            Ok(Verdict::Legal) => Exit::Legal,
            Ok(Verdict::Broken(_)) => Exit::Broken,
            Ok(Verdict::Unknown(_)) => Exit::Unknown,
        }
    }
}

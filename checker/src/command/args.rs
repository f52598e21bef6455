//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use mettle_checker::Options;
use mettle_checker::import::Format;

/// Judges recorded histories of an etcd: are the answers those of one key-value store?
///
/// Exit codes: 0 legal, 1 a guarantee is broken, 3 unknown, 4 usage or input error; of several
/// files the worst: 1, then 4, then 3.
#[derive(Parser)]
#[command(name = "mettle-check", version)]
pub(crate) struct Args {
    /// Files, `-` for standard input, or report folders of etcd's robustness tests
    #[arg(required = true, value_name = "HISTORY")]
    pub(crate) files: Vec<PathBuf>,
    /// The format, where the content does not show it
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// Print one JSON object for each file, each on one line
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a JUnit report: a testcase for each history and check
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Give up a search after so many steps and answer "unknown"
    #[arg(long, default_value_t = Options::default().steps)]
    steps: u64,
}

impl Args {
    /// The format that was asked for; None to go by the content.
    pub(crate) fn format(&self) -> Option<Format> {
        match self.format {
            FormatArg::Auto => None,
            FormatArg::V1 => Some(Format::V1),
            FormatArg::Etcd => Some(Format::Etcd),
            FormatArg::Jepsen => Some(Format::Jepsen),
            FormatArg::Porcupine => Some(Format::Porcupine),
            FormatArg::Knossos => Some(Format::Knossos),
        }
    }

    /// How much work a judgement may cost.
    pub(crate) fn options(&self) -> Options {
        Options { steps: self.steps }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatArg {
    /// By the content
    Auto,
    /// Newline-delimited JSON, as in checker/README.md
    V1,
    /// A report folder of etcd's robustness tests
    Etcd,
    /// A log of Jepsen's etcd tests
    Jepsen,
    /// porcupine's key-value histories
    Porcupine,
    /// Knossos' register histories
    Knossos,
}

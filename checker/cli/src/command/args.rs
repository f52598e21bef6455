//! The arguments of the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Parser, ValueEnum};
use mettle_check::import::{About, Format};
use mettle_checker::history::Limits;
use mettle_checker::{ClusterSettings, Options};

use super::export::Form;

/// The word that selects the format by content.
const AUTO: &str = "auto";

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
    #[arg(long, value_parser = formats(), default_value = AUTO)]
    format: String,
    /// Print one JSON object for each file, each on one line
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a JUnit report: a testcase for each history and check
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Write a page that shows the history and what contradicts what; opens from disk
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Judge nothing: write the history in another form to a file, or for etcd to a folder
    #[arg(
        long,
        num_args = 2,
        value_names = ["v1|binary|etcd", "PATH"],
        conflicts_with_all = ["json", "junit", "html"]
    )]
    export: Option<Vec<OsString>>,
    /// Judge a recording while it is written: a file that grows, or `-`. Ends at the first broken
    /// guarantee, at a line {"end":true}, at the end of a pipe, or when interrupted
    #[arg(long, conflicts_with_all = ["junit", "html", "export"])]
    pub(crate) follow: bool,
    /// With --follow: end at the end of the file as it is
    #[arg(long, requires = "follow")]
    pub(crate) until_end: bool,
    /// Give up a search after so many steps and answer "unknown"
    #[arg(long, default_value_t = Options::default().steps)]
    steps: u64,
    /// Megabytes for reading and judging one history and for its page, counted; what would take
    /// more is not read (exit 4), answered "unknown", or (the page) not written
    #[arg(
        long,
        value_name = "MB",
        default_value_t = Options::default().memory_bytes >> 20,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    memory: u64,
    /// How many ms sooner than promised a lease may end
    #[arg(long, default_value_t = Options::default().lease_tolerance_ns / 1_000_000)]
    lease_tolerance_ms: u64,
    /// The most operations of a transaction, as the recorded cluster was told
    #[arg(long, default_value_t = ClusterSettings::default().max_txn_ops)]
    max_txn_ops: usize,
    /// The most bytes of a write, as the recorded cluster was told
    #[arg(long, default_value_t = ClusterSettings::default().max_request_bytes)]
    max_request_bytes: u64,
    /// Refusals that the recorded cluster may give: it has auth, a quota, or a corrupt member
    #[arg(long, value_delimiter = ',', value_name = "REFUSAL")]
    believe: Vec<Believe>,
    /// Every grant of a lease is recorded: a lease without one does not exist
    #[arg(long)]
    every_grant: bool,
}

/// A setting of the cluster that explains refusals.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Believe {
    Auth,
    Quota,
    Corrupt,
}

impl Args {
    /// The format asked for; None to select it by content.
    pub(crate) fn format(&self) -> Option<Format> {
        Format::named(&self.format)
    }

    /// The form and the path of an export, if nothing is to be judged.
    pub(crate) fn export(&self) -> Result<Option<(Form, &Path)>, String> {
        let Some([form, path]) = self.export.as_deref() else { return Ok(None) };
        if self.files.len() > 1 {
            return Err("--export takes one history".to_owned());
        }
        let word = form.to_string_lossy();
        let form = Form::named(&word)
            .ok_or_else(|| format!("--export knows v1, binary and etcd, not {word:?}"))?;
        Ok(Some((form, Path::new(path))))
    }

    /// How much work a judgement may cost, and what is known of the cluster.
    pub(crate) fn options(&self) -> Options {
        let lease_tolerance_ns = self.lease_tolerance_ms.saturating_mul(1_000_000);
        let memory_bytes = self.memory.saturating_mul(1 << 20);
        let believe = |refusal| self.believe.contains(&refusal);
        let cluster = ClusterSettings {
            max_txn_ops: self.max_txn_ops,
            max_request_bytes: self.max_request_bytes,
            auth: believe(Believe::Auth),
            quota: believe(Believe::Quota),
            corrupt: believe(Believe::Corrupt),
            every_grant: self.every_grant,
        };
        Options { steps: self.steps, lease_tolerance_ns, memory_bytes, cluster }
    }

    /// The message for a page that was not written because it needs more memory.
    pub(crate) fn no_page(&self, path: &Path, needed: u64) -> String {
        let (needed, allowed) = (needed.div_ceil(1 << 20), self.memory);
        format!(
            "{}: not written: making the page takes {needed} MB, and {allowed} are allowed; the \
             verdict stands, and --memory {needed} writes the page too",
            path.display()
        )
    }

    /// The limits on reading.
    pub(crate) fn limits(&self) -> Limits {
        let memory_bytes = self.options().memory_bytes;
        let most = Limits::default();
        Limits { line_bytes: most.line_bytes.min(memory_bytes / 4), memory_bytes, ..most }
    }
}

/// The words for `--format`: `auto`, and the name of each format.
fn formats() -> PossibleValuesParser {
    let auto = PossibleValue::new(AUTO).help("By the content");
    let format = |about: About| PossibleValue::new(about.name).help(about.help);
    std::iter::once(auto)
        .chain(Format::all().map(|one| format(one.about())))
        .collect::<Vec<_>>()
        .into()
}

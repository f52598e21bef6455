//! `mettle-check FILE`: judges one recorded history. Exit 0 legal, 1 broken, 3 unknown, 4 input
//! error.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mettle_checker::history::{Limits, ReadError, Reader, Record};
use mettle_checker::import::{self, Format, Input, judge};
use mettle_checker::{Options, Report, Verdict, assumptions};
use serde::Serialize;

/// Judges a recorded history of an etcd: are its answers those of one key-value store?
///
/// Exit codes: 0 legal, 1 a guarantee is broken, 3 unknown, 4 usage or input error.
#[derive(Parser)]
#[command(name = "mettle-check", version)]
struct Args {
    /// The history: a file, or the report folder of etcd's robustness tests
    file: PathBuf,
    /// The format, where its content does not show it
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatArg,
    /// Print one line with one JSON object
    #[arg(long)]
    json: bool,
    /// Give up a search after so many steps and answer "unknown"
    #[arg(long, default_value_t = Options::default().steps)]
    steps: u64,
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

impl FormatArg {
    fn format(self) -> Option<Format> {
        match self {
            FormatArg::Auto => None,
            FormatArg::V1 => Some(Format::V1),
            FormatArg::Etcd => Some(Format::Etcd),
            FormatArg::Jepsen => Some(Format::Jepsen),
            FormatArg::Porcupine => Some(Format::Porcupine),
            FormatArg::Knossos => Some(Format::Knossos),
        }
    }
}

const INPUT_ERROR: u8 = 4;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { INPUT_ERROR } else { 0 });
        }
    };
    let input = match read_input(&args) {
        Ok(input) => input,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "mettle-check: {error}");
            return ExitCode::from(INPUT_ERROR);
        }
    };
    let report = judge(&input, &Options { steps: args.steps });
    let page =
        if args.json { json(&args.file, &report) } else { page(&args.file, &input, &report) };
    let mut out = std::io::stdout().lock();
    // Nobody may be reading any more; the exit code says it all the same.
    let _ = out.write_all(page.as_bytes()).and_then(|()| out.flush());
    ExitCode::from(match report.verdict {
        Verdict::Legal => 0,
        Verdict::Broken(_) => 1,
        Verdict::Unknown(_) => 3,
    })
}

fn read_input(args: &Args) -> Result<Input, ReadError> {
    let path = &args.file;
    let input = import::read(path, args.format.format(), Limits::default())?;
    if let Input::KeySpace(history) = &input
        && let Err(contradiction) = assumptions(history)
    {
        return Err(ReadError {
            file: path.display().to_string(),
            line: line_of(path, contradiction.place),
            cause: format!("{}: {}", contradiction.what, contradiction.cause),
            remedy: contradiction.remedy.to_owned(),
        });
    }
    Ok(input)
}

/// The line of a record; blank lines may lie before it.
fn line_of(path: &Path, place: usize) -> Option<u64> {
    let file = std::io::BufReader::new(std::fs::File::open(path).ok()?);
    let mut reader = Reader::new(String::new(), file, Limits::default()).ok()?;
    reader.nth(place)?.ok()?;
    Some(reader.line())
}

#[derive(Serialize)]
struct Json<'a> {
    file: String,
    #[serde(flatten)]
    report: &'a Report,
}

fn json(file: &Path, report: &Report) -> String {
    let json = Json { file: file.display().to_string(), report };
    let mut line = serde_json::to_string(&json).expect("plain values serialize");
    line.push('\n');
    line
}

fn page(file: &Path, input: &Input, report: &Report) -> String {
    use std::fmt::Write as _;
    let figures = &report.figures;
    let mut page = format!(
        "{}: {}\n  {} operations ok, {} failed, {} unknown ({} placed); {} revisions; {} watchers, \
         {} events\n",
        file.display(),
        report.verdict.name(),
        figures.ok,
        figures.fail,
        figures.unknown,
        figures.placed,
        figures.revisions,
        figures.watchers,
        figures.events,
    );
    let (checker, reason, evidence) = match &report.verdict {
        Verdict::Legal => return page,
        Verdict::Broken(violation) => (violation.checker, &violation.reason, &violation.evidence),
        Verdict::Unknown(doubt) => (doubt.checker, &doubt.reason, &doubt.evidence),
    };
    let _ = writeln!(page, "  {checker}: {reason}");
    let Input::KeySpace(history) = input else { return page };
    for id in evidence {
        if let Some(record) = history.records.iter().find(|record| record.id == *id) {
            let _ = writeln!(page, "    {}", line(record));
        }
    }
    page
}

/// A record as in the file, cut where it gets long.
fn line(record: &Record) -> String {
    const MOST: usize = 400;
    let mut line = serde_json::to_string(record).expect("plain values serialize");
    if line.len() > MOST {
        let end = (0..=MOST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}

//! Follows a recording while it is written, and judges each line as early as possible.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use mettle_check::import::Input;
use mettle_checker::follow::{FollowOptions, Follower};
use mettle_checker::history::{History, Limits, Line, ReadError, Reader};
use mettle_checker::{Contradiction, Report};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::args::Args;
use super::judged::{Exit, Judged};
use super::progress::Progress;
use super::{complain, say};

/// The pause at the end of a file before the next read.
const PAUSE: Duration = Duration::from_millis(100);
/// The number of records between judgements; a small number reports a violation soon.
const WINDOW: usize = 1_024;

/// Follows the file of the command line until there is a verdict.
pub(crate) fn follow(args: &Args) -> Exit {
    let usage = if args.files.len() > 1 {
        Some("--follow takes one recording")
    } else if args.format().is_some_and(|format| format.name() != "v1") {
        Some("--follow takes a recording in our own format, v1")
    } else {
        None
    };
    if let Some(usage) = usage {
        complain(&format!("{usage}; see --help"));
        return Exit::BadInput;
    }
    let path = &args.files[0];
    let file = path.display().to_string();
    let outcome = followed(path, args).map(|Followed { history, report, unjudged }| {
        if unjudged > 0 {
            complain(&format!(
                "{file}: {unjudged} answers were about revisions or leases of which nothing is kept any \
                 more, and were not judged"
            ));
        }
        (Input::KeySpace(history), report)
    });
    let judged = Judged { file, outcome };
    say(args, &judged);
    judged.exit()
}

struct Followed {
    /// The records that the verdict names.
    history: History,
    report: Report,
    unjudged: u64,
}

fn followed(path: &Path, args: &Args) -> Result<Followed, ReadError> {
    let name = path.display().to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let bad = |cause: String, remedy: &str| ReadError {
        file: name.clone(),
        line: None,
        cause,
        remedy: remedy.to_owned(),
    };
    interrupts(&stop).map_err(|error| {
        bad(format!("interrupts cannot be caught: {error}"), "report this, with the system's name")
    })?;
    let source = Source::open(path, args.until_end, Arc::clone(&stop))
        .map_err(|error| bad(format!("cannot be opened: {error}"), "check the path"))?;
    let limits = Limits { total_bytes: u64::MAX, memory_bytes: u64::MAX, ..Limits::default() };
    let mut reader = Reader::new(name.clone(), BufReader::with_capacity(1 << 16, source), limits)?;
    let whole = args.options();
    let mettle_checker::Options { steps, lease_tolerance_ns, memory_bytes, cluster } = whole;
    let options = FollowOptions {
        steps,
        lease_tolerance_ns,
        memory_bytes,
        cluster,
        window: WINDOW,
        ..FollowOptions::default()
    };
    let mut follower = Follower::new(reader.origin().clone(), options);
    let progress = Progress::new(&name, 1, 1);
    let mut whole = false;
    while let Some(line) = reader.next_line() {
        let done = match line {
            Ok(Line::Record(record)) => follower.push(record),
            Ok(Line::CalledBefore(ns)) => follower.called_before(ns),
            Ok(Line::End) => {
                whole = true;
                break;
            }
            // The interrupt left the last line unfinished.
            Err(_) if stop.load(Ordering::Relaxed) => break,
            Err(error) => return Err(error),
        };
        let said = done.map_err(|found| wrong(&name, &found, Some(reader.line())))?;
        if said.decided {
            whole = true;
            break;
        }
        if said.records % 1_000 == 0 {
            progress.show(&format!(
                "{} records, {} kept, judged up to revision {}",
                said.records, said.kept, said.revision
            ));
        }
    }
    drop(progress);
    let cut = !whole && stop.load(Ordering::Relaxed);
    let report = if cut { follower.interrupt() } else { follower.finish() };
    let report = report.map_err(|found| wrong(&name, &found, None))?;
    let (origin, records) = (reader.origin().clone(), follower.evidence().to_vec());
    let history = History { origin, records };
    Ok(Followed { history, report, unjudged: follower.unjudged() })
}

fn wrong(file: &str, found: &Contradiction, line: Option<u64>) -> ReadError {
    let cause = format!("{}: {}", found.what, found.cause);
    ReadError { file: file.to_owned(), line, cause, remedy: found.remedy.to_owned() }
}

/// The first interrupt ends the recording, the second one the program.
fn interrupts(stop: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
    }
    Ok(())
}

/// The bytes of a recording. At the end of a file it waits for more.
struct Source {
    bytes: Box<dyn Read>,
    grows: bool,
    stop: Arc<AtomicBool>,
    /// A channel that never delivers: waiting for it is a pause.
    pause: (Sender<()>, Receiver<()>),
}

impl Source {
    fn open(path: &Path, until_end: bool, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let (bytes, grows): (Box<dyn Read>, bool) = if path.as_os_str() == "-" {
            (Box::new(io::stdin()), false)
        } else {
            let file = File::open(path)?;
            let kind = file.metadata()?.file_type();
            if kind.is_dir() {
                return Err(io::Error::other("a folder is not a recording"));
            }
            (Box::new(file), kind.is_file() && !until_end)
        };
        Ok(Source { bytes, grows, stop, pause: mpsc::channel() })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.bytes.read(buffer)?;
            if read > 0 || !self.grows || self.stop.load(Ordering::Relaxed) {
                return Ok(read);
            }
            let _ = self.pause.1.recv_timeout(PAUSE);
        }
    }
}

//! Which format a file has, by its content.

use std::io::Read;
use std::path::Path;

use super::source::{Source, Stream};
use super::{Input, NO_HISTORY, bad, edn, etcd, log, registers};
use mettle_checker::assumptions;
use mettle_checker::history::binary::MAGIC;
use mettle_checker::history::{History, Limits, ReadError, read_stream};

/// The formats that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own, newline-delimited JSON; a compact one is taken too.
    V1,
    /// Our own, compact.
    Binary,
    /// A report folder of etcd's robustness tests.
    Etcd,
    /// A log of Jepsen's etcd tests.
    Jepsen,
    /// porcupine's key-value histories.
    Porcupine,
    /// Knossos' register histories.
    Knossos,
}

/// Text formats are read whole; larger files are refused.
const MOST_TEXT_BYTES: u64 = 128 << 20;
/// So many bytes are taken for a byte of such a text, itself included, until it is read.
const TEXT_WEIGHT: u64 = 24;

/// Reads a history in a format, or in the one that its content shows. The path `-` is standard
/// input. A history of etcd's that contradicts itself (see [`assumptions`](mettle_checker::assumptions)) is
/// refused.
pub fn read(path: &Path, format: Option<Format>, limits: Limits) -> Result<Input, ReadError> {
    let name = path.display().to_string();
    match (Source::open(path)?, format) {
        (Source::Folder, None | Some(Format::Etcd)) => {
            let (history, places) = etcd::read(path, limits)?;
            report(&name, history, &places)
        }
        (Source::Folder, Some(_)) => {
            Err(bad(&name, None, "is a folder", "name the history file inside it"))
        }
        (Source::Stream(stream), _) => content(&name, stream, format, limits),
    }
}

/// As [`read`] does, from anything that gives bytes; `name` is for errors.
pub fn read_from(
    name: &str,
    from: Box<dyn Read>,
    format: Option<Format>,
    limits: Limits,
) -> Result<Input, ReadError> {
    content(name, Stream::new(name, from, None)?, format, limits)
}

/// The report of one client of etcd's robustness tests: what its two files hold.
pub fn read_report(operations: &[u8], watches: &[u8]) -> Result<Input, ReadError> {
    let (history, places) = etcd::of_one(operations, watches)?;
    report("the report", history, &places)
}

fn report(name: &str, history: History, places: &etcd::Places) -> Result<Input, ReadError> {
    let place = |place| places.of(place).map(|(file, line)| (Some(file), line));
    consistent(name, history, place).map(Input::KeySpace)
}

fn content(
    name: &str,
    stream: Stream,
    format: Option<Format>,
    limits: Limits,
) -> Result<Input, ReadError> {
    match format.or_else(|| detect(stream.head())) {
        None if is_compressed(stream.head()) => {
            Err(bad(name, None, "is not a text, but compressed", "unpack it, or pipe it in with -"))
        }
        None if !looks_like_text(stream.head()) => {
            Err(bad(name, None, "is not a text", NO_HISTORY))
        }
        // Where nothing is known, the usual reader says best what is wrong with the first line.
        Some(Format::V1 | Format::Binary) | None => {
            let (history, lines) = read_stream(name.to_owned(), stream.whole(), limits)?;
            let line = |place| lines.line(place).map(|line| (None, line));
            consistent(name, history, line).map(Input::KeySpace)
        }
        Some(Format::Etcd) => {
            let cause = "is a file, at most one client's part of a report of etcd's";
            Err(bad(name, None, cause, "name the folder of the client-* folders"))
        }
        Some(as_format) => {
            let room = limits.memory_bytes / TEXT_WEIGHT;
            let most = limits.total_bytes.min(MOST_TEXT_BYTES).min(room);
            let text = stream.text(name, most)?;
            operations(name, &text, (as_format, format.is_none()))
        }
    }
}

/// Refuses a recording that contradicts itself, with the file, if it is another, and the line.
fn consistent(
    name: &str,
    history: History,
    place: impl Fn(usize) -> Option<(Option<String>, u64)>,
) -> Result<History, ReadError> {
    match assumptions(&history) {
        Ok(()) => Ok(history),
        Err(contradiction) => {
            let mut cause = format!("{}: {}", contradiction.what, contradiction.cause);
            let (file, line) = place(contradiction.place).unzip();
            if line.is_none() {
                cause = format!("record {}, {cause}", contradiction.place + 1);
            }
            Err(ReadError {
                file: file.flatten().unwrap_or_else(|| name.to_owned()),
                line,
                cause,
                remedy: contradiction.remedy.to_owned(),
            })
        }
    }
}

/// Logs of calls and returns. What the first bytes take for Knossos' is porcupine's if it has keys.
fn operations(
    name: &str,
    text: &str,
    (format, detected): (Format, bool),
) -> Result<Input, ReadError> {
    let events = match format {
        Format::Jepsen => log::jepsen(name, text)?,
        _ => edn::events(name, text)?,
    };
    if events.is_empty() {
        return Err(bad(name, None, "holds no operation", "is it of another format?"));
    }
    let keys = events.iter().any(|event| event.key.is_some());
    if format == Format::Porcupine || detected && keys {
        return registers::strings(name, &events).map(Input::Strings);
    }
    let observed = format == Format::Jepsen;
    registers::register(name, &events, observed)
}

/// The format that the first bytes show.
fn detect(head: &[u8]) -> Option<Format> {
    if head.starts_with(&MAGIC) {
        return Some(Format::Binary);
    }
    // The head may end inside a character; and what is no text behind the first lines gets an error
    // with its line later.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
    };
    let text = text.trim_start_matches('\u{feff}');
    let is_text = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(';');
    let first = text.lines().find(is_text)?.trim_start();
    if let Some(rest) = first.strip_prefix('{').map(str::trim_start) {
        if rest.starts_with("\"ClientId\"") || rest.starts_with("\"Request\"") {
            return Some(Format::Etcd);
        }
        if rest.starts_with('"') {
            return Some(Format::V1);
        }
    }
    if text.lines().any(|line| line.contains("jepsen.util")) {
        return Some(Format::Jepsen);
    }
    let operations = text.contains(":process") || text.contains(":invoke");
    (first.starts_with(['{', '[', '(', '#']) && operations).then_some(Format::Knossos)
}

/// By gzip, zstd, bzip2, xz or zip.
fn is_compressed(head: &[u8]) -> bool {
    const MARKS: [&[u8]; 5] =
        [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"];
    MARKS.iter().any(|mark| head.starts_with(mark))
}

fn looks_like_text(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(text) => !text.contains('\0'),
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    }
}

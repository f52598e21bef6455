//! Records of a history as text, for the reasons of verdicts, terminals and pages: short enough for
//! a line, exact enough to show a contradiction.

mod answer;
mod fold;
mod mismatch;
mod request;
pub mod row;
mod together;

use std::fmt::Write as _;

use crate::history::{Blob, EXPIRY_PROCESS, Op, Record, Request};

pub use answer::{answer, describe_answer, revision};
pub use fold::folded;
pub(crate) use mismatch::mismatch;
pub use request::request;
pub(crate) use request::{event, key_value};
pub use together::together;

/// The most keys or events that are named; the rest is counted.
const NAMED: usize = 4;
/// The most characters shown of a value.
const VALUE_CHARS: usize = 32;
/// The most characters of a request in the middle of a sentence.
const SENTENCE_CHARS: usize = 160;

/// `put /a=v7 by c3`, for the middle of a sentence.
pub fn describe(record: &Record) -> String {
    if let (Request::LeaseRevoke(lease), EXPIRY_PROCESS) = (&record.request, record.process) {
        return format!("the expiry of lease {}", lease.id);
    }
    format!("{} by {}", cut(&request(&record.request), SENTENCE_CHARS), who(record.process))
}

/// `c3`: the client that is process 3.
pub fn who(process: u64) -> String {
    format!("c{process}")
}

/// `12.345678 s`
pub fn time(ns: u64) -> String {
    let micros = ns / 1000;
    format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
}

/// A span of time with a fitting unit: `12.3 ms`.
pub fn duration(ns: u64) -> String {
    let parts = |unit: u64| (ns / unit, ns % unit * 10 / unit);
    let (unit, name) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    match parts(unit) {
        (whole @ 0..10, tenths @ 1..) => format!("{whole}.{tenths} {name}"),
        (whole, _) => format!("{whole} {name}"),
    }
}

/// `12 ms after`: the arrival of a record relative to an earlier one.
pub(crate) fn since(record: &Record, earlier: &Record) -> String {
    if record.id == earlier.id {
        return "in the same response as".to_owned();
    }
    match record.call_ns.saturating_sub(earlier.call_ns) {
        0 => "right after".to_owned(),
        gap => format!("{} after", duration(gap)),
    }
}

/// The time of one operation relative to another: `answered 12 ms before the read began`.
pub(crate) fn relative(record: &Record, to: &Record) -> String {
    let came = to.request.op() == Op::WatchResponse;
    let (begun, done) = if came { ("came", "had come") } else { ("began", "had been answered") };
    match (record.return_ns, to.return_ns) {
        (Some(returned), _) if returned < to.call_ns => {
            format!("answered {} before the {} {begun}", duration(to.call_ns - returned), noun(to))
        }
        (_, Some(returned)) if returned < record.call_ns => {
            let gap = duration(record.call_ns - returned);
            format!("called {gap} after the {} {done}", noun(to))
        }
        (Some(_), _) => "running at the same time".to_owned(),
        (None, _) => "never answered".to_owned(),
    }
}

/// `1 write`, `9 writes`.
pub(crate) fn count(number: usize, one: &str) -> String {
    let more = if number == 1 { "" } else { "s" };
    format!("{number} {one}{more}")
}

/// The kind of an operation, for the middle of a sentence.
pub(crate) fn noun(record: &Record) -> &'static str {
    record.request.op().noun()
}

/// A range of keys in short form.
pub(crate) fn span(key: &Blob, range_end: &Blob) -> String {
    let (first, end) = (key.as_slice(), range_end.as_slice());
    if end.is_empty() {
        return short(key);
    }
    if end == [0] {
        return if first <= [0].as_slice() {
            "all keys".to_owned()
        } else {
            format!("{} …", short(key))
        };
    }
    let prefix = first.split_last().is_some_and(|(last, head)| {
        end.split_last()
            .is_some_and(|(end, rest)| rest == head && Some(*end) == last.checked_add(1))
    });
    if prefix {
        format!("{}*", short(key))
    } else {
        format!("{} … {}", short(key), short(range_end))
    }
}

/// A key or a value, cut to a bound.
pub(crate) fn short(blob: &Blob) -> String {
    let text = blob.to_string();
    if text.is_empty() { "\"\"".to_owned() } else { cut(&text, VALUE_CHARS) }
}

/// The first characters of a text.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first few elements by name, and the number of the rest.
fn named<T>(all: &[T], name: fn(&T) -> String) -> String {
    let mut text = all.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
    if all.len() > NAMED {
        let _ = write!(text, " and {} more", all.len() - NAMED);
    }
    text
}

/// `last written by put /a=1 by c3 at revision 7, answered 12 ms before the read began`
pub(crate) fn last_written(revision: i64, writer: &Record, seen_by: &Record) -> String {
    format!(
        "last written by {} at revision {revision}, {}",
        describe(writer),
        relative(writer, seen_by)
    )
}

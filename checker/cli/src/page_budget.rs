//! Counts the memory of a page from its rows before the page is begun; `tests/memory.rs` compares
//! the count with a counting allocator.

use std::collections::BTreeSet;

use crate::import::Input;
use crate::rows::each;
use mettle_checker::Report;
use mettle_checker::budget::CHANGE;
use mettle_checker::changes::{MOST_KEYS, MOST_RECORDS};
use mettle_checker::history::weight::weight;
use mettle_checker::history::{PlainOp, Record, Request};
use mettle_checker::words::row::Row;
use mettle_page::scene::{ALL_ROWS, NEAR_ROWS};

/// The frame, style and scripts of an empty page, with the copies made while they are joined.
const FRAME: u64 = 320 << 10;
/// For a drawn row: its columns, in lists that may be half empty, its places among the words, and
/// its numbers in the text.
const DRAWN: u64 = 560;
/// For a process: its lane, and the search for its successor.
const PROCESS: u64 = 320;
/// For a shown key of a write: its words, in three places, and its numbers.
const SHOWN: u64 = 760;
/// For an operation of a log: its string.
const LOGGED: u64 = 96;

/// The rows of a history; or the bytes needed, if the page and the history together exceed the
/// bound.
pub(crate) fn rows_within(
    input: &Input,
    report: &Report,
    memory_bytes: u64,
) -> Result<Vec<Row>, u64> {
    let (count, row_bytes) = (input.len(), size_of::<Row>() as u64);
    let mut needed = FRAME + held(input);
    // Sorting takes half as much again.
    needed += count as u64 * row_bytes * 3 / 2;
    let room = |needed: u64| needed <= memory_bytes;
    let mut rows = Vec::with_capacity(if room(needed) { count } else { 0 });
    let mut drawn = Drawn::default();
    for row in each(input, &report.placed) {
        drawn.add(&row);
        needed += (row.ask.capacity() + row.say.capacity()) as u64;
        if room(needed + drawn.bytes()) {
            rows.push(row);
        } else {
            rows = Vec::new();
        }
    }
    needed += drawn.bytes();
    if room(needed) { Ok(rows) } else { Err(needed) }
}

/// The bytes of the rows that are drawn: all rows, or the longest ones.
#[derive(Default)]
struct Drawn {
    count: u64,
    text: u64,
    longest: u64,
    processes: BTreeSet<u64>,
}

impl Drawn {
    fn add(&mut self, row: &Row) {
        let text = written(&row.ask) + written(&row.say);
        self.count += 1;
        self.text += text;
        self.longest = self.longest.max(text);
        self.processes.insert(row.process);
    }

    fn bytes(&self) -> u64 {
        let (drawn, text) = if self.count > ALL_ROWS as u64 {
            let drawn = NEAR_ROWS as u64;
            (drawn, self.text.min(drawn * self.longest))
        } else {
            (self.count, self.text)
        };
        drawn * DRAWN + text + PROCESS * self.processes.len() as u64
    }
}

/// The bytes of a text among the words and in a page that may be half empty; some characters are
/// escaped.
fn written(text: &str) -> u64 {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 | b'<' => 6,
        _ => 1,
    };
    text.len() as u64 + 2 * text.bytes().map(byte).sum::<u64>()
}

/// The bytes of the history, and of the replay that shows changes.
fn held(input: &Input) -> u64 {
    let history = match input {
        Input::KeySpace(history) => history,
        Input::Register(operations) => {
            return size_of_val(operations.as_slice()) as u64 + LOGGED * operations.len() as u64;
        }
        Input::Registers(operations) => {
            let keys: usize = operations.iter().map(|(key, _)| key.len()).sum();
            let each = size_of_val(operations.as_slice()) + keys;
            return each as u64 + LOGGED * operations.len() as u64;
        }
        Input::Strings(operations) => {
            return size_of_val(operations.as_slice()) as u64 + LOGGED * operations.len() as u64;
        }
    };
    let records = &history.records;
    let spare = (records.capacity() - records.len()) * size_of::<Record>();
    let own: u64 = records.iter().map(weight).sum();
    let replay: u64 =
        if records.len() > MOST_RECORDS { 0 } else { records.iter().map(replayed).sum() };
    spare as u64 + own + replay
}

fn replayed(record: &Record) -> u64 {
    let keys = keys(&record.request);
    if keys == 0 {
        return 0;
    }
    let request = 2 * size_of::<Request>() as u64 + weight(record) - size_of::<Record>() as u64;
    request + CHANGE * keys + SHOWN * keys.min(MOST_KEYS as u64 + 1)
}

/// The most keys that a request may change; for a deletion the keys shown.
fn keys(request: &Request) -> u64 {
    if matches!(request, Request::LeaseRevoke(_)) {
        return MOST_KEYS as u64;
    }
    let each = request.ops().map(|op| match op {
        PlainOp::Range(_) => 0,
        PlainOp::Put(_) => 1,
        PlainOp::DeleteRange(delete) => deleted(delete.range_end.is_empty()),
    });
    each.sum()
}

fn deleted(one: bool) -> u64 {
    if one { 1 } else { MOST_KEYS as u64 }
}

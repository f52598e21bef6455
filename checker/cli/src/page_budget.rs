//! How much memory a page takes, counted from its rows as they are made, so that one that does not
//! fit is not begun (`tests/memory.rs` holds that against an allocator that counts).

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

/// The page of nothing: its frame, style and scripts, copied as they are put together.
const FRAME: u64 = 320 << 10;
/// A row that is drawn: its columns, lists that may be half empty; its places among the words; its
/// numbers in the text.
const DRAWN: u64 = 560;
/// A process: its lane, and whether another goes on in it.
const PROCESS: u64 = 320;
/// A key of a write that is shown: its words, in three places, and its numbers.
const SHOWN: u64 = 760;
/// An operation of a log beside itself: its string.
const LOGGED: u64 = 96;

/// The rows of whatever was read; or, where the page of them takes more than so much together with
/// what was read, how much that is.
pub(crate) fn rows_within(
    input: &Input,
    report: &Report,
    memory_bytes: u64,
) -> Result<Vec<Row>, u64> {
    let (count, row_bytes) = (input.len(), size_of::<Row>() as u64);
    let mut needed = FRAME + held(input);
    // To sort them takes half as much again.
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

/// What the rows that are drawn take, of all or of the longest ones.
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

/// A text among the words, and in a page that may be half empty, where some characters are longer.
fn written(text: &str) -> u64 {
    let byte = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 | b'<' => 6,
        _ => 1,
    };
    text.len() as u64 + 2 * text.bytes().map(byte).sum::<u64>()
}

/// What was read, and what it takes to say what each write changed.
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

/// How many keys a request may change; of a deletion those that are shown.
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

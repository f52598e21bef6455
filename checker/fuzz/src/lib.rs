//! What fuzzing asks of every importer: whatever the bytes are, there is an answer and no panic, and
//! what was read survives being written and read again, and can be judged.

use std::io::Cursor;

use mettle_check::import::{Format, Input, read_from, read_report};
use mettle_check::judge;
use mettle_checker::history::binary::MAGIC;
use mettle_checker::history::{History, Limits, read_stream};
use mettle_checker::{Options, check};

/// So few steps that a judgement takes milliseconds; it may then be "unknown".
fn options() -> Options {
    Options { steps: 2_000, ..Options::default() }
}

/// The checker's own lines of JSON.
pub fn lines(bytes: &[u8]) {
    read(bytes, Format::named("v1"));
}

/// The records of a compact file, in a frame with the right checksums, which no fuzzer guesses.
pub fn binary(content: &[u8]) {
    let count = content.first().copied().unwrap_or(0);
    let mut file = MAGIC.to_vec();
    let rest = content.get(1..).unwrap_or_default();
    for content in [b"\0{\"version\":1}", &[&[1], rest].concat()[..], &[2, count]] {
        file.extend((content.len() as u32).to_le_bytes());
        file.extend(crc32c::crc32c(content).to_le_bytes());
        file.extend(content);
    }
    read(&file, Format::named("binary"));
    read(content, Format::named("binary"));
}

/// A client's two files, with a zero byte between them.
pub fn etcd(bytes: &[u8]) {
    let mut files = bytes.splitn(2, |byte| *byte == 0);
    let (operations, watches) = (files.next().unwrap_or(&[]), files.next().unwrap_or(&[]));
    if let Ok(input) = read_report(operations, watches) {
        done(&input);
    }
}

/// Jepsen's logs.
pub fn jepsen(bytes: &[u8]) {
    read(bytes, Format::named("jepsen"));
}

/// Knossos' registers.
pub fn knossos(bytes: &[u8]) {
    read(bytes, Format::named("knossos"));
}

/// porcupine's strings.
pub fn porcupine(bytes: &[u8]) {
    read(bytes, Format::named("porcupine"));
}

/// The format whose place in the table of formats the first byte is.
pub fn named(bytes: &[u8]) {
    let Some((place, content)) = bytes.split_first() else { return };
    let formats: Vec<Format> = Format::all().collect();
    read(content, Some(formats[usize::from(*place) % formats.len()]));
}

/// The format that the bytes show.
pub fn any(bytes: &[u8]) {
    read(bytes, None);
}

fn read(bytes: &[u8], format: Option<Format>) {
    let from = Box::new(Cursor::new(bytes.to_vec()));
    match read_from("fuzz", from, format, Limits::default()) {
        Ok(input) => done(&input),
        Err(error) => assert!(error.to_string().starts_with("fuzz")),
    }
}

fn done(input: &Input) {
    if let Input::KeySpace(history) = input {
        let lines = history.write_to(Vec::new()).expect("memory");
        assert_eq!(&again(&lines), history, "as lines");
        let binary = history.write_binary_to(Vec::new()).expect("memory");
        assert_eq!(&again(&binary), history, "in the compact form");
        check(history, &options());
    } else {
        judge(input, &options());
    }
}

fn again(bytes: &[u8]) -> History {
    let read = read_stream("again".to_owned(), bytes, Limits::default());
    read.unwrap_or_else(|error| panic!("what was read is refused: {error}")).0
}

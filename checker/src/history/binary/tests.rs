//! There and back, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::history::tests::sample;
use crate::history::{History, Limits, Op, ReadError, Record, StreamRef, read_stream};

fn back(bytes: &[u8]) -> Result<History, ReadError> {
    read_stream("bytes".to_owned(), bytes, Limits::default()).map(|(history, _)| history)
}

fn refused(bytes: &[u8]) -> String {
    back(bytes).expect_err("must be refused").to_string()
}

fn written(history: &History) -> Vec<u8> {
    history.write_binary_to(Vec::new()).unwrap()
}

/// A block as it stands in a file.
fn block(content: &[u8]) -> Vec<u8> {
    let mut block = (content.len() as u32).to_le_bytes().to_vec();
    block.extend(crc32c::crc32c(content).to_le_bytes());
    block.extend(content);
    block
}

fn file(blocks: &[&[u8]]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(block(b"\0{\"version\":1}"));
    for content in blocks {
        file.extend(block(content));
    }
    file
}

#[test]
fn written_is_read_back() {
    let history = sample();
    assert_eq!(back(&written(&history)).unwrap(), history);
    assert_eq!(back(&written(&History::default())).unwrap(), History::default());
}

#[test]
fn several_blocks_are_one_history() {
    let mut history = sample();
    let some = history.records.clone();
    for round in 0..5_000 {
        history.records.extend(some.iter().cloned().map(|record| Record {
            id: record.id + 100 * round,
            call_ns: u64::MAX - 40 - record.call_ns,
            return_ns: record.return_ns.map(|_| u64::MAX - record.call_ns / 2),
            ..record
        }));
    }
    let bytes = written(&history);
    assert!(bytes.len() > 2 * (256 << 10), "{} bytes", bytes.len());
    assert_eq!(back(&bytes).unwrap(), history);
}

/// The bytes of a small file, so that nobody changes the format unaware.
#[test]
fn the_format_stays() {
    let progress =
        Record::sent(9, 3, 2, 7, crate::history::Request::WatchEnd(StreamRef { stream: 4 }));
    let history = History { records: vec![progress], ..History::default() };
    let records = [RECORDS, 9, 0, 18, 3, 2, 14, 0, 1, 4];
    assert_eq!(written(&history), file(&[&records, &[END, 1]]));
}

#[test]
fn every_kind_has_a_number() {
    let kinds = Op::ALL.iter().map(|op| op.byte());
    let kinds: std::collections::BTreeSet<u8> = kinds.collect();
    assert_eq!(kinds.len(), Op::ALL.len());
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let mut history = sample();
    history.records[0].return_ns = None;
    let error = history.write_binary_to(Vec::new()).expect_err("refused").to_string();
    assert!(error.contains("record 1: no return_ns"), "{error}");
}

#[test]
fn every_cut_is_noticed() {
    let bytes = written(&sample());
    for cut in 8..bytes.len() {
        let error = refused(&bytes[..cut]);
        assert!(error.starts_with("bytes: at byte "), "{cut}: {error}");
    }
    assert!(refused(&bytes[..bytes.len() - 10]).contains("stops before its last block"));
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = written(&sample());
    for place in 8..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[place] ^= 0x10;
        refused(&bytes);
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let good: &[u8] = &[RECORDS, 9, 0, 18, 3, 2, 14, 0, 1, 4];
    let cases: [(&[&[u8]], &str); 9] = [
        (&[&[]], "at byte 38: a block of a kind not known here"),
        (&[&[7]], "a block of a kind not known here"),
        (&[good, &[END, 2]], "the last block counts other records, after 1 records"),
        (&[good, &[END, 1, 0]], "counts other records"),
        (&[good, &[END, 1], good], "something follows the last block"),
        (&[&[RECORDS, 99]], "at byte 40: a kind of record that is not known here"),
        (&[&[RECORDS, 9, 0, 18, 3, 2, 14, 0, 2, 4]], "a field that is not known here"),
        (&[&[RECORDS, 1, 0, 18, 3, 2, 14, 0, 1, 5]], "a text that did not come before"),
        (&[&[RECORDS, 9, 0, 18, 3, 2]], "stops inside a record"),
    ];
    for (blocks, expected) in cases {
        let error = refused(&file(blocks));
        assert!(error.contains(expected), "{blocks:?}: {error}");
    }
    let mut long = MAGIC.to_vec();
    long.extend([0xff; 8]);
    assert!(refused(&long).contains("a block is longer than"));
}

/// A record whose transaction holds itself again and again.
#[test]
fn deep_nesting_is_refused() {
    let mut content = vec![RECORDS, 3, 2, 2, 1, 1, 0];
    for _ in 0..100_000 {
        content.extend([0b010, 1, 3]); // success: one operation, a transaction
    }
    assert!(refused(&file(&[&content])).contains("nested too deeply"));
}

proptest! {
    #[test]
    fn garbage_never_panics(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = back(&file(&[&content]));
        let mut content = content;
        content.insert(0, RECORDS);
        let _ = back(&file(&[&content]));
    }

    #[test]
    fn mangled_records_never_panic(at in 0usize..400, byte in any::<u8>()) {
        let bytes = written(&sample());
        let from = MAGIC.len() + 8;
        let origin = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize;
        let length = u32::from_le_bytes(bytes[from + origin..][..4].try_into().unwrap()) as usize;
        let mut content = bytes[from + origin + 8..][..length].to_vec();
        let place = at % content.len();
        content[place] = byte;
        let _ = back(&file(&[&content, &[END, 9]]));
    }
}

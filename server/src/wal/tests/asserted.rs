//! What must not be on the disk is not written: the writer asserts it.

use super::*;

/// What is appended after one entry of term 1, committed.
fn append_after_one(wrong: AppendBatch) {
    let (mut wal, _) = open(&MemoryDisk::default()).unwrap();
    now(wal.append(&batch(Some(hard(1, 2, 1)), vec![entry(1, 1, "one")]))).unwrap();
    let _ = now(wal.append(&wrong));
}

#[test]
#[should_panic(expected = "an entry follows another in a batch")]
fn a_gap_in_a_batch_is_not_written() {
    append_after_one(batch(None, vec![entry(2, 1, "a"), entry(4, 1, "b")]));
}

#[test]
#[should_panic(expected = "entry 1 overwrites commit 1")]
fn a_committed_entry_is_not_overwritten() {
    append_after_one(batch(None, vec![entry(1, 2, "other")]));
}

#[test]
#[should_panic(expected = "hard state of term 0 after term 1")]
fn a_term_that_goes_back_is_not_written() {
    append_after_one(batch(Some(hard(0, 0, 1)), vec![]));
}

#[test]
#[should_panic(expected = "commit index 2 in a log that ends at 1")]
fn a_commit_index_behind_the_log_is_not_written() {
    append_after_one(batch(Some(hard(1, 2, 2)), vec![]));
}

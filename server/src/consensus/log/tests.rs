//! States of a log that must not be are noticed.

use super::*;
use crate::consensus::types::{HardState, Payload};

/// Five entries, all durable; three committed, two applied.
fn log() -> Log {
    let entry = |index| Entry { term: 1 + index / 4, index, payload: Payload::Empty };
    let hard_state = HardState { term: 2, vote: 0, commit: 3 };
    let entries = (1..=5).map(entry).collect();
    let stored = Stored { hard_state, entries, applied: 2, ..Stored::default() };
    let log = Log::new(stored);
    log.check_invariants();
    log.scan_entries();
    log
}

fn broken(change: impl FnOnce(&mut Log)) {
    let mut log = log();
    change(&mut log);
    log.check_invariants();
    log.scan_entries();
}

#[test]
#[should_panic(expected = "applied 4 <= applying 2")]
fn what_is_applied_was_given_to_the_state_machine() {
    broken(|log| log.applied = 4);
}

#[test]
#[should_panic(expected = "applying 4 <= commit 3")]
fn what_is_not_committed_is_not_applied() {
    broken(|log| log.applying = 4);
}

#[test]
#[should_panic(expected = "commit 6 <= last 5")]
fn nothing_is_committed_behind_the_end() {
    broken(|log| log.commit = 6);
}

#[test]
#[should_panic(expected = "stable 5 <= in progress 4")]
fn what_is_durable_was_given_to_storage() {
    broken(|log| log.in_progress = 4);
}

#[test]
#[should_panic(expected = "in progress 6 <= last 5")]
fn nothing_is_written_behind_the_end() {
    broken(|log| log.in_progress = 6);
}

#[test]
#[should_panic(expected = "applying 2 <= stable 1")]
fn what_is_applied_is_durable() {
    broken(|log| log.stable = 1);
}

#[test]
#[should_panic(expected = "ends after")]
fn claims_never_end_earlier() {
    broken(|log| {
        let claim = |token, last| Claim { token: AppendToken(token), last };
        log.claims.extend([claim(1, 5), claim(2, 4)]);
    });
}

#[test]
#[should_panic(expected = "an entry follows entry 1")]
fn a_gap_is_noticed() {
    broken(|log| log.entries[1].index = 7);
}

#[test]
#[should_panic(expected = "of term 1 follows one of term 2")]
fn a_term_that_falls_is_noticed() {
    broken(|log| log.entries[4].term = 1);
}

//! The evidence of a history without an order is as small as it gets: those answers alone contradict
//! each other, and without any one of them there is an order.

use crate::world::damage::damage;
use crate::world::{Dice, Shape, legal};
use mettle_checker::history::*;
use mettle_checker::{Options, Verdict, Violation, check};

/// What is left when only some answers are known: reads go, writes become lost if they are to.
fn forgotten(history: &History, kept: &[u64], writes: bool) -> History {
    let mut left = History { origin: history.origin.clone(), records: Vec::new() };
    for record in &history.records {
        if !record.request.op().is_operation() {
            continue;
        }
        let mut record = record.clone();
        if !kept.contains(&record.id) && record.outcome != Outcome::Unknown {
            if !changed(&record) {
                continue;
            }
            if writes {
                left.records.push(record);
                continue;
            }
            record =
                Record { return_ns: None, outcome: Outcome::Unknown, response: None, ..record };
            // A lost outcome ends its process.
            record.process += 1_000 * (record.id + 1);
        }
        left.records.push(record);
    }
    left
}

fn changed(record: &Record) -> bool {
    match &record.response {
        Some(Response::Put(_) | Response::Compact(_)) => true,
        Some(Response::DeleteRange(answer)) => answer.deleted > 0,
        Some(Response::Txn(answer)) => changes(answer),
        _ => false,
    }
}

fn changes(answer: &TxnResponse) -> bool {
    answer.responses.iter().any(|response| match response {
        ResponseOp::Put(_) => true,
        ResponseOp::DeleteRange(delete) => delete.deleted > 0,
        ResponseOp::Txn(inner) => changes(inner),
        ResponseOp::Range(_) => false,
    })
}

/// Enough for histories this small, mostly.
fn options(steps: u64) -> Options {
    Options { steps, ..Options::default() }
}

fn broken(history: &History) -> bool {
    matches!(check(history, &options(200_000)).verdict, Verdict::Broken(_))
}

/// Histories of one size, altered in several ways. Whether the acknowledged writes stay known is
/// told in words.
fn smallest(seeds: u64, operations: u64, writes: bool) -> [usize; 6] {
    const WAYS: u64 = 8;
    let said = if writes { "whatever the other reads" } else { "even if every other" };
    let mut sizes = [0; 6];
    for seed in 0..seeds {
        let shape = Shape {
            seed,
            operations,
            keys: 3,
            unknown_per_mille: if writes { 40 } else { 150 },
            watchers: 0,
            ..Shape::default()
        };
        let sound = legal(shape);
        for way in 0..WAYS {
            let mut history = sound.clone();
            if !damage(&mut history, &mut Dice::new(seed * WAYS + way)) {
                continue;
            }
            let Verdict::Broken(found) = check(&history, &options(5_000)).verdict else { continue };
            if !found.reason.contains(said) || found.reason.contains("there may be a smaller") {
                continue;
            }
            sizes[found.evidence.len().min(5)] += 1;
            needed(&history, &found, writes);
        }
    }
    sizes
}

/// The evidence contradicts itself, and without any one of it there is an order.
fn needed(history: &History, found: &Violation, writes: bool) {
    let all = forgotten(history, &found.evidence, writes);
    assert!(broken(&all), "{found:?}");
    for id in &found.evidence {
        let record = history.records.iter().find(|record| record.id == *id);
        if writes && record.is_some_and(changed) {
            continue; // who wrote what a read should have seen: it explains, and proves nothing
        }
        let rest = found.evidence.iter().copied().filter(|other| other != id);
        let rest = forgotten(history, &rest.collect::<Vec<_>>(), writes);
        assert!(!broken(&rest), "{id} is not needed: {found:?}");
    }
}

#[test]
fn evidence_needs_each_answer() {
    let sizes = smallest(80, 30, false);
    assert!(sizes.iter().sum::<usize>() > 5 && sizes[2] > 0, "{sizes:?}");
}

#[test]
fn evidence_without_writes_needs_each_read() {
    let sizes = smallest(16, 160, true);
    assert!(sizes.iter().sum::<usize>() > 5 && sizes[2] > 0, "{sizes:?}");
}

//! What clients ask is repeatable, unique where it must be, and lawful.

use std::collections::BTreeSet;

use mettle_checker::history::Request;

use super::*;

fn traffic() -> Traffic {
    let weights = OpWeights {
        put: 3,
        get: 2,
        range: 2,
        history: 1,
        serializable: 1,
        delete: 1,
        delete_range: 1,
        txn: 4,
        cas: 1,
    };
    Traffic { pace_ns: 1000, keys: 12, weights, deadline_ns: 1, watchers: 1, ..Traffic::default() }
}

fn requests(seed: u64, client: u64) -> Vec<Request> {
    let mut generator = Generator::new(Streams::new(seed), client, &traffic());
    let seen = Seen::default();
    (0..2000).map(|_| generator.next_operation(&seen).1).collect()
}

#[test]
fn a_client_repeats_itself_and_nobody_else() {
    assert_eq!(requests(7, 1), requests(7, 1));
    assert_ne!(requests(7, 1), requests(8, 1));
    assert_ne!(requests(7, 1), requests(7, 2));
}

fn values_of(operations: &[RequestOp], values: &mut Vec<Blob>) {
    for operation in operations {
        match operation {
            RequestOp::Put(put) => values.push(put.value.clone()),
            RequestOp::Txn(txn) => {
                values_of(&txn.success, values);
                values_of(&txn.failure, values);
            }
            RequestOp::Range(_) | RequestOp::DeleteRange(_) => {}
        }
    }
}

#[test]
fn values_are_unique() {
    let mut values = Vec::new();
    for request in (1..4).flat_map(|client| requests(7, client)) {
        match request {
            Request::Put(put) if !put.ignore_value => values.push(put.value),
            Request::Txn(mut txn) => {
                // The malformed ones repeat a put on purpose.
                let mut once = BTreeSet::new();
                txn.success.retain(|operation| match operation {
                    RequestOp::Put(put) => once.insert(put.value.clone()),
                    _ => true,
                });
                values_of(&txn.success, &mut values);
                values_of(&txn.failure, &mut values);
            }
            _ => {}
        }
    }
    let all = values.len();
    let unique: BTreeSet<Blob> = values.into_iter().collect();
    assert!(all > 1000, "{all}");
    assert_eq!(unique.len(), all);
}

/// Keys written by each execution of a branch; false when one is written twice.
fn written_once(operations: &[RequestOp], written: &mut BTreeSet<Blob>) -> bool {
    let mut once = true;
    for operation in operations {
        match operation {
            RequestOp::Put(put) => once &= written.insert(put.key.clone()),
            RequestOp::Txn(txn) => {
                let mut other = written.clone();
                once &= written_once(&txn.success, written);
                once &= written_once(&txn.failure, &mut other);
                written.append(&mut other);
            }
            RequestOp::Range(_) | RequestOp::DeleteRange(_) => {}
        }
    }
    once
}

#[test]
fn hardly_any_transaction_writes_a_key_twice() {
    let mut transactions = 0;
    let mut malformed = 0;
    for request in (1..6).flat_map(|client| requests(7, client)) {
        if let Request::Txn(txn) = request {
            transactions += 1;
            let lawful = written_once(&txn.success, &mut BTreeSet::new())
                && written_once(&txn.failure, &mut BTreeSet::new());
            malformed += u32::from(!lawful);
        }
    }
    assert!(transactions > 1000 && malformed > 0, "{malformed} of {transactions}");
    assert!(malformed * 50 < transactions, "{malformed} of {transactions}");
}

#[test]
fn watches_repeat_and_ask_for_progress_in_order() {
    let plans = |seed| {
        let mut watcher = Watcher::new(Streams::new(seed), 1, &traffic(), 3);
        (0..200).map(|_| watcher.next_watch()).collect::<Vec<_>>()
    };
    assert_eq!(format!("{:?}", plans(3)), format!("{:?}", plans(3)));
    for plan in plans(3) {
        assert!((1..=3).contains(&plan.member.number()));
        assert!(plan.progress_ns.is_sorted());
        assert!(plan.progress_ns.last().is_none_or(|at| *at < plan.listen_ns));
    }
}

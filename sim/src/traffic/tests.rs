//! What clients ask is repeatable, unique where it must be, and lawful.

use std::collections::BTreeSet;

use mettle_checker::history::Request;

use mettle_scenarios::settings::WatchSettings;

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
        ..OpWeights::default()
    };
    Traffic { pace_ns: 1000, keys: 12, weights, deadline_ns: 1, watchers: 1, ..Traffic::default() }
}

fn lane(client: u16, lane: u16) -> LaneNumber {
    LaneNumber { client: ClientNumber::traffic(client), lane }
}

fn requests(seed: u64, lane: LaneNumber) -> Vec<Request> {
    let mut generator = Generator::new(Streams::new(seed), lane, &traffic());
    let seen = Seen::default();
    (0..2000).map(|_| generator.next_operation(&seen).request).collect()
}

#[test]
fn a_client_repeats_itself_and_nobody_else() {
    let one = lane(1, 0);
    assert_eq!(requests(7, one), requests(7, one));
    assert_ne!(requests(7, one), requests(8, one));
    assert_ne!(requests(7, one), requests(7, lane(2, 0)));
    assert_ne!(requests(7, one), requests(7, lane(1, 1)));
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
    let lanes = [lane(1, 0), lane(1, 1), lane(1, 11), lane(11, 0), lane(111, 1)];
    for request in lanes.into_iter().flat_map(|lane| requests(7, lane)) {
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
    for request in (1..6).flat_map(|client| requests(7, lane(client, 0))) {
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

/// What one execution of a branch changes.
#[derive(Clone, Default)]
struct Changed {
    puts: BTreeSet<Blob>,
    deletes: Vec<Span>,
}

impl Changed {
    fn deletes(&self, key: &Blob) -> bool {
        self.deletes.iter().any(|span| match &span.range_end[..] {
            [] => *key == span.key,
            // No interval to etcd's check: everything may be deleted beside puts.
            [0] => false,
            _ => *key >= span.key && *key < span.range_end,
        })
    }

    fn put(&mut self, key: &Blob) {
        assert!(!self.deletes(key), "{key:?} is put and deleted");
        assert!(self.puts.insert(key.clone()), "{key:?} is put twice");
    }

    /// Of a branch, as etcd checks it: deletes first, then transactions inside, then puts.
    fn of(operations: &[RequestOp]) -> Changed {
        let mut changed = Changed::default();
        for operation in operations {
            if let RequestOp::DeleteRange(delete) = operation {
                let (key, range_end) = (delete.key.clone(), delete.range_end.clone());
                changed.deletes.push(Span { key, range_end });
            }
        }
        for operation in operations {
            if let RequestOp::Txn(txn) = operation {
                let (then, otherwise) = (Changed::of(&txn.success), Changed::of(&txn.failure));
                then.puts.union(&otherwise.puts).for_each(|key| changed.put(key));
                changed.deletes.extend(then.deletes.into_iter().chain(otherwise.deletes));
            }
        }
        for operation in operations {
            if let RequestOp::Put(put) = operation {
                changed.put(&put.key);
            }
        }
        changed
    }
}

fn size(txn: &TxnRequest) -> usize {
    let own = txn.compare.len().max(txn.success.len()).max(txn.failure.len());
    let inside = txn.success.iter().chain(&txn.failure).map(|operation| match operation {
        RequestOp::Txn(txn) => size(txn),
        _ => 0,
    });
    own + inside.max().unwrap_or(0)
}

fn of_weights(weights: OpWeights, keys: u64) -> Vec<Operation> {
    let traffic = Traffic { weights, keys, ..traffic() };
    let mut generator = Generator::new(Streams::new(3), lane(1, 0), &traffic);
    let seen = Seen::default();
    (0..600).map(|_| generator.next_operation(&seen)).collect()
}

#[test]
fn large_transactions_are_lawful_and_reach_the_limit() {
    let weights = OpWeights { large_txn: 1, ..OpWeights::default() };
    let (mut largest, mut nested) = (0, 0);
    for operation in of_weights(weights, 300) {
        let Request::Txn(txn) = operation.request else { panic!("{operation:?}") };
        Changed::of(&txn.success);
        Changed::of(&txn.failure);
        let count = size(&txn);
        assert!(count <= 128, "{count}");
        largest = largest.max(count);
        nested += u32::from(txn.success.iter().any(|inside| matches!(inside, RequestOp::Txn(_))));
    }
    assert!(largest > 120 && nested > 100, "{largest}, {nested}");
}

#[test]
fn malformed_requests_are_asked_for_their_refusal() {
    let weights = OpWeights { malformed: 1, odd: 1, ..OpWeights::default() };
    let operations = of_weights(weights, 300);
    let refusals = operations.iter().filter(|operation| operation.aim == Aim::Refusal).count();
    assert!((200..400).contains(&refusals), "{refusals}");
}

#[test]
fn some_calls_hurry_and_some_are_dropped() {
    let calls = Calls { hurried_permille: 300, abandoned_permille: 200, ..Calls::default() };
    let traffic = Traffic { calls, deadline_ns: 1_000_000_000, ..traffic() };
    let mut generator = Generator::new(Streams::new(3), lane(1, 0), &traffic);
    let seen = Seen::default();
    let patience: Vec<Patience> =
        (0..1000).map(|_| generator.next_operation(&seen).patience).collect();
    let hurried: Vec<_> = patience.iter().filter(|patience| patience.hurried).collect();
    assert!((250..350).contains(&hurried.len()), "{}", hurried.len());
    let deadlines = hurried.iter().map(|patience| patience.deadline_ns);
    assert!(deadlines.clone().all(|ns| (5_000_000..=1_000_000_000).contains(&ns)));
    assert!(deadlines.clone().any(|ns| ns < 20_000_000) && deadlines.max().unwrap() > 500_000_000);
    let dropped = patience.iter().filter(|patience| patience.abandoned_ns.is_some()).count();
    assert!((150..250).contains(&dropped), "{dropped}");
    let usual = patience.iter().filter(|patience| **patience == Patience::of(1_000_000_000));
    assert!(usual.count() > 400);
}

#[test]
fn streams_have_several_watchers_with_ids_of_their_own() {
    let watch = WatchSettings {
        on_a_stream: 8,
        chosen_id_permille: 500,
        fragment_permille: 500,
        stale_permille: 0,
        slow_permille: 500,
    };
    let traffic = Traffic { watch, ..traffic() };
    let mut watcher = Watcher::new(Streams::new(3), 1, &traffic, 3);
    let plans: Vec<WatchPlan> = (0..200).map(|_| watcher.next_watch()).collect();
    for plan in &plans {
        let requests = plan.beside.iter().map(|beside| &beside.request);
        let ids = requests.chain([&plan.request]).map(|request| request.watch_id);
        let chosen: Vec<i64> = ids.filter(|id| *id != 0).collect();
        assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), chosen.len());
        for beside in &plan.beside {
            assert!(beside.after_ns < plan.listen_ns);
            assert!(beside.cancel_after_ns.is_none_or(|ns| ns >= beside.after_ns));
        }
    }
    assert!(plans.iter().any(|plan| plan.beside.len() == 7));
    assert!(plans.iter().filter(|plan| plan.stops_reading.is_some()).count() > 50);
}

//! The store against the model: random requests, compactions, restarts, crashes and imports.

use bytes::Bytes;
use proptest::prelude::*;

use super::disk::Disk;
use super::model::Model;
use super::{IDENTITY, cases, entry};
use crate::apply;
use crate::command::*;
use crate::consensus::types::Entry;
use crate::mvcc::Store;

const KEYS: [&str; 6] = ["a", "ab", "b", "c", "ca", "d"];
const ENDS: [&str; 8] = ["", "\0", "a", "ab", "b", "c", "d", "e"];

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn keys() -> impl Strategy<Value = Bytes> {
    prop::sample::select(&KEYS[..]).prop_map(bytes)
}

fn ranges() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        1 => Just(KeyRange { key: bytes("\0"), range_end: bytes("\0") }),
        6 => (keys(), prop::sample::select(&ENDS[..]))
            .prop_map(|(key, end)| KeyRange { key, range_end: bytes(end) }),
    ]
}

fn values() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..4).prop_map(Bytes::from)
}

fn puts() -> impl Strategy<Value = PutRequest> {
    let rarely = || prop::bool::weighted(0.1);
    (keys(), values(), rarely(), any::<bool>(), rarely(), rarely()).prop_map(
        |(key, value, leased, prev_kv, ignore_value, ignore_lease)| PutRequest {
            key,
            value,
            lease: i64::from(leased),
            prev_kv,
            ignore_value,
            ignore_lease,
        },
    )
}

fn deletes() -> impl Strategy<Value = DeleteRangeRequest> {
    (ranges(), any::<bool>()).prop_map(|(range, prev_kv)| DeleteRangeRequest { range, prev_kv })
}

fn sorts() -> impl Strategy<Value = Option<(SortTarget, SortOrder)>> {
    use SortTarget::{Create, Key, Mod, Value, Version};
    let targets = prop::sample::select(vec![Key, Version, Create, Mod, Value]);
    let orders = prop::sample::select(vec![SortOrder::None, SortOrder::Ascend, SortOrder::Descend]);
    prop::option::of((targets, orders))
}

fn reads() -> impl Strategy<Value = RangeRequest> {
    let bound = || prop_oneof![3 => Just(0), 1 => 0..30i64];
    let revision = prop_oneof![3 => Just(0), 1 => -2..40i64];
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (ranges(), 0..4i64, revision, sorts(), flags, [bound(), bound(), bound(), bound()]).prop_map(
        |(range, limit, revision, sort, (keys_only, count_only), bounds)| RangeRequest {
            range,
            limit,
            revision,
            sort,
            serializable: false,
            keys_only,
            count_only,
            min_mod_revision: bounds[0],
            max_mod_revision: bounds[1],
            min_create_revision: bounds[2],
            max_create_revision: bounds[3],
        },
    )
}

fn compares() -> impl Strategy<Value = Compare> {
    use CompareResult::{Equal, Greater, Less, NotEqual};
    let targets = prop_oneof![
        (0..3i64).prop_map(CompareTarget::Version),
        (0..20i64).prop_map(CompareTarget::Create),
        (0..20i64).prop_map(CompareTarget::Mod),
        values().prop_map(CompareTarget::Value),
        (0..2i64).prop_map(CompareTarget::Lease),
    ];
    (ranges(), prop::sample::select(vec![Equal, Greater, Less, NotEqual]), targets)
        .prop_map(|(range, result, target)| Compare { range, result, target })
}

/// The wire admits no two changes of one key in a transaction, so neither does this.
fn without_twice(txn: &mut TxnRequest) {
    fn clean(ops: &mut Vec<RequestOp>, touched: &mut Vec<KeyRange>) {
        ops.retain_mut(|op| {
            let range = match op {
                RequestOp::Range(_) => return true,
                RequestOp::Put(put) => KeyRange::single(put.key.clone()),
                RequestOp::DeleteRange(delete) => delete.range.clone(),
                RequestOp::Txn(inside) => {
                    clean(&mut inside.success, touched);
                    clean(&mut inside.failure, touched);
                    return true;
                }
            };
            let overlaps = |other: &KeyRange| {
                KEYS.iter()
                    .any(|key| range.contains(key.as_bytes()) && other.contains(key.as_bytes()))
            };
            let fresh = !touched.iter().any(overlaps);
            touched.push(range);
            fresh
        });
    }
    clean(&mut txn.success, &mut Vec::new());
    clean(&mut txn.failure, &mut Vec::new());
}

fn txns() -> impl Strategy<Value = TxnRequest> {
    let op = prop_oneof![
        3 => reads().prop_map(RequestOp::Range),
        4 => puts().prop_map(RequestOp::Put),
        2 => deletes().prop_map(RequestOp::DeleteRange),
    ];
    let op = op.prop_recursive(2, 8, 3, |op| {
        let ops = || prop::collection::vec(op.clone(), 0..3);
        (prop::collection::vec(compares(), 0..2), ops(), ops()).prop_map(
            |(compare, success, failure)| RequestOp::Txn(TxnRequest { compare, success, failure }),
        )
    });
    let ops = || prop::collection::vec(op.clone(), 0..4);
    (prop::collection::vec(compares(), 0..3), ops(), ops()).prop_map(
        |(compare, success, failure)| {
            let mut txn = TxnRequest { compare, success, failure };
            without_twice(&mut txn);
            txn
        },
    )
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Body>),
    Range(RangeRequest),
    ReadTxn(TxnRequest),
    Watch {
        range: KeyRange,
        from: i64,
        scan_max: usize,
    },
    Flush,
    Reopen,
    /// Loses the unsynced sectors whose turn in the pattern says so.
    PowerLoss(Vec<bool>),
    Import,
}

fn bodies() -> impl Strategy<Value = Body> {
    prop_oneof![
        6 => puts().prop_map(Body::Put),
        2 => deletes().prop_map(Body::DeleteRange),
        4 => txns().prop_map(Body::Txn),
        1 => (-1..40i64, any::<bool>()).prop_map(|(revision, physical)| {
            Body::Compact(CompactRequest { revision, physical })
        }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let watch = (ranges(), 0..40i64, 1..5usize);
    let step = prop_oneof![
        12 => prop::collection::vec(bodies(), 1..4).prop_map(Step::Apply),
        8 => reads().prop_map(Step::Range),
        2 => txns().prop_map(Step::ReadTxn),
        4 => watch.prop_map(|(range, from, scan_max)| Step::Watch { range, from, scan_max }),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        1 => prop::collection::vec(any::<bool>(), 1..20).prop_map(Step::PowerLoss),
        1 => Just(Step::Import),
    ];
    prop::collection::vec(step, 1..40)
}

struct Pair {
    model: Model,
    log: Vec<Entry>,
    disk: Disk,
    store: Option<Store>,
    answers: Vec<Result<Applied, Rejected>>,
}

impl Pair {
    fn new() -> Pair {
        let disk = Disk::default();
        let store = Some(Store::open(disk.backend(), IDENTITY).unwrap());
        Pair { model: Model::new(), log: Vec::new(), disk, store, answers: Vec::new() }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Apply(bodies) => self.apply(&bodies),
            Step::Range(request) => {
                assert_eq!(self.store().range(&request).unwrap(), self.model.range(&request));
            }
            Step::ReadTxn(request) if request.is_read_only() => {
                let expected = self.model.read_txn(&request);
                assert_eq!(self.store().read_txn(&request).unwrap(), expected);
            }
            Step::ReadTxn(request) => self.apply(&[Body::Txn(request)]),
            Step::Watch { range, from, scan_max } => self.watch(&range, from, scan_max),
            Step::Flush => {
                assert_eq!(self.store().flush().unwrap(), self.store().applied());
                assert_eq!(self.store().durable_applied(), self.store().applied());
            }
            Step::Reopen => {
                let hash = self.store().state_hash().unwrap();
                self.store = None;
                self.store = Some(Store::open(self.disk.backend(), IDENTITY).unwrap());
                assert_eq!(self.store().state_hash().unwrap(), hash);
            }
            Step::PowerLoss(pattern) => self.power_loss(&pattern),
            Step::Import => {
                let hash = self.store().state_hash().unwrap();
                let (mark, chunks) = self.store().export().unwrap();
                assert_eq!(mark.index, self.store().applied().index);
                self.disk = Disk::default();
                self.store = Some(Store::import(self.disk.backend(), IDENTITY, chunks).unwrap());
                assert_eq!(self.store().durable_applied().index, mark.index);
                assert_eq!(self.store().state_hash().unwrap(), hash);
            }
        }
    }

    fn apply(&mut self, bodies: &[Body]) {
        let first = self.log.len();
        for body in bodies {
            self.log.push(entry(self.log.len() as u64 + 1, body.clone()));
        }
        let revision = self.model.revision();
        let outcome = apply::apply_batch(self.store(), &self.log[first..]).unwrap();
        for (body, (_, answer)) in bodies.iter().zip(outcome.answers) {
            assert_eq!(answer, self.model.apply(body), "{body:?}");
            self.answers.push(answer);
        }
        let told: Vec<_> =
            self.model.changes.iter().filter(|change| change.0 > revision).cloned().collect();
        assert_eq!(outcome.events, told);
    }

    fn power_loss(&mut self, pattern: &[bool]) {
        let durable = self.store().durable_applied();
        let hash = self.store().state_hash().unwrap();
        let mut turn = pattern.iter().cycle();
        let left = self.disk.after_power_loss(|| *turn.next().unwrap());
        self.disk = left;
        self.store = Some(Store::open(self.disk.backend(), IDENTITY).unwrap());
        assert!(self.store().applied() >= durable, "what was durable is there");
        let first = self.store().applied().index as usize;
        let outcome = apply::apply_batch(self.store(), &self.log).unwrap();
        let again: Vec<_> = outcome.answers.into_iter().map(|(_, answer)| answer).collect();
        assert_eq!(again, self.answers[first..], "what is applied again answers as before");
        assert_eq!(self.store().state_hash().unwrap(), hash);
    }

    fn watch(&self, range: &KeyRange, from: i64, scan_max: usize) {
        let mut next = from;
        let mut told = Vec::new();
        while next <= self.store().revision() {
            match self.store().events(range, next, i64::MAX - 1, scan_max).unwrap() {
                Ok(history) => {
                    assert!(history.next > next);
                    next = history.next;
                    told.extend(history.changes);
                }
                Err(rejected) => {
                    assert_eq!(rejected, Rejected::Compacted);
                    assert!(from < self.model.compacted);
                    return;
                }
            }
        }
        assert!(from >= self.model.compacted || from > self.model.revision());
        assert_eq!(told, self.model.events(range, from));
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn store_answers_as_the_model(steps in steps()) {
        let mut pair = Pair::new();
        for step in steps {
            pair.step(step);
            let store = pair.store();
            assert_eq!(store.revision(), pair.model.revision());
            assert_eq!(store.compact_revision(), pair.model.compacted);
        }
        pair.watch(&super::all(), pair.model.compacted.max(1), 3);
    }
}

//! What an entry does depends on the log alone.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::command::{CompactRequest, DeleteRangeRequest};
use crate::consensus::types::Membership;
use crate::identity::Identity;
use crate::mvcc::tests::disk::Disk;
use crate::mvcc::tests::{IDENTITY, cases, entry, put, range};

fn fresh() -> Store {
    Store::open(Disk::default().backend(), IDENTITY).unwrap()
}

#[test]
fn entries_already_applied_are_skipped() {
    let store = fresh();
    let log: Vec<Entry> =
        (1..=3).map(|index| entry(index, Body::Put(put("a", &index.to_string())))).collect();
    assert_eq!(apply_batch(&store, &log[..2]).unwrap().answers.len(), 2);
    let outcome = apply_batch(&store, &log).unwrap();
    assert_eq!((outcome.answers.len(), outcome.events.len()), (1, 1));
    assert_eq!(outcome.events[0].0, 4);
    assert!(apply_batch(&store, &log).unwrap().answers.is_empty());
    assert_eq!(store.revision(), 4);
}

#[test]
fn a_gap_stops_the_member() {
    let store = fresh();
    let error = apply_batch(&store, &[entry(2, Body::Put(put("a", "")))]).unwrap_err();
    assert_eq!(error.to_string(), "entry 2 cannot be applied after entry 0");
    assert!(matches!(
        apply_batch(&store, &[entry(1, Body::Put(put("a", "")))]),
        Err(StoreError::Failed)
    ));
}

#[test]
fn a_command_that_cannot_be_read_stops_the_member() {
    let payload = Payload::Command(Bytes::from_static(b"\xff\xff"));
    let error = apply_batch(&fresh(), &[Entry { term: 1, index: 1, payload }]).unwrap_err();
    assert!(matches!(error, StoreError::Command { index: 1, .. }), "{error}");
}

#[test]
fn entries_without_a_command_move_the_mark() {
    let disk = Disk::default();
    let store = Store::open(disk.backend(), IDENTITY).unwrap();
    let membership = Membership { voters: vec![1, 2, 3], ..Membership::default() };
    let log = [
        Entry { term: 4, index: 1, payload: Payload::Empty },
        Entry { term: 5, index: 2, payload: Payload::Membership(membership.clone()) },
    ];
    let outcome = apply_batch(&store, &log).unwrap();
    assert!(outcome.answers.is_empty() && outcome.events.is_empty());
    let mark = AppliedMark { index: 2, term: 5 };
    assert_eq!((store.applied(), store.durable_applied()), (mark, AppliedMark::default()));
    assert_eq!(store.flush().unwrap(), mark);
    let left = disk.after_power_loss(|| false);
    let store = Store::open(left.backend(), IDENTITY).unwrap();
    assert_eq!((store.applied(), store.cluster().membership), (mark, membership));
    assert_eq!(store.revision(), 1);
}

fn bodies() -> impl Strategy<Value = Body> {
    let keys = || prop::sample::select(vec!["a", "b", "c", "d"]);
    prop_oneof![
        6 => (keys(), "[a-z]{0,9}").prop_map(|(key, value)| Body::Put(put(key, &value))),
        2 => (keys(), keys()).prop_map(|(key, end)| {
            Body::DeleteRange(DeleteRangeRequest { range: range(key, end), prev_kv: true })
        }),
        1 => (1..40i64, any::<bool>()).prop_map(|(revision, physical)| {
            Body::Compact(CompactRequest { revision, physical })
        }),
    ]
}

proptest! {
    #![proptest_config(cases(100))]

    /// Members cut the log into other batches, flush at other times, and have other names.
    #[test]
    fn all_members_agree(
        bodies in prop::collection::vec(bodies(), 1..60),
        batches in prop::collection::vec(1..8usize, 1..10),
        flushes in prop::collection::vec(any::<bool>(), 1..10),
    ) {
        let log: Vec<Entry> =
            bodies.into_iter().zip(1..).map(|(body, index)| entry(index, body)).collect();
        let one = fresh();
        let told = apply_batch(&one, &log).unwrap();
        let other = Identity { member_id: 77, ..IDENTITY };
        let other = Store::open(Disk::default().backend(), other).unwrap();
        let (mut answers, mut events, mut from) = (Vec::new(), Vec::new(), 0);
        for (batch, flush) in batches.into_iter().cycle().zip(flushes.into_iter().cycle()) {
            let upto = log.len().min(from + batch);
            let outcome = apply_batch(&other, &log[from..upto]).unwrap();
            answers.extend(outcome.answers);
            events.extend(outcome.events);
            if flush {
                other.flush().unwrap();
            }
            from = upto;
            if from == log.len() {
                break;
            }
        }
        prop_assert_eq!((answers, events), (told.answers, told.events));
        prop_assert_eq!(one.state_hash().unwrap(), other.state_hash().unwrap());
        prop_assert_eq!(one.hash_kv(0).unwrap(), other.hash_kv(0).unwrap());
        prop_assert_eq!(one.size_in_use(), other.size_in_use());
    }
}

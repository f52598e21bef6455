//! The index beside a list of all changes, and states that must not be.

use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Index, IndexEntry};
use crate::command::KeyRange;
use crate::mvcc::record::Revision;
use crate::mvcc::tests::cases;

/// Every change that is still readable, as they came.
#[derive(Default)]
struct Naive(Vec<(Bytes, IndexEntry)>);

impl Naive {
    fn changes(&self, key: &[u8]) -> Vec<IndexEntry> {
        self.0.iter().filter(|(of, _)| of == key).map(|(_, entry)| *entry).collect()
    }

    fn newest(&self, key: &[u8], is: impl Fn(i64) -> bool) -> Option<IndexEntry> {
        self.changes(key).into_iter().rfind(|entry| is(entry.revision.main))
    }

    fn alive(&self, key: &[u8], is: impl Fn(i64) -> bool) -> Option<IndexEntry> {
        self.newest(key, is).filter(|entry| !entry.is_tombstone())
    }

    fn keys(&self) -> BTreeSet<Bytes> {
        self.0.iter().map(|(key, _)| key.clone()).collect()
    }

    /// Keeps what may be read at `at` or later, or watched from there.
    fn compact(&mut self, at: i64) -> Vec<Revision> {
        let kept: Vec<bool> = self
            .0
            .iter()
            .map(|(key, entry)| {
                let changed_there = self.changes(key).iter().any(|e| e.revision.main == at);
                let current = self.alive(key, |main| main < at) == Some(*entry);
                entry.revision.main >= at || (current && !changed_there)
            })
            .collect();
        let mut kept = kept.into_iter();
        let mut gone = Vec::new();
        self.0.retain(|(_, entry)| {
            let stays = kept.next().unwrap();
            if !stays {
                gone.push(entry.revision);
            }
            stays
        });
        gone.sort_unstable();
        gone
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// A put; in the request of the change before, if it joins that.
    Put { key: &'static str, joins: bool, bytes: u32 },
    /// A deletion.
    Delete { key: &'static str, joins: bool },
    /// Compaction this far below the newest revision.
    Compact { below: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || prop::sample::select(vec!["a", "ab", "b", "c"]);
    let joins = || prop::bool::weighted(0.3);
    let step = prop_oneof![
        6 => (key(), joins(), 1..100u32)
            .prop_map(|(key, joins, bytes)| Step::Put { key, joins, bytes }),
        3 => (key(), joins()).prop_map(|(key, joins)| Step::Delete { key, joins }),
        1 => (0..6i64).prop_map(|below| Step::Compact { below }),
    ];
    prop::collection::vec(step, 1..60)
}

struct Trial {
    index: Index,
    naive: Naive,
    /// The newest change, and the revision compacted at.
    last: Revision,
    compacted: i64,
}

impl Trial {
    fn step(&mut self, step: Step) {
        match step {
            Step::Put { key, joins, bytes } => {
                let before = self.naive.alive(key.as_bytes(), |_| true);
                let revision = self.next(joins);
                let created = before.map_or(revision.main, |entry| entry.create_revision);
                let version = before.map_or(1, |entry| entry.version + 1);
                self.add(key, IndexEntry { revision, create_revision: created, version, bytes });
            }
            Step::Delete { key, joins } => {
                if self.naive.alive(key.as_bytes(), |_| true).is_some() {
                    let revision = self.next(joins);
                    self.add(key, tombstone(revision));
                }
            }
            Step::Compact { below } => {
                let at = self.last.main - below;
                if at > self.compacted {
                    self.compacted = at;
                    assert_eq!(self.index.compact(at), self.naive.compact(at));
                }
            }
        }
    }

    fn next(&mut self, joins: bool) -> Revision {
        // A request that was compacted is over.
        if joins && self.last.main > self.compacted.max(1) {
            self.last.sub += 1;
        } else {
            self.last = Revision { main: self.last.main + 1, sub: 0 };
        }
        self.last
    }

    fn add(&mut self, key: &'static str, entry: IndexEntry) {
        let key = Bytes::from_static(key.as_bytes());
        self.index.add(&key, entry);
        self.naive.0.push((key, entry));
    }

    fn compare(&self) {
        self.index.check_invariants();
        let bytes: u64 = self.naive.0.iter().map(|(_, entry)| u64::from(entry.bytes)).sum();
        assert_eq!(self.index.bytes(), bytes);
        let all = KeyRange { key: Bytes::from_static(b"\0"), range_end: Bytes::from_static(b"\0") };
        for at in self.compacted.max(1)..=self.last.main + 1 {
            let found: Vec<_> =
                self.index.range(&all, at).map(|(key, e)| (key.clone(), e)).collect();
            let alive =
                |key: Bytes| Some((key.clone(), self.naive.alive(&key, |main| main <= at)?));
            let expected: Vec<_> = self.naive.keys().into_iter().filter_map(alive).collect();
            assert_eq!(found, expected, "at {at}");
            for key in ["a", "ab", "b", "c", "d"].map(str::as_bytes) {
                assert_eq!(self.index.get(key, at), self.naive.alive(key, |main| main <= at));
                assert_eq!(self.index.before(key, at), self.naive.alive(key, |main| main < at));
                let mut from = self.naive.changes(key);
                from.retain(|entry| entry.revision.main >= at);
                assert_eq!(self.index.changes(key, at), from, "{key:?} from {at}");
            }
        }
        for (key, entry) in &self.naive.0 {
            assert!(self.index.holds(key, entry.revision));
            assert!(!self.index.holds(b"d", entry.revision));
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn the_index_answers_as_a_list_of_all_changes_does(steps in steps()) {
        let last = Revision { main: 1, sub: 0 };
        let (index, naive) = (Index::default(), Naive::default());
        let mut trial = Trial { index, naive, last, compacted: -1 };
        for step in steps {
            trial.step(step);
            trial.compare();
        }
    }
}

fn tombstone(revision: Revision) -> IndexEntry {
    IndexEntry { revision, create_revision: 0, version: 0, bytes: 20 }
}

/// Version 1 at revision 2, version 2 at revision 3.
fn two_changes() -> Index {
    let mut index = Index::default();
    for (main, version) in [(2, 1), (3, 2)] {
        let revision = Revision { main, sub: 0 };
        let entry = IndexEntry { revision, create_revision: 2, version, bytes: 50 };
        index.add(&Bytes::from_static(b"a"), entry);
    }
    index.check_invariants();
    index
}

fn broken(change: impl FnOnce(&mut Vec<IndexEntry>)) {
    let mut index = two_changes();
    change(index.keys.get_mut(&b"a"[..]).unwrap());
    index.check_invariants();
}

#[test]
#[should_panic(expected = "2.0 follows 3.0")]
fn entries_out_of_order_are_noticed() {
    broken(|entries| entries.swap(0, 1));
}

#[test]
#[should_panic(expected = "3.0 counts on from its key")]
fn a_version_left_out_is_noticed() {
    broken(|entries| entries[1].version = 3);
}

#[test]
#[should_panic(expected = "3.0 has version 0 after a tombstone")]
fn two_tombstones_in_a_row_are_noticed() {
    broken(|entries| {
        entries[0] = tombstone(entries[0].revision);
        entries[1] = tombstone(entries[1].revision);
    });
}

#[test]
#[should_panic(expected = "2.0 has version 1 and was created at 1")]
fn a_first_version_of_another_revision_is_noticed() {
    broken(|entries| entries[0].create_revision = 1);
}

#[test]
#[should_panic(expected = "is there without an entry")]
fn a_key_without_entries_is_noticed() {
    broken(Vec::clear);
}

#[test]
#[should_panic(expected = "bytes counted and bytes of the entries")]
fn bytes_that_do_not_add_up_are_noticed() {
    broken(|entries| entries[1].bytes = 7);
}

#[test]
#[should_panic(expected = "2.1 follows 3.0")]
fn an_older_change_cannot_be_added() {
    let mut index = two_changes();
    let revision = Revision { main: 2, sub: 1 };
    let entry = IndexEntry { revision, create_revision: 2, version: 2, bytes: 1 };
    index.add(&Bytes::from_static(b"a"), entry);
}

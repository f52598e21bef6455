//! What is always true of a store, asserted in builds with debug assertions.

use std::collections::BTreeMap;

use super::{Store, Version};

impl Store {
    /// A request was done, or revisions were taken back or forgotten: checks what is cheap each
    /// time, and everything after 1, 2, 4, 8, … times.
    pub(super) fn stepped(&mut self) {
        if cfg!(debug_assertions) {
            self.steps += 1;
            self.check_step();
            if self.steps.is_power_of_two() {
                self.check_invariants();
            }
        }
    }

    /// Asserts what takes the same time for a store of any size.
    fn check_step(&self) {
        let (floor, revision) = (self.floor, self.revision);
        assert!(floor <= revision, "floor {floor} above revision {revision}");
        assert_eq!(
            self.begins.len() as i64,
            revision - floor,
            "revisions with a place and revisions above the floor"
        );
        let end = self.forgotten + self.changes.len() as u64;
        let last = self.begins.back().copied().unwrap_or(self.forgotten);
        assert!(
            last < end || self.begins.is_empty() && last == end,
            "the last revision begins at change {last} of {end}"
        );
        assert_eq!(self.chains.len(), self.index.len(), "chains and keys in the index");
        assert_eq!(self.gone.len(), self.chains.len(), "counts of what was forgotten and chains");
        let (live, all) = (self.live.len(), self.all.len());
        assert!(live <= all, "{live} live keys of {all}");
    }

    /// Asserts the invariants, change by change and key by key.
    pub(crate) fn check_invariants(&self) {
        self.check_step();
        self.index.check_invariants();
        self.leases.check_invariants();
        let written = self.check_changes();
        let mut held = 0;
        for (number, versions) in self.chains.iter().enumerate() {
            let (chain, key) = (number as u32, self.index.key(number as u32));
            held += versions.iter().map(|version| version.value.len() as u64).sum::<u64>();
            let known = self.all.get(key).copied();
            let must = (!versions.is_empty()).then_some(chain);
            assert_eq!(known, must, "the chain of key {key} among all keys, and its own");
            let live = self.live.get(key).copied();
            let own = written.get(&chain).copied();
            let last = self.gone[number] + versions.len() as u32;
            let unwritten = own.is_some_and(|own| own + 1 != last);
            assert!(!unwritten, "key {key} has a version after its last change");
            match versions.last() {
                Some(version) if !version.is_deletion() => {
                    assert_eq!(live, Some(chain), "the chain of live key {key}");
                }
                // A recording may say that a store starts with a key at version 0.
                Some(_) if own.is_none() => {}
                _ => assert_eq!(live, None, "the chain of key {key}, which is gone"),
            }
        }
        let counted = self.value_bytes;
        assert!(held <= counted, "{held} bytes of values are held, {counted} are counted");
    }

    /// Walks the changes of all revisions; gives the last version that each chain got.
    fn check_changes(&self) -> BTreeMap<u32, u32> {
        let mut written: BTreeMap<u32, u32> = BTreeMap::new();
        let mut next = self.forgotten;
        for (place, begin) in self.begins.iter().enumerate() {
            let revision = self.floor + 1 + place as i64;
            assert_eq!(
                *begin, next,
                "where revision {revision} begins, and the one before it ends"
            );
            let (from, to) = self.bounds(revision);
            assert!(from < to, "revision {revision} changes nothing");
            for (chain, number) in self.changes.range(from..to) {
                let before = written.insert(*chain, *number);
                self.check_change(revision, *chain, *number, before);
            }
            next = self.forgotten + to as u64;
        }
        written
    }

    /// Asserts what is true of a change, given the number of the version that its chain got in the
    /// change before it, if there is one above the floor.
    fn check_change(&self, revision: i64, chain: u32, number: u32, before: Option<u32>) {
        let key = self.index.key(chain);
        let versions = &self.chains[chain as usize];
        let place = number.checked_sub(self.gone[chain as usize]).map(|place| place as usize);
        let version = place.and_then(|place| versions.get(place));
        let Some(version) = version else {
            panic!("revision {revision} wrote version {number} of key {key}, which is not there");
        };
        let wrote = version.mod_revision;
        assert_eq!(wrote, revision, "the revision that a version of key {key} names, and its own");
        if let (Some(before), Some(place)) = (before, place) {
            assert_eq!(number, before + 1, "the version of key {key}, and one after the last");
            let fits = follows(version, &versions[place - 1]);
            assert!(fits, "revision {revision} of key {key} does not count on from the one before");
        }
    }
}

/// Whether a version may come right after another of its key.
fn follows(version: &Version, before: &Version) -> bool {
    if version.is_deletion() {
        !before.is_deletion()
    } else if before.is_deletion() {
        version.version == 1 && version.create_revision == version.mod_revision
    } else {
        version.version == before.version + 1 && version.create_revision == before.create_revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{DeleteRangeRequest, PutRequest, Request};

    /// Key a is put at revisions 2 and 3 and deleted at 4; key b is put at 5.
    fn broken(change: impl FnOnce(&mut Store)) {
        let mut store = Store::default();
        let put = |key: &str| {
            let (key, value) = (key.into(), "1".into());
            Request::Put(PutRequest { key, value, ..PutRequest::default() })
        };
        let delete = DeleteRangeRequest { key: "a".into(), ..DeleteRangeRequest::default() };
        for request in [put("a"), put("a"), Request::DeleteRange(delete), put("b")] {
            store.execute(&request).expect("not refused");
        }
        store.check_invariants();
        change(&mut store);
        store.check_invariants();
    }

    #[test]
    fn a_past_that_was_forgotten_breaks_nothing() {
        broken(|store| store.forget(3));
        broken(|store| store.forget(5));
        broken(|store| store.undo_to(2));
    }

    #[test]
    #[should_panic(expected = "floor 6 above revision 5")]
    fn a_floor_above_the_revision_is_noticed() {
        broken(|store| store.floor = 6);
    }

    #[test]
    #[should_panic(expected = "revisions with a place and revisions above the floor")]
    fn a_revision_without_a_place_is_noticed() {
        broken(|store| {
            let _ = store.begins.pop_front();
        });
    }

    #[test]
    #[should_panic(expected = "the last revision begins at change 3 of 3")]
    fn a_last_revision_without_a_change_is_noticed() {
        broken(|store| {
            let _ = store.changes.pop_back();
        });
    }

    #[test]
    #[should_panic(expected = "chains and keys in the index")]
    fn a_chain_without_a_key_is_noticed() {
        broken(|store| store.chains.push(Vec::new()));
    }

    #[test]
    #[should_panic(expected = "counts of what was forgotten and chains")]
    fn a_chain_without_its_count_is_noticed() {
        broken(|store| {
            let _ = store.gone.pop();
        });
    }

    #[test]
    #[should_panic(expected = "2 live keys of 1")]
    fn a_live_key_too_many_is_noticed() {
        broken(|store| {
            store.all.remove(&b"a"[..]);
            store.live.insert("a".into(), 0);
        });
    }

    #[test]
    #[should_panic(expected = "where revision 2 begins")]
    fn a_change_of_no_revision_is_noticed() {
        broken(|store| store.begins[0] = 1);
    }

    #[test]
    #[should_panic(expected = "revision 2 changes nothing")]
    fn a_revision_without_a_change_is_noticed() {
        broken(|store| store.begins[1] = 0);
    }

    #[test]
    #[should_panic(expected = "version 1 of key b, which is not there")]
    fn a_change_without_its_version_is_noticed() {
        broken(|store| store.changes[3].1 = 1);
    }

    #[test]
    #[should_panic(expected = "the revision that a version of key a names")]
    fn a_version_of_another_revision_is_noticed() {
        broken(|store| store.chains[0][0].mod_revision = 3);
    }

    #[test]
    #[should_panic(expected = "the version of key a, and one after the last")]
    fn a_version_that_is_skipped_is_noticed() {
        broken(|store| {
            store.chains[0][2].mod_revision = 3;
            store.changes[1].1 = 2;
        });
    }

    #[test]
    #[should_panic(expected = "revision 3 of key a does not count on")]
    fn a_version_left_out_is_noticed() {
        broken(|store| store.chains[0][1].version = 3);
    }

    #[test]
    #[should_panic(expected = "key b has a version after its last change")]
    fn a_version_that_no_revision_wrote_is_noticed() {
        broken(|store| {
            let version = store.chains[1][0].clone();
            store.chains[1].push(version);
        });
    }

    #[test]
    #[should_panic(expected = "the chain of key b among all keys")]
    fn a_key_with_the_chain_of_another_is_noticed() {
        broken(|store| {
            let _ = store.all.insert("b".into(), 0);
        });
    }

    #[test]
    #[should_panic(expected = "the chain of live key b")]
    fn a_live_key_that_is_missing_is_noticed() {
        broken(|store| {
            let _ = store.live.remove(&b"b"[..]);
        });
    }

    #[test]
    #[should_panic(expected = "the chain of key a, which is gone")]
    fn a_deleted_key_that_is_live_is_noticed() {
        broken(|store| {
            let _ = store.live.insert("a".into(), 0);
        });
    }

    #[test]
    #[should_panic(expected = "3 bytes of values are held, 2 are counted")]
    fn bytes_that_are_not_counted_are_noticed() {
        broken(|store| store.value_bytes = 2);
    }
}

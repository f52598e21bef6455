//! The versions of all keys, with the changes of each revision and a way to undo them.

mod invariants;

use std::collections::{BTreeMap, VecDeque};

use super::leases::Leases;
use super::{KeyIndex, View};
use crate::history::{Blob, KeyValue};

/// One version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The revision that wrote it.
    pub mod_revision: i64,
    /// The revision that created the key.
    pub create_revision: i64,
    /// Puts since the creation; 0 marks a deletion.
    pub version: i64,
    /// The lease, or 0.
    pub lease: i64,
    /// The value.
    pub value: Blob,
}

impl Version {
    /// Whether this version is a deletion.
    pub fn is_deletion(&self) -> bool {
        self.version == 0
    }

    /// The key with this version, as an answer shows it.
    pub fn of(&self, key: &Blob) -> KeyValue {
        KeyValue {
            key: key.clone(),
            value: self.value.clone(),
            create_revision: self.create_revision,
            mod_revision: self.mod_revision,
            version: self.version,
            lease: self.lease,
        }
    }
}

/// The change of one key in one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The key.
    pub key: &'a Blob,
    /// The version after the change.
    pub now: &'a Version,
    /// The version just before the change, which the same revision may have made; None if the key
    /// did not exist.
    pub before: Option<&'a Version>,
    /// The version at the revision before; None if the key did not exist.
    pub past: Option<&'a Version>,
}

impl Change<'_> {
    /// The key after the change; a deletion shows only its name and revision.
    pub fn kv(&self) -> KeyValue {
        self.now.of(self.key)
    }

    /// The `prev_kv` of the watch event: the key as stored at the revision before, however often
    /// this revision changed the key; None if this change created the key.
    ///
    /// # Source
    /// etcd 3.4.23, asked: a transaction may delete `[k, \0)` and put k again, or put k and delete
    /// `[k, \0)`, or put and delete k in transactions inside it. There are two events of k then, and
    /// a deletion shows what k was before the transaction, a put that creates k nothing.
    pub fn prev_kv(&self) -> Option<KeyValue> {
        self.past.filter(|_| self.now.version != 1).map(|version| version.of(self.key))
    }
}

/// How many keys without versions the index may hold.
const SPARE: usize = 16;

/// The key space and its past since `floor`: revision 1, the start of the recording, or the
/// revision up to which the past was forgotten.
///
/// Invariants, where no request is half done:
/// * `floor <= revision`, and each revision above the floor has its place in `begins`, at least one
///   change, and its changes in a row in `changes`;
/// * a change names a version of its chain that its revision wrote, and the changes of a chain name
///   its versions one after another up to the last;
/// * what the store wrote itself counts on: the version after a live one is one higher and keeps the
///   creation, the version after a deletion is 1, and only live keys are deleted;
/// * `all` has the keys with a version, `live` those of them whose last version is no deletion;
/// * each number of the index has a chain, and `value_bytes` counts every value that is held.
///
/// Keys that a store starts with come from a recording and may be anything.
#[derive(Clone, Debug)]
pub struct Store {
    revision: i64,
    /// The lowest revision that can be read.
    floor: i64,
    pub(super) index: KeyIndex,
    /// The versions of each key, by the key's number in the index. Empty for a key whose versions
    /// were undone or forgotten.
    pub(super) chains: Vec<Vec<Version>>,
    /// How many versions of each chain were forgotten.
    gone: Vec<u32>,
    /// All keys with a version, in order.
    pub(super) all: BTreeMap<Blob, u32>,
    pub(super) live: BTreeMap<Blob, u32>,
    /// The chain and version of each change, in the order of changes. The number of the version
    /// counts forgotten ones too.
    changes: VecDeque<(u32, u32)>,
    /// The first change of each revision above the floor. Numbers count forgotten changes too.
    begins: VecDeque<u64>,
    /// How many changes were forgotten.
    forgotten: u64,
    /// Bytes of all values.
    value_bytes: u64,
    pub(super) leases: Leases,
    /// Requests, and times that revisions were taken back or forgotten, as far as invariants are
    /// checked.
    steps: u64,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            revision: 1,
            floor: 1,
            index: KeyIndex::default(),
            chains: Vec::new(),
            gone: Vec::new(),
            all: BTreeMap::new(),
            live: BTreeMap::new(),
            changes: VecDeque::new(),
            begins: VecDeque::new(),
            forgotten: 0,
            value_bytes: 0,
            leases: Leases::default(),
            steps: 0,
        }
    }
}

impl Store {
    /// A store that held exactly these keys at a revision.
    pub fn starting_at(revision: i64, kvs: &[KeyValue]) -> Self {
        let mut store = Store { revision, floor: revision, ..Store::default() };
        for kv in kvs {
            let version = Version {
                mod_revision: kv.mod_revision,
                create_revision: kv.create_revision,
                version: kv.version,
                lease: kv.lease,
                value: kv.value.clone(),
            };
            store.value_bytes += kv.value.len() as u64;
            let chain = store.chain(&kv.key);
            store.chains[chain as usize] = vec![version];
            store.all.insert(kv.key.clone(), chain);
            store.live.insert(kv.key.clone(), chain);
            store.leases.attach(kv.lease, &kv.key);
        }
        store
    }

    /// The lowest revision that can be read.
    pub fn floor(&self) -> i64 {
        self.floor
    }

    /// Forgets the past before `revision`; `revision` itself can still be read.
    pub fn forget(&mut self, revision: i64) {
        let revision = revision.min(self.revision);
        while self.floor < revision {
            self.floor += 1;
            let from = self.begins.pop_front().expect("each revision above the floor has a place");
            let to = self.begins.front().copied();
            let to = to.unwrap_or(self.forgotten + self.changes.len() as u64);
            for _ in from..to {
                let (chain, _) = self.changes.pop_front().expect("a change of the revision");
                self.prune(chain);
            }
            self.forgotten = to;
        }
        self.leases.forget(self.floor);
        if self.index.len() > 2 * self.all.len() + SPARE {
            self.renumber();
        }
        self.stepped();
    }

    /// Drops the versions of a chain that no readable revision shows.
    fn prune(&mut self, chain: u32) {
        let versions = &mut self.chains[chain as usize];
        let known = versions.partition_point(|version| version.mod_revision <= self.floor);
        let Some(last) = known.checked_sub(1) else { return };
        let gone = if versions[last].is_deletion() { known } else { last };
        let bytes = versions.drain(..gone).map(|version| version.value.len() as u64);
        self.value_bytes -= bytes.sum::<u64>();
        self.gone[chain as usize] += gone as u32;
        if versions.is_empty() {
            self.all.remove(self.index.key(chain));
        }
    }

    /// Renumbers the keys that still have a version, and drops the others.
    fn renumber(&mut self) {
        let (mut index, mut moved) = (KeyIndex::default(), vec![0; self.chains.len()]);
        let (mut chains, mut gone) = (Vec::new(), Vec::new());
        for (key, own) in &mut self.all {
            let number = index.enter(key);
            moved[*own as usize] = number;
            chains.push(std::mem::take(&mut self.chains[*own as usize]));
            gone.push(self.gone[*own as usize]);
            *own = number;
        }
        for own in self.live.values_mut() {
            *own = moved[*own as usize];
        }
        for (own, _) in &mut self.changes {
            *own = moved[*own as usize];
        }
        (self.index, self.chains, self.gone) = (index, chains, gone);
    }

    /// The number of a key's chain; a missing chain is made.
    fn chain(&mut self, key: &Blob) -> u32 {
        let chain = self.index.enter(key);
        if self.chains.len() < self.index.len() {
            self.chains.push(Vec::new());
            self.gone.push(0);
        }
        chain
    }

    /// The revision of the last change.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// The store as it is now.
    pub fn now(&self) -> View<'_> {
        View::new(self, None)
    }

    /// The store as it was when `revision` was its latest.
    pub fn at(&self, revision: i64) -> View<'_> {
        View::new(self, (revision < self.revision).then_some(revision))
    }

    /// The changes of a revision, in order; none for an unknown revision.
    pub fn changes(&self, revision: i64) -> impl ExactSizeIterator<Item = Change<'_>> {
        let (from, to) = self.bounds(revision);
        self.changes.range(from..to).map(move |&(chain, version)| {
            let (key, versions) = (self.index.key(chain), &self.chains[chain as usize]);
            let version = (version - self.gone[chain as usize]) as usize;
            let before = version.checked_sub(1).map(|place| &versions[place]);
            let before = before.filter(|version| !version.is_deletion());
            let older = versions[..version].iter().rev();
            let past = older.into_iter().find(|version| version.mod_revision < revision);
            let past = past.filter(|version| !version.is_deletion());
            Change { key, now: &versions[version], before, past }
        })
    }

    /// The approximate heap bytes of the store, without values, which are shared.
    pub(crate) fn heap_bytes(&self) -> usize {
        /// For a version with its place among the changes; for a key in lists and trees.
        const CHANGE: usize = size_of::<Version>() + 2 * size_of::<(u32, u32)>();
        const KEY: usize = 12 * size_of::<Blob>();
        self.changes.len() * CHANGE + self.begins.len() * 16 + self.index.len() * KEY
    }

    /// All bytes of the store, including values.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.heap_bytes() as u64 + self.value_bytes
    }

    fn bounds(&self, revision: i64) -> (usize, usize) {
        if revision <= self.floor || revision > self.revision {
            return (0, 0);
        }
        let place = (revision - self.floor) as usize - 1;
        let at = |begin: &u64| (begin - self.forgotten) as usize;
        let end = self.begins.get(place + 1).map_or(self.changes.len(), at);
        (at(&self.begins[place]), end)
    }

    /// Undoes everything after `revision`.
    pub fn undo_to(&mut self, revision: i64) {
        let revision = revision.max(self.floor);
        if revision >= self.revision {
            return;
        }
        let left = (revision - self.floor) as usize;
        let kept = (self.begins[left] - self.forgotten) as usize;
        for (chain, _) in self.changes.drain(kept..).rev() {
            let (key, versions) = (self.index.key(chain), &mut self.chains[chain as usize]);
            let undone = versions.pop();
            self.value_bytes -= undone.as_ref().map_or(0, |version| version.value.len() as u64);
            let was_live = undone.is_some_and(|version| !version.is_deletion());
            match versions.last() {
                Some(version) if !version.is_deletion() => {
                    if !was_live {
                        self.live.insert(key.clone(), chain);
                    }
                }
                Some(_) => {
                    self.live.remove(key);
                }
                None => {
                    self.live.remove(key);
                    self.all.remove(key);
                }
            }
        }
        self.begins.truncate(left);
        self.leases.undo_to(revision);
        self.revision = revision;
        self.stepped();
    }

    /// The number of changes so far: the mark for [`Store::close`].
    pub(super) fn mark(&self) -> usize {
        self.changes.len()
    }

    /// Ends a request: the changes since `mark` make up the next revision.
    pub(super) fn close(&mut self, mark: usize) {
        if self.changes.len() > mark {
            self.begins.push_back(self.forgotten + mark as u64);
            self.revision += 1;
        }
        self.stepped();
    }

    /// Puts a key as part of the next revision.
    pub(super) fn write(&mut self, key: &Blob, value: Blob, lease: i64) {
        let revision = self.revision + 1;
        let chain = self.chain(key);
        self.leases.attach(lease, key);
        let versions = &mut self.chains[chain as usize];
        let (create_revision, version) = match versions.last() {
            Some(last) if !last.is_deletion() => (last.create_revision, last.version + 1),
            last => {
                if last.is_none() {
                    self.all.insert(key.clone(), chain);
                }
                self.live.insert(key.clone(), chain);
                (revision, 1)
            }
        };
        let number = self.gone[chain as usize] + versions.len() as u32;
        self.changes.push_back((chain, number));
        self.value_bytes += value.len() as u64;
        versions.push(Version { mod_revision: revision, create_revision, version, lease, value });
    }

    /// Deletes a live key as part of the next revision.
    pub(super) fn erase(&mut self, key: &Blob) {
        let Some(chain) = self.live.remove(key) else { return };
        let versions = &mut self.chains[chain as usize];
        let number = self.gone[chain as usize] + versions.len() as u32;
        self.changes.push_back((chain, number));
        versions.push(Version {
            mod_revision: self.revision + 1,
            create_revision: 0,
            version: 0,
            lease: 0,
            value: Blob::default(),
        });
    }
}

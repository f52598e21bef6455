//! Every version of every key, with the changes of each revision, and a way back.

use std::collections::BTreeMap;

use super::{KeyIndex, View};
use crate::history::{Blob, KeyValue};

/// One version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The revision that wrote it.
    pub mod_revision: i64,
    /// The revision that created the key.
    pub create_revision: i64,
    /// Puts since the creation; 0 means that this version is a deletion.
    pub version: i64,
    /// 0 for none.
    pub lease: i64,
    /// The value.
    pub value: Blob,
}

impl Version {
    /// Whether the key is gone with this version.
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

/// One key's change in one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// The key.
    pub key: &'a Blob,
    /// What it became.
    pub now: &'a Version,
    /// What it was; None if it did not exist.
    pub before: Option<&'a Version>,
}

impl Change<'_> {
    /// The key as stored after the change; of a deletion only its name and revision.
    pub fn kv(&self) -> KeyValue {
        self.now.of(self.key)
    }

    /// The key as stored before.
    pub fn prev_kv(&self) -> Option<KeyValue> {
        self.before.map(|version| version.of(self.key))
    }
}

/// The key space with all its past.
#[derive(Clone, Debug)]
pub struct Store {
    revision: i64,
    pub(super) index: KeyIndex,
    /// The versions of each key, by its number in the index. None for a key that was only tried.
    pub(super) chains: Vec<Vec<Version>>,
    /// In order, for ranges.
    pub(super) all: BTreeMap<Blob, u32>,
    pub(super) live: BTreeMap<Blob, u32>,
    /// Which version of which chain, in the order of the changes.
    changes: Vec<(u32, u32)>,
    /// Where in `changes` each revision from 2 on begins.
    begins: Vec<u32>,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            revision: 1,
            index: KeyIndex::default(),
            chains: Vec::new(),
            all: BTreeMap::new(),
            live: BTreeMap::new(),
            changes: Vec::new(),
            begins: Vec::new(),
        }
    }
}

impl Store {
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

    /// What `revision` changed, in order; nothing for a revision that is not there.
    pub fn changes(&self, revision: i64) -> impl ExactSizeIterator<Item = Change<'_>> {
        let (from, to) = self.bounds(revision);
        self.changes[from..to].iter().map(|&(chain, version)| {
            let (key, versions) = (self.index.key(chain), &self.chains[chain as usize]);
            let version = version as usize;
            let before = version.checked_sub(1).map(|place| &versions[place]);
            let before = before.filter(|version| !version.is_deletion());
            Change { key, now: &versions[version], before }
        })
    }

    fn bounds(&self, revision: i64) -> (usize, usize) {
        if revision < 2 || revision > self.revision {
            return (0, 0);
        }
        let place = revision as usize - 2;
        let end = self.begins.get(place + 1).map_or(self.changes.len(), |end| *end as usize);
        (self.begins[place] as usize, end)
    }

    /// Takes back everything after `revision`.
    pub fn undo_to(&mut self, revision: i64) {
        let revision = revision.max(1);
        if revision >= self.revision {
            return;
        }
        let kept = self.begins[revision as usize - 1] as usize;
        for (chain, _) in self.changes.drain(kept..).rev() {
            let (key, versions) = (self.index.key(chain), &mut self.chains[chain as usize]);
            let was_live = versions.pop().is_some_and(|version| !version.is_deletion());
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
        self.begins.truncate(revision as usize - 1);
        self.revision = revision;
    }

    /// How many changes there are in all: a mark for [`Store::close`].
    pub(super) fn mark(&self) -> usize {
        self.changes.len()
    }

    /// Ends a request: whatever changed since `mark` is the next revision.
    pub(super) fn close(&mut self, mark: usize) {
        if self.changes.len() > mark {
            self.begins.push(mark as u32);
            self.revision += 1;
        }
    }

    /// Puts a key as part of the next revision.
    pub(super) fn write(&mut self, key: &Blob, value: Blob, lease: i64) {
        let revision = self.revision + 1;
        let chain = self.index.enter(key);
        if self.chains.len() < self.index.len() {
            self.chains.push(Vec::new());
        }
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
        self.changes.push((chain, versions.len() as u32));
        versions.push(Version { mod_revision: revision, create_revision, version, lease, value });
    }

    /// Deletes a live key as part of the next revision.
    pub(super) fn erase(&mut self, key: &Blob) {
        let Some(chain) = self.live.remove(key) else { return };
        let versions = &mut self.chains[chain as usize];
        self.changes.push((chain, versions.len() as u32));
        versions.push(Version {
            mod_revision: self.revision + 1,
            create_revision: 0,
            version: 0,
            lease: 0,
            value: Blob::default(),
        });
    }
}

//! What leases do to the key space: which keys hang on which, and which leases are over.

use std::collections::{BTreeMap, BTreeSet};

use super::Store;
use crate::history::Blob;

/// The leases of a store.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    /// Keys that were ever put with a lease; some hang on another by now, or on none.
    hung: BTreeMap<i64, BTreeSet<Blob>>,
    /// Leases that are granted no more than once: when they are over, they are over.
    once: BTreeSet<i64>,
    /// Of those, the revision that ended each, as far as one did.
    ended: BTreeMap<i64, i64>,
    /// The same in the order of revisions.
    endings: Vec<(i64, i64)>,
}

impl Leases {
    /// A key is put with a lease.
    pub(super) fn hang(&mut self, lease: i64, key: &Blob) {
        if lease != 0 {
            let keys = self.hung.entry(lease).or_default();
            if !keys.contains(key) {
                keys.insert(key.clone());
            }
        }
    }

    /// Takes back every end after a revision.
    pub(super) fn undo_to(&mut self, revision: i64) {
        while let Some((_, lease)) = self.endings.pop_if(|(at, _)| *at > revision) {
            self.ended.remove(&lease);
        }
    }

    /// Whether a lease is certainly over at a revision.
    pub(super) fn over(&self, lease: i64, revision: i64) -> bool {
        self.ended.get(&lease).is_some_and(|ended| *ended <= revision)
    }

    /// Nothing is taken back to before a revision any more.
    pub(super) fn forget(&mut self, floor: i64) {
        let known = self.endings.partition_point(|(at, _)| *at <= floor);
        self.endings.drain(..known);
    }

    fn end(&mut self, lease: i64, revision: i64) {
        if self.once.contains(&lease) && self.ended.insert(lease, revision).is_none() {
            self.endings.push((revision, lease));
        }
    }
}

impl Store {
    /// Says which leases are granted no more than once: after a revision has ended one of them,
    /// nothing can be put with it.
    pub fn grant_once(&mut self, leases: BTreeSet<i64>) {
        self.leases.once = leases;
    }

    /// Whether a lease is granted no more than once.
    pub(crate) fn is_once(&self, lease: i64) -> bool {
        self.leases.once.contains(&lease)
    }

    /// A revision that was made otherwise here was the end of a lease.
    pub(crate) fn lease_ended(&mut self, lease: i64, revision: i64) {
        if self.leases.ended.insert(lease, revision).is_none() {
            let after = self.leases.endings.partition_point(|(at, _)| *at <= revision);
            self.leases.endings.insert(after, (revision, lease));
        }
    }

    /// A lease that was over was granted again.
    pub(crate) fn granted_again(&mut self, lease: i64) {
        if self.leases.ended.remove(&lease).is_some() {
            self.leases.endings.retain(|(_, ended)| *ended != lease);
        }
    }

    /// Nothing hangs on a lease any more, nor will.
    pub(crate) fn forget_lease(&mut self, lease: i64) {
        self.leases.hung.remove(&lease);
    }

    /// Every lease that a key was ever put with.
    pub fn leases(&self) -> impl Iterator<Item = i64> {
        self.leases.hung.keys().copied()
    }

    /// The live keys that hang on a lease, in order.
    pub fn hanging(&self, lease: i64) -> Vec<Blob> {
        let now = self.now();
        let keys = self.leases.hung.get(&lease).into_iter().flatten();
        let hangs = |key: &&Blob| now.get(key).is_some_and(|version| version.lease == lease);
        keys.filter(hangs).cloned().collect()
    }

    /// Ends a lease, and with it every key that hangs on it, in one revision.
    pub(super) fn revoke(&mut self, lease: i64) {
        let keys = self.hanging(lease);
        for key in &keys {
            self.erase(key);
        }
        if !keys.is_empty() {
            self.leases.end(lease, self.revision() + 1);
        }
    }
}

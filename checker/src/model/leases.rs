//! The effect of leases on the key space: the keys attached to each lease, and the leases that are
//! over.

use std::collections::{BTreeMap, BTreeSet};

use super::Store;
use crate::history::Blob;

/// The leases of a store.
///
/// Invariants: `attached` has a lease only with a key, and never lease 0, which is none; `endings` is in
/// the order of revisions, and each lease in it is in `ended`.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    /// The keys that were ever put with each lease. A later put may have attached a key to another
    /// lease.
    attached: BTreeMap<i64, BTreeSet<Blob>>,
    /// Leases that are granted at most once: when such a lease ends, its id never comes back.
    once: BTreeSet<i64>,
    /// The revisions that ended leases of `once`.
    ended: BTreeMap<i64, i64>,
    /// The entries of `ended`, ordered by revision.
    endings: Vec<(i64, i64)>,
}

impl Leases {
    /// Notes that a key was put with a lease.
    pub(super) fn attach(&mut self, lease: i64, key: &Blob) {
        if lease != 0 {
            let keys = self.attached.entry(lease).or_default();
            if !keys.contains(key) {
                keys.insert(key.clone());
            }
        }
    }

    /// Forgets the ends of leases after a revision.
    pub(super) fn undo_to(&mut self, revision: i64) {
        while let Some((_, lease)) = self.endings.pop_if(|(at, _)| *at > revision) {
            self.ended.remove(&lease);
        }
    }

    /// Whether a lease is certainly over at a revision.
    pub(super) fn over(&self, lease: i64, revision: i64) -> bool {
        self.ended.get(&lease).is_some_and(|ended| *ended <= revision)
    }

    /// Drops what only `undo_to` needs, for revisions that will not be undone.
    pub(super) fn forget(&mut self, floor: i64) {
        let known = self.endings.partition_point(|(at, _)| *at <= floor);
        self.endings.drain(..known);
    }

    /// Asserts the invariants, lease by lease.
    pub(super) fn check_invariants(&self) {
        for (lease, keys) in &self.attached {
            assert!(*lease != 0, "keys are attached to lease 0");
            assert!(!keys.is_empty(), "lease {lease} is kept without a key");
        }
        for pair in self.endings.windows(2) {
            assert!(pair[0].0 <= pair[1].0, "end {:?} before end {:?}", pair[0], pair[1]);
        }
        for (revision, lease) in &self.endings {
            let over = self.ended.contains_key(lease);
            assert!(over, "revision {revision} ended lease {lease}, which is not over");
        }
    }

    fn end(&mut self, lease: i64, revision: i64) {
        if self.once.contains(&lease) && self.ended.insert(lease, revision).is_none() {
            self.endings.push((revision, lease));
        }
    }
}

impl Store {
    /// Declares which leases are granted at most once: once a revision has ended such a lease, no
    /// put with it is legal.
    pub fn grant_once(&mut self, leases: BTreeSet<i64>) {
        self.leases.once = leases;
    }

    /// Whether a lease is granted no more than once.
    pub(crate) fn is_once(&self, lease: i64) -> bool {
        self.leases.once.contains(&lease)
    }

    /// Records that a revision which the store made by another request was the end of a lease.
    pub(crate) fn lease_ended(&mut self, lease: i64, revision: i64) {
        if self.leases.ended.insert(lease, revision).is_none() {
            let after = self.leases.endings.partition_point(|(at, _)| *at <= revision);
            self.leases.endings.insert(after, (revision, lease));
        }
    }

    /// Records that a lease which was over was granted again.
    pub(crate) fn granted_again(&mut self, lease: i64) {
        if self.leases.ended.remove(&lease).is_some() {
            self.leases.endings.retain(|(_, ended)| *ended != lease);
        }
    }

    /// Forgets a lease: no key is attached to it now or later.
    pub(crate) fn forget_lease(&mut self, lease: i64) {
        self.leases.attached.remove(&lease);
    }

    /// Every lease that a key was ever put with.
    pub fn leases(&self) -> impl Iterator<Item = i64> {
        self.leases.attached.keys().copied()
    }

    /// The live keys attached to a lease, in order.
    pub fn attached(&self, lease: i64) -> Vec<Blob> {
        let now = self.now();
        let keys = self.leases.attached.get(&lease).into_iter().flatten();
        let hangs = |key: &&Blob| now.get(key).is_some_and(|version| version.lease == lease);
        keys.filter(hangs).cloned().collect()
    }

    /// Ends a lease and deletes every key attached to it, in one revision.
    pub(super) fn revoke(&mut self, lease: i64) {
        let keys = self.attached(lease);
        for key in &keys {
            self.erase(key);
        }
        if !keys.is_empty() {
            self.leases.end(lease, self.revision() + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leases 1 and 2 with a key each, ended by revisions 5 and 6.
    fn broken(change: impl FnOnce(&mut Leases)) {
        let mut leases = Leases { once: BTreeSet::from([1, 2]), ..Leases::default() };
        for lease in [1, 2] {
            leases.attach(lease, &"a".into());
            leases.end(lease, 4 + lease);
        }
        leases.check_invariants();
        change(&mut leases);
        leases.check_invariants();
    }

    #[test]
    fn ends_are_taken_back_from_the_last_on() {
        broken(|leases| {
            leases.undo_to(5);
            assert!(leases.over(1, 5) && !leases.over(2, 6));
        });
    }

    #[test]
    #[should_panic(expected = "keys are attached to lease 0")]
    fn a_key_on_no_lease_is_noticed() {
        broken(|leases| {
            let _ = leases.attached.insert(0, BTreeSet::from(["a".into()]));
        });
    }

    #[test]
    #[should_panic(expected = "lease 3 is kept without a key")]
    fn a_lease_without_a_key_is_noticed() {
        broken(|leases| {
            let _ = leases.attached.insert(3, BTreeSet::new());
        });
    }

    #[test]
    #[should_panic(expected = "end (6, 2) before end (5, 1)")]
    fn ends_out_of_order_are_noticed() {
        broken(|leases| leases.endings.swap(0, 1));
    }

    #[test]
    #[should_panic(expected = "revision 6 ended lease 2, which is not over")]
    fn an_end_of_a_lease_that_is_not_over_is_noticed() {
        broken(|leases| {
            let _ = leases.ended.remove(&2);
        });
    }
}

//! What is known of leases from the time before the records at hand.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::Blob;
use crate::model::Store;

/// For a whole recording: what its initial store shows. For a part: what the parts before it left.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// Whether clients may have granted leases before the recording began.
    pub(crate) unrecorded: bool,
    /// Leases with an attached key when the recording began.
    pub(crate) old: BTreeSet<i64>,
    /// Whether a grant was recorded.
    pub(crate) granted: bool,
    /// The first call of a lost grant that let the server choose the number.
    pub(crate) nameless: Option<u64>,
    /// Keys that were perhaps put with each lease.
    pub(crate) attached: BTreeMap<i64, BTreeSet<Blob>>,
    /// Leases that are certainly over.
    pub(crate) over: BTreeMap<i64, Over>,
    /// Leases whose end is certain, while operations called before the end may still be missing.
    pub(crate) ending: BTreeMap<i64, Over>,
    /// The number of certain ends of each lease that may be granted again.
    pub(crate) spent: BTreeMap<i64, usize>,
    /// Answers that returned before this time have been checked.
    pub(crate) looked: u64,
}

/// The end of a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over {
    /// The revision that deleted the keys, or the revision in the answer to the revocation.
    pub(crate) revision: i64,
    /// For an expiry: a time at which it had certainly happened.
    pub(crate) by: Option<u64>,
    /// The seconds granted; 0 if they were not recorded.
    pub(crate) granted: i64,
    /// Operations called before this time have been checked.
    pub(crate) looked: u64,
}

impl Before {
    /// For a recording that begins with a store. With `every_grant` a lease without a recorded grant
    /// does not exist, though no grant was recorded at all.
    pub(crate) fn of(store: &Store, every_grant: bool) -> Self {
        let old = store.leases().collect();
        let unrecorded = store.floor() != 1;
        Before { unrecorded, old, granted: every_grant, ..Before::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::KeyValue;

    #[test]
    fn a_fresh_store_leaves_no_lease() {
        let before = Before::of(&Store::default(), false);
        assert!(!before.unrecorded && before.old.is_empty());
    }

    #[test]
    fn a_store_that_held_keys_leaves_their_leases() {
        let kv = |key: &str, lease| KeyValue {
            key: key.into(),
            lease,
            create_revision: 2,
            mod_revision: 2,
            version: 1,
            ..KeyValue::default()
        };
        let store = Store::starting_at(5, &[kv("a", 7), kv("b", 0), kv("c", 9), kv("d", 7)]);
        let before = Before::of(&store, false);
        assert!(before.unrecorded);
        assert_eq!(before.old, BTreeSet::from([7, 9]));
    }
}

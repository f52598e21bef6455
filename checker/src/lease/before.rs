//! What is known of leases from before the records that are looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::Blob;
use crate::model::Store;

/// Of a whole recording: what its first store says. Of a part: what the parts before it left.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// Whether leases may have been granted before the recording began.
    pub(crate) unrecorded: bool,
    /// Leases on which a key hung then.
    pub(crate) old: BTreeSet<i64>,
    /// Whether a grant was recorded.
    pub(crate) granted: bool,
    /// The first call of a lost grant that left the number to the server.
    pub(crate) nameless: Option<u64>,
    /// Keys that were perhaps put with each lease.
    pub(crate) hung: BTreeMap<i64, BTreeSet<Blob>>,
    /// Leases that are certainly over.
    pub(crate) over: BTreeMap<i64, Over>,
    /// Leases whose end is certain, where not all is there yet of what was called before it was.
    pub(crate) ending: BTreeMap<i64, Over>,
    /// How many ends of leases that are not over for good are certain.
    pub(crate) spent: BTreeMap<i64, usize>,
    /// What returned before this was looked at.
    pub(crate) looked: u64,
}

/// How a lease ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over {
    /// The revision in which its keys were deleted, or from which the end was answered.
    pub(crate) revision: i64,
    /// If nobody asked for it: by when it had happened.
    pub(crate) by: Option<u64>,
    /// For how many seconds it was granted; 0 if that was not recorded.
    pub(crate) granted: i64,
    /// What was called before this has been looked at.
    pub(crate) looked: u64,
}

impl Before {
    /// Of a recording that begins with a store.
    pub(crate) fn of(store: &Store) -> Self {
        let old = store.leases().collect();
        Before { unrecorded: store.floor() != 1, old, ..Before::default() }
    }
}

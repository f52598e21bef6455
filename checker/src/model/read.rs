//! Reads the store: ranges with all their options, and the conditions of transactions.

use std::cmp::Ordering;

use super::{Span, Store, Version};
use crate::history::{
    Blob, Compare, CompareResult, KeyValue, Operand, RangeRequest, RangeResponse, SortOrder,
    SortTarget,
};

/// The store as it is or as it was.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) at: Option<i64>,
}

/// The count in an answer that the model cannot predict: the revision read was forgotten or lies
/// before the recording.
pub(super) const FORGOTTEN: i64 = i64::MIN;

impl<'a> View<'a> {
    pub(super) fn new(store: &'a Store, at: Option<i64>) -> Self {
        View { store, at }
    }

    /// The revision that the view reads.
    pub fn revision(&self) -> i64 {
        self.at.unwrap_or(self.store.revision())
    }

    /// Whether the store has forgotten the revision that the view reads.
    pub fn is_forgotten(&self) -> bool {
        self.revision() < self.store.floor()
    }

    fn version(&self, chain: u32) -> Option<(&'a Blob, &'a Version)> {
        let versions = &self.store.chains[chain as usize];
        let version = match self.at {
            None => versions.last(),
            Some(at) => {
                let after = versions.partition_point(|version| version.mod_revision <= at);
                after.checked_sub(1).map(|place| &versions[place])
            }
        };
        let key = self.store.index.key(chain);
        version.filter(|version| !version.is_deletion()).map(|version| (key, version))
    }

    /// One key, if it exists.
    pub fn get(&self, key: &[u8]) -> Option<&'a Version> {
        self.one(key).map(|(_, version)| version)
    }

    fn one(&self, key: &[u8]) -> Option<(&'a Blob, &'a Version)> {
        self.store.index.get(key).and_then(|chain| self.version(chain))
    }

    /// The keys of a span, in order.
    pub fn within(&self, span: &Span) -> Vec<(&'a Blob, &'a Version)> {
        if span.is_one() {
            return self.one(&span.key).into_iter().collect();
        }
        let index = if self.at.is_none() { &self.store.live } else { &self.store.all };
        let Some(bounds) = span.bounds() else { return Vec::new() };
        let found = index.range::<[u8], _>(bounds);
        found.filter_map(|(_, chain)| self.version(*chain)).collect()
    }

    /// The answer to a range, without a header. The view decides the revision, whatever the request
    /// says.
    pub fn range(&self, request: &RangeRequest) -> RangeResponse {
        if self.is_forgotten() {
            return RangeResponse { count: FORGOTTEN, ..RangeResponse::default() };
        }
        let (mut kvs, count) = self.candidates(request);
        if request.count_only {
            return RangeResponse { count, ..RangeResponse::default() };
        }
        let limit = usize::try_from(request.limit).unwrap_or(0);
        let more = limit > 0 && kvs.len() > limit;
        if more {
            kvs.truncate(limit);
        }
        RangeResponse { header: None, kvs, more, count }
    }

    /// The keys that a range may show, sorted, before the limit is applied; and the count.
    ///
    /// Sorting by a target without an order sorts only the keys that the limit (plus one) lets
    /// through.
    ///
    /// # Source
    /// etcd `server/etcdserver/txn/range.go`: the limit is lifted for an order, not for a target.
    fn candidates(&self, request: &RangeRequest) -> (Vec<KeyValue>, i64) {
        if request.range_end.is_empty() && !request.count_only {
            return self.single(request);
        }
        let found = self.within(&Span::new(&request.key, &request.range_end));
        let count = found.len() as i64;
        if request.count_only {
            return (Vec::new(), count);
        }
        let shown = found.into_iter().filter(|(_, version)| shows(request, version));
        let mut kvs: Vec<KeyValue> = shown.map(|(key, version)| version.of(key)).collect();
        let filters = [
            request.min_mod_revision,
            request.max_mod_revision,
            request.min_create_revision,
            request.max_create_revision,
        ];
        if request.sort_order == SortOrder::None && request.limit > 0 && filters == [0; 4] {
            kvs.truncate(request.limit as usize + 1);
        }
        if request.sort_target != SortTarget::Key || request.sort_order != SortOrder::None {
            kvs.sort_by(|a, b| order(request, a, b));
        }
        if request.keys_only {
            for kv in &mut kvs {
                kv.value = Blob::default();
            }
        }
        (kvs, count)
    }
}

impl View<'_> {
    /// A range over one key, the most common one.
    fn single(&self, request: &RangeRequest) -> (Vec<KeyValue>, i64) {
        let Some(version) = self.get(&request.key) else { return (Vec::new(), 0) };
        if !shows(request, version) {
            return (Vec::new(), 1);
        }
        let mut kv = version.of(&request.key);
        if request.keys_only {
            kv.value = Blob::default();
        }
        (vec![kv], 1)
    }
}

fn shows(request: &RangeRequest, version: &Version) -> bool {
    let within = |revision: i64, min: i64, max: i64| {
        (min == 0 || revision >= min) && (max == 0 || revision <= max)
    };
    within(version.mod_revision, request.min_mod_revision, request.max_mod_revision)
        && within(version.create_revision, request.min_create_revision, request.max_create_revision)
}

/// The order of two keys in a range; keys with equal sort values may come in any order.
pub(super) fn order(request: &RangeRequest, a: &KeyValue, b: &KeyValue) -> Ordering {
    let order = match request.sort_target {
        SortTarget::Key => a.key.cmp(&b.key),
        SortTarget::Version => a.version.cmp(&b.version),
        SortTarget::Create => a.create_revision.cmp(&b.create_revision),
        SortTarget::Mod => a.mod_revision.cmp(&b.mod_revision),
        SortTarget::Value => a.value.cmp(&b.value),
    };
    if request.sort_order == SortOrder::Descend { order.reverse() } else { order }
}

/// Whether a condition holds: for every key of its range, or, if the range is empty, for a key with
/// all numbers zero. A condition on a value never holds for a missing key.
///
/// # Source
/// etcd `server/etcdserver/txn`, `applyCompare`.
pub fn holds(view: View<'_>, compare: &Compare) -> bool {
    let found = view.within(&Span::new(&compare.key, &compare.range_end));
    if found.is_empty() {
        let nothing = Version {
            mod_revision: 0,
            create_revision: 0,
            version: 0,
            lease: 0,
            value: Blob::default(),
        };
        return !matches!(compare.operand, Operand::Value(_)) && relates(compare, &nothing);
    }
    found.iter().all(|(_, version)| relates(compare, version))
}

fn relates(compare: &Compare, stored: &Version) -> bool {
    let order = match &compare.operand {
        Operand::Version(version) => stored.version.cmp(version),
        Operand::CreateRevision(revision) => stored.create_revision.cmp(revision),
        Operand::ModRevision(revision) => stored.mod_revision.cmp(revision),
        Operand::Value(value) => stored.value.cmp(value),
        Operand::Lease(lease) => stored.lease.cmp(lease),
    };
    match compare.result {
        CompareResult::Equal => order == Ordering::Equal,
        CompareResult::NotEqual => order != Ordering::Equal,
        CompareResult::Greater => order == Ordering::Greater,
        CompareResult::Less => order == Ordering::Less,
    }
}

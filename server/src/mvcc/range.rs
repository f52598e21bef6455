//! Reading: one view of the store at one revision, with etcd's meaning of every option.

use std::cmp::Ordering;
use std::ops::Bound;

use bytes::Bytes;
use redb::ReadableTable;

use super::index::IndexEntry;
use super::memory::Memory;
use super::record::{Record, RecordKey};
use super::{Applies, StoreError};
use crate::command::{
    Compare, CompareResult, CompareTarget, KeyValue, RangeRequest, RangeResponse, Rejected,
    SortOrder, SortTarget,
};

/// Revisions as keys of the table, from and to.
pub(crate) type ScanRange = (Bound<RecordKey>, Bound<RecordKey>);

/// What can be read at a moment: outside of a request, or inside with what it has changed so far.
pub(crate) struct View<'a, T> {
    pub(crate) memory: &'a Memory,
    records: &'a T,
    /// The newest revision to be seen.
    pub(crate) revision: i64,
}

impl<'a, T: ReadableTable<RecordKey, &'static [u8]>> View<'a, T> {
    pub(crate) fn new(memory: &'a Memory, records: &'a T, revision: i64) -> View<'a, T> {
        View { memory, records, revision }
    }

    /// Reads the record of a place in the index.
    pub(crate) fn record(&self, entry: &IndexEntry) -> Result<Record, StoreError> {
        let missing = || StoreError::Corrupt(format!("revision {} is missing", entry.revision));
        let sealed = self.records.get(entry.revision.key())?.ok_or_else(missing)?;
        Record::open(entry.revision, sealed.value())
    }

    /// All records of some revisions, in order.
    pub(crate) fn scan(
        &self,
        revisions: ScanRange,
    ) -> Result<redb::Range<'_, RecordKey, &'static [u8]>, StoreError> {
        Ok(self.records.range(revisions)?)
    }

    /// Reads a key value.
    pub(crate) fn kv(&self, entry: &IndexEntry) -> Result<KeyValue, StoreError> {
        Ok(self.record(entry)?.into_kv(entry.revision.main))
    }

    /// Answers a Range.
    ///
    /// # Source
    /// etcd `txn/range.go`: bounds on mod and create revision come first, then the order, then
    /// the limit; `count` counts the keys of the range whatever the bounds and the limit.
    pub(crate) fn range(&self, request: &RangeRequest) -> Applies<RangeResponse> {
        let revision = if request.revision <= 0 { self.revision } else { request.revision };
        if revision > self.revision {
            return Ok(Err(Rejected::FutureRevision));
        }
        if revision < self.memory.state.compact_revision {
            return Ok(Err(Rejected::Compacted));
        }
        let limit = usize::try_from(request.limit).ok().filter(|limit| *limit > 0);
        let found = self.memory.index.range(&request.range, revision);
        let mut response = RangeResponse { revision: self.revision, ..RangeResponse::default() };
        if request.count_only {
            response.count = found.count() as i64;
            worked(response.count);
            return Ok(Ok(response));
        }
        // Without an order, nothing beyond the limit and one more needs to be kept.
        let cuts_first = match request.sort {
            None => true,
            Some((_, order)) => order == SortOrder::None && !has_bounds(request),
        };
        let wanted = match limit {
            Some(limit) if cuts_first => limit.saturating_add(1),
            _ => usize::MAX,
        };
        let mut entries = Vec::new();
        for (_, entry) in found {
            response.count += 1;
            if entries.len() < wanted && within_bounds(request, &entry) {
                entries.push(entry);
            }
        }
        worked(response.count);
        if let Some((SortTarget::Value, order)) = request.sort {
            let mut kvs = self.kvs(&entries)?;
            kvs.sort_by(|a, b| ordered(order, a.value.cmp(&b.value)));
            response.more = cut(&mut kvs, limit);
            response.kvs = kvs;
        } else {
            sort(&mut entries, request.sort);
            response.more = cut(&mut entries, limit);
            response.kvs = self.kvs(&entries)?;
        }
        if request.keys_only {
            response.kvs.iter_mut().for_each(|kv| kv.value = Bytes::new());
        }
        Ok(Ok(response))
    }

    fn kvs(&self, entries: &[IndexEntry]) -> Result<Vec<KeyValue>, StoreError> {
        entries.iter().map(|entry| self.kv(entry)).collect()
    }

    /// Whether a comparison holds.
    ///
    /// # Source
    /// etcd `txn/txn.go`: over a range it must hold for every key; where there is no key, the value
    /// never compares, and everything else is 0.
    pub(crate) fn holds(&self, compare: &Compare) -> Result<bool, StoreError> {
        let mut any = false;
        for (_, entry) in self.memory.index.range(&compare.range, self.revision) {
            any = true;
            let order = match &compare.target {
                CompareTarget::Version(version) => entry.version.cmp(version),
                CompareTarget::Create(revision) => entry.create_revision.cmp(revision),
                CompareTarget::Mod(revision) => entry.revision.main.cmp(revision),
                CompareTarget::Value(value) => self.record(&entry)?.value.cmp(value),
                CompareTarget::Lease(lease) => self.record(&entry)?.lease.cmp(lease),
            };
            if !satisfies(compare.result, order) {
                return Ok(false);
            }
        }
        Ok(any
            || match &compare.target {
                CompareTarget::Value(_) => false,
                CompareTarget::Version(number)
                | CompareTarget::Create(number)
                | CompareTarget::Mod(number)
                | CompareTarget::Lease(number) => satisfies(compare.result, 0.cmp(number)),
            })
    }

    /// The key now, when it exists.
    pub(crate) fn current(&self, key: &[u8]) -> Option<IndexEntry> {
        self.memory.index.get(key, self.revision)
    }
}

fn satisfies(result: CompareResult, order: Ordering) -> bool {
    match result {
        CompareResult::Equal => order.is_eq(),
        CompareResult::Greater => order.is_gt(),
        CompareResult::Less => order.is_lt(),
        CompareResult::NotEqual => order.is_ne(),
    }
}

fn has_bounds(request: &RangeRequest) -> bool {
    let bounds = [
        request.min_mod_revision,
        request.max_mod_revision,
        request.min_create_revision,
        request.max_create_revision,
    ];
    bounds != [0; 4]
}

fn within_bounds(request: &RangeRequest, entry: &IndexEntry) -> bool {
    let within = |min: i64, max: i64, revision: i64| {
        (min == 0 || revision >= min) && (max == 0 || revision <= max)
    };
    within(request.min_mod_revision, request.max_mod_revision, entry.revision.main)
        && within(request.min_create_revision, request.max_create_revision, entry.create_revision)
}

/// Visiting so many keys in the index takes about as long as reading one record.
const KEYS_A_RECORD: u64 = 16;

/// Reports the work of having visited so many keys.
fn worked(keys: i64) {
    crate::probe::worked(keys.unsigned_abs() / KEYS_A_RECORD);
}

/// Sorts what came in the order of keys; equal ones stay in that order.
fn sort(entries: &mut [IndexEntry], sort: Option<(SortTarget, SortOrder)>) {
    let Some((target, order)) = sort else { return };
    match target {
        SortTarget::Key if order == SortOrder::Descend => entries.reverse(),
        SortTarget::Key | SortTarget::Value => {}
        SortTarget::Version => entries.sort_by(|a, b| ordered(order, a.version.cmp(&b.version))),
        SortTarget::Create => {
            entries.sort_by(|a, b| ordered(order, a.create_revision.cmp(&b.create_revision)));
        }
        SortTarget::Mod => {
            entries.sort_by(|a, b| ordered(order, a.revision.main.cmp(&b.revision.main)));
        }
    }
}

fn ordered(order: SortOrder, ordering: Ordering) -> Ordering {
    match order {
        SortOrder::None | SortOrder::Ascend => ordering,
        SortOrder::Descend => ordering.reverse(),
    }
}

/// Cuts at the limit; whether something was cut off.
fn cut<T>(found: &mut Vec<T>, limit: Option<usize>) -> bool {
    let more = limit.is_some_and(|limit| found.len() > limit);
    if let Some(limit) = limit {
        found.truncate(limit);
    }
    more
}

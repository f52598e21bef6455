//! Reading history again, for watchers that have fallen behind.

use std::ops::Bound;

use redb::ReadableTable;

use super::event::{Changes, Event, EventKind};
use super::index::IndexEntry;
use super::range::View;
use super::record::{Record, RecordKey, Revision};
use super::{Applies, Store, StoreError};
use crate::command::{KeyRange, KeyValue, Rejected};

/// Bytes of records after which a stretch of history ends.
const SCAN_BYTES_MAX: usize = 8 << 20;

/// A stretch of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The changes of the range's keys, by revision.
    pub changes: Vec<Changes>,
    /// Everything before this revision has been looked at.
    pub next: i64,
}

impl Store {
    /// Changes of the range's keys from one revision to another, both included.
    ///
    /// Looks at about `scan_max` changes at most (of any key) and always ends between two
    /// revisions; go on from [`History::next`]. Refused when `from` is compacted.
    pub fn events(
        &self,
        range: &KeyRange,
        from: i64,
        upto: i64,
        scan_max: usize,
    ) -> Applies<History> {
        self.read(|view| {
            if from < view.memory.state.compact_revision {
                return Ok(Err(Rejected::Compacted));
            }
            let upto = upto.min(view.revision);
            if range.is_single() {
                view.events_of_key(&range.key, from, upto, scan_max).map(Ok)
            } else {
                view.events_of_range(range, from, upto, scan_max).map(Ok)
            }
        })
    }
}

impl<T: ReadableTable<RecordKey, &'static [u8]>> View<'_, T> {
    fn events_of_key(
        &self,
        key: &[u8],
        from: i64,
        upto: i64,
        scan_max: usize,
    ) -> Result<History, StoreError> {
        let mut gathered = Gathered::default();
        for (seen, entry) in self.memory.index.changes(key, from).iter().enumerate() {
            let main = entry.revision.main;
            if main > upto {
                break;
            }
            if (seen >= scan_max || gathered.is_full()) && gathered.starts(main) {
                return Ok(gathered.until(main));
            }
            gathered.add(main, self.event(entry.revision, self.record(entry)?)?);
        }
        Ok(gathered.until(from.max(upto + 1)))
    }

    fn events_of_range(
        &self,
        range: &KeyRange,
        from: i64,
        upto: i64,
        scan_max: usize,
    ) -> Result<History, StoreError> {
        let mut gathered = Gathered::default();
        if upto < from {
            return Ok(gathered.until(from));
        }
        let (first, last) = ((from, 0), (upto, u32::MAX));
        let mut previous = None;
        for (seen, entry) in self.scan((Bound::Included(first), Bound::Included(last)))?.enumerate()
        {
            let (key, sealed) = entry?;
            let revision = Revision::from_key(key.value());
            if (seen >= scan_max || gathered.is_full()) && previous != Some(revision.main) {
                return Ok(gathered.until(revision.main));
            }
            previous = Some(revision.main);
            let record = Record::open(revision, sealed.value())?;
            // Compacted records at the compact revision may still lie in the file.
            if range.contains(&record.key) && self.memory.index.holds(&record.key, revision) {
                gathered.add(revision.main, self.event(revision, record)?);
            }
        }
        Ok(gathered.until(upto + 1))
    }

    /// The key before the revision `main`, which gave the key this version.
    ///
    /// # Source
    /// etcd `v3rpc/watch.go`: a created key had no state before; otherwise the state at the revision
    /// before is told, also when the request changed the key twice.
    pub(crate) fn kv_before(
        &self,
        key: &[u8],
        version: i64,
        main: i64,
    ) -> Result<Option<KeyValue>, StoreError> {
        let created = version == 1;
        let before: Option<IndexEntry> =
            if created { None } else { self.memory.index.before(key, main) };
        before.map(|entry| self.kv(&entry)).transpose()
    }

    fn event(&self, revision: Revision, record: Record) -> Result<Event, StoreError> {
        let prev_kv = self.kv_before(&record.key, record.version, revision.main)?;
        let kind = if record.is_tombstone() { EventKind::Delete } else { EventKind::Put };
        Ok(Event { kind, kv: record.into_kv(revision.main), prev_kv })
    }
}

#[derive(Default)]
struct Gathered {
    changes: Vec<Changes>,
    bytes: usize,
}

impl Gathered {
    fn starts(&self, revision: i64) -> bool {
        self.changes.last().is_none_or(|(last, _)| *last != revision)
    }

    fn is_full(&self) -> bool {
        self.bytes >= SCAN_BYTES_MAX
    }

    fn add(&mut self, revision: i64, event: Event) {
        self.bytes += event.kv.value.len();
        if self.starts(revision) {
            self.changes.push((revision, Vec::new()));
        }
        let (_, events) = self.changes.last_mut().expect("one was just made");
        events.push(event);
    }

    fn until(self, next: i64) -> History {
        History { changes: self.changes, next }
    }
}

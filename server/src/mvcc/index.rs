//! The index in memory: for every key, its revisions in order.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::record::{Record, Revision};
use crate::command::KeyRange;
use crate::planted;

/// A change as the index keeps it, so that many answers need not read the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) revision: Revision,
    pub(crate) create_revision: i64,
    /// 0 for a tombstone.
    pub(crate) version: i64,
    /// The record's size in the file, with its revision.
    pub(crate) bytes: u32,
}

impl IndexEntry {
    pub(crate) fn of(revision: Revision, record: &Record, sealed: usize) -> IndexEntry {
        IndexEntry {
            revision,
            create_revision: record.create_revision,
            version: record.version,
            bytes: u32::try_from(sealed + REVISION_BYTES).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        self.version == 0
    }

    /// Asserts that the change may come after `before`, the same key's change before it. Without
    /// one, the key is new or what came before is compacted.
    fn check_follows(&self, before: Option<&IndexEntry>) {
        let IndexEntry { revision, create_revision, version, .. } = *self;
        if self.is_tombstone() {
            assert_eq!(create_revision, 0, "tombstone {revision} has a create revision");
        } else {
            assert!(version > 0, "change {revision} has version {version}");
            assert!(
                create_revision <= revision.main,
                "{revision} was created at {create_revision}"
            );
            assert!(
                version > 1 || create_revision == revision.main,
                "{revision} has version 1 and was created at {create_revision}"
            );
        }
        let Some(before) = before else { return };
        assert!(before.revision < revision, "{revision} follows {}", before.revision);
        if before.is_tombstone() {
            assert!(version == 1, "{revision} has version {version} after a tombstone");
        } else if !self.is_tombstone() {
            let wanted = (before.version + 1, before.create_revision);
            assert_eq!((version, create_revision), wanted, "{revision} counts on from its key");
        }
    }
}

/// All entries are looked at after this many were added.
const SCAN_ADDED: u64 = 4096;

/// What a revision costs as a key of the table.
const REVISION_BYTES: usize = 12;

/// Every key with the revisions of it that are still readable or watchable.
///
/// Invariants
/// - A key is there with at least one entry; its entries rise by revision.
/// - A tombstone has neither a version nor a create revision, and follows a change that is none.
/// - A key begins with version 1 at its create revision, and counts on from there.
/// - `bytes` is the size of all records in the index.
#[derive(Debug, Default)]
pub(crate) struct Index {
    keys: BTreeMap<Bytes, Vec<IndexEntry>>,
    bytes: u64,
    /// Entries ever added.
    added: u64,
}

impl Index {
    /// Adds a change, newer than all others of its key.
    pub(crate) fn add(&mut self, key: &Bytes, entry: IndexEntry) {
        self.bytes += u64::from(entry.bytes);
        if let Some(entries) = self.keys.get_mut(key) {
            if cfg!(debug_assertions) {
                entry.check_follows(entries.last());
            }
            entries.push(entry);
        } else {
            if cfg!(debug_assertions) {
                entry.check_follows(None);
            }
            self.keys.insert(key.clone(), vec![entry]);
        }
        self.added += 1;
        if cfg!(debug_assertions) && self.added.is_multiple_of(SCAN_ADDED) {
            self.check_invariants();
        }
    }

    /// The key as of `revision`, when it exists then.
    pub(crate) fn get(&self, key: &[u8], revision: i64) -> Option<IndexEntry> {
        alive_at(self.keys.get(key)?, revision)
    }

    /// Keys of a range that exist at `revision`, in order.
    pub(crate) fn range<'a>(
        &'a self,
        range: &'a KeyRange,
        revision: i64,
    ) -> impl Iterator<Item = (&'a Bytes, IndexEntry)> + 'a {
        let bounds = range.bounds();
        bounds
            .into_iter()
            .flat_map(|bounds| self.keys.range::<[u8], _>(bounds))
            .filter_map(move |(key, entries)| Some((key, alive_at(entries, revision)?)))
    }

    /// All changes of one key from `revision` on, in order.
    pub(crate) fn changes(&self, key: &[u8], revision: i64) -> &[IndexEntry] {
        let entries = self.keys.get(key).map_or(&[][..], Vec::as_slice);
        &entries[entries.partition_point(|entry| entry.revision.main < revision)..]
    }

    /// The key as it was before the revision `main`, when it existed then and is not gone.
    pub(crate) fn before(&self, key: &[u8], main: i64) -> Option<IndexEntry> {
        let entries = self.keys.get(key)?;
        let older = entries.partition_point(|entry| entry.revision.main < main);
        entries[..older].last().copied().filter(|entry| !entry.is_tombstone())
    }

    /// Whether a change of a key is still in the index.
    pub(crate) fn holds(&self, key: &[u8], revision: Revision) -> bool {
        self.keys.get(key).is_some_and(|entries| {
            entries.binary_search_by_key(&revision, |entry| entry.revision).is_ok()
        })
    }

    /// Bytes of all records in the index, each with its revision.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forgets what compaction at `revision` makes unreachable and returns it.
    ///
    /// Of each key stays everything from `revision` on and, when nothing stands at `revision`
    /// itself, the newest change below it unless that is a tombstone.
    ///
    /// # Source
    /// etcd since #18274: a tombstone at exactly the compact revision stays, a watcher may start
    /// there.
    pub(crate) fn compact(&mut self, revision: i64) -> Vec<Revision> {
        let drop_tombstone_at = planted!("R10", "tombstone-dropped");
        let mut gone = Vec::new();
        let mut bytes = 0;
        self.keys.retain(|_, entries| {
            let mut first = entries.partition_point(|entry| entry.revision.main < revision);
            let at = entries.get(first).is_some_and(|entry| entry.revision.main == revision);
            if at && drop_tombstone_at && entries[first].is_tombstone() {
                first += 1;
            } else if !at && first > 0 && !entries[first - 1].is_tombstone() {
                first -= 1;
            }
            for entry in entries.drain(..first) {
                bytes += u64::from(entry.bytes);
                gone.push(entry.revision);
            }
            !entries.is_empty()
        });
        self.bytes -= bytes;
        gone.sort_unstable();
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
        gone
    }

    /// Asserts the invariants, entry by entry.
    pub(crate) fn check_invariants(&self) {
        let mut bytes = 0;
        for (key, entries) in &self.keys {
            assert!(!entries.is_empty(), "key {key:?} is there without an entry");
            let mut before = None;
            for entry in entries {
                entry.check_follows(before);
                bytes += u64::from(entry.bytes);
                before = Some(entry);
            }
        }
        assert_eq!(self.bytes, bytes, "bytes counted and bytes of the entries");
    }
}

/// The newest change at or below `revision`, unless it is a tombstone.
fn alive_at(entries: &[IndexEntry], revision: i64) -> Option<IndexEntry> {
    // Nearly always the newest is wanted.
    let entry = match entries.last() {
        Some(last) if last.revision.main <= revision => last,
        _ => {
            let newer = entries.partition_point(|entry| entry.revision.main <= revision);
            entries[..newer].last()?
        }
    };
    (!entry.is_tombstone()).then_some(*entry)
}

#[cfg(test)]
mod tests;

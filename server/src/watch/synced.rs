//! Which watchers want to hear of a key.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::stream::StreamId;
use crate::command::KeyRange;

/// A watcher's stream and id.
pub(crate) type Name = (StreamId, i64);

/// The synced watchers, by what they watch.
#[derive(Debug, Default)]
pub(crate) struct Synced {
    keys: BTreeMap<Bytes, BTreeSet<Name>>,
    ranges: BTreeMap<Name, KeyRange>,
}

impl Synced {
    pub(crate) fn add(&mut self, name: Name, range: &KeyRange) {
        if range.is_single() {
            self.keys.entry(range.key.clone()).or_default().insert(name);
        } else {
            self.ranges.insert(name, range.clone());
        }
    }

    pub(crate) fn remove(&mut self, name: Name, range: &KeyRange) {
        if self.ranges.remove(&name).is_some() {
            return;
        }
        if let Some(names) = self.keys.get_mut(&range.key) {
            names.remove(&name);
            if names.is_empty() {
                self.keys.remove(&range.key);
            }
        }
    }

    /// How many watchers are synced.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len() + self.keys.values().map(BTreeSet::len).sum::<usize>()
    }

    /// The watchers of a key.
    pub(crate) fn watching<'a>(&'a self, key: &'a [u8]) -> impl Iterator<Item = Name> + 'a {
        let ranges = self.ranges.iter().filter(|(_, range)| range.contains(key));
        self.keys.get(key).into_iter().flatten().copied().chain(ranges.map(|(name, _)| *name))
    }
}

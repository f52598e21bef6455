//! The contents of one file: the cached image, the durable one, and what lies between them.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::SECTOR;
use super::file::FileClass;
use crate::stream::FaultId;

/// One operation on the contents that no sync has covered yet.
#[derive(Clone, Debug)]
pub(super) struct Unsynced {
    pub(super) ordinal: u64,
    /// When it happened on the device's clock.
    pub(super) issued_ns: u64,
    pub(super) change: Change,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: u64, bytes: Bytes },
    SetLen(u64),
}

/// A file's contents.
#[derive(Debug)]
pub(super) struct FileContents {
    pub(super) class: FileClass,
    pub(super) cached: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) unsynced: VecDeque<Unsynced>,
    /// A failed sync left bytes in the cache that no sync will ever cover.
    pub(super) diverged: bool,
    /// Bits rotted below operations that were not synced: the cache is no replay of the medium.
    pub(super) rotted: bool,
    /// Sectors of the durable image that a fault has damaged.
    pub(super) damaged: BTreeMap<u64, FaultId>,
}

impl FileContents {
    pub(super) fn new(class: FileClass) -> FileContents {
        FileContents {
            class,
            cached: Vec::new(),
            durable: Vec::new(),
            unsynced: VecDeque::new(),
            diverged: false,
            rotted: false,
            damaged: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.cached.len() as u64
    }

    pub(super) fn change(&mut self, ordinal: u64, issued_ns: u64, change: Change) {
        apply(&mut self.cached, &change);
        if let (Change::Write { offset, bytes }, false) = (&change, self.damaged.is_empty()) {
            let end = offset + bytes.len() as u64;
            self.damaged
                .retain(|sector, _| sector * SECTOR + SECTOR <= *offset || sector * SECTOR >= end);
        }
        self.unsynced.push_back(Unsynced { ordinal, issued_ns, change });
    }

    /// Everything before this ordinal reaches the medium.
    pub(super) fn sync(&mut self, up_to: u64) {
        while self.unsynced.front().is_some_and(|first| first.ordinal < up_to) {
            if let Some(first) = self.unsynced.pop_front() {
                apply(&mut self.durable, &first.change);
            }
        }
    }

    /// A sync failed, and the cache keeps what it has not written: it counts as clean.
    pub(super) fn forget_unsynced(&mut self) {
        self.diverged |= !self.unsynced.is_empty();
        self.unsynced.clear();
    }

    /// The cache is what the medium holds.
    pub(super) fn drop_cache(&mut self) {
        if self.diverged || !self.unsynced.is_empty() {
            self.unsynced.clear();
            self.cached.clone_from(&self.durable);
            self.diverged = false;
            self.rotted = false;
        }
    }

    /// Takes back what was to happen after `now_ns`, a moment the process did not live to see.
    pub(super) fn take_back_after(&mut self, now_ns: u64) {
        let happened = self.unsynced.partition_point(|op| op.issued_ns <= now_ns);
        if happened == self.unsynced.len() {
            return;
        }
        self.unsynced.truncate(happened);
        if !self.diverged {
            self.cached.clone_from(&self.durable);
            for op in &self.unsynced {
                apply(&mut self.cached, &op.change);
            }
        }
    }
}

/// Applies a change to an image.
pub(super) fn apply(image: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => write(image, *offset as usize, bytes),
        Change::SetLen(len) => image.resize(*len as usize, 0),
    }
}

/// Writes bytes into an image, growing it with zeros.
pub(super) fn write(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if offset == image.len() {
        image.extend_from_slice(bytes);
        return;
    }
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(bytes);
}

/// The sectors that a range of bytes touches, each with its part of the range.
pub(super) fn sectors(offset: u64, len: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    let end = offset + len;
    let mut at = offset;
    std::iter::from_fn(move || {
        let start = at;
        at = ((start / SECTOR + 1) * SECTOR).min(end);
        (start < end).then_some(start..at)
    })
}

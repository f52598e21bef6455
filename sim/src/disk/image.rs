//! Whole disks: emptied, exchanged, set back.

use std::collections::BTreeMap;

use super::contents::FileContents;
use super::file::{FileClass, FileId};
use super::names::{Tree, parent};
use super::volume::Volume;
use crate::stream::FaultId;
use crate::trace::Kind;

/// What was durable on a disk at some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    names: Tree,
    contents: BTreeMap<FileId, Vec<u8>>,
}

impl Image {
    /// Bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.contents.values().map(|bytes| bytes.len() as u64).sum()
    }
}

impl Volume {
    /// The files of a folder that are durable by name, with their durable bytes, in order of
    /// path.
    pub fn durable_files(&mut self, now_ns: u64, folder: &str) -> Vec<(&str, FileId, &[u8])> {
        self.settle(now_ns);
        let files = self.durable_names.files.iter();
        let inside = files.filter(|(path, _)| parent(path) == folder);
        inside
            .filter_map(|(path, id)| Some((path.as_str(), *id, &*self.files.get(id)?.durable)))
            .collect()
    }

    /// The files of a folder as a process sees them, with the bytes that it reads, in order of
    /// path.
    pub fn readable_files(&mut self, now_ns: u64, folder: &str) -> Vec<(&str, FileId, &[u8])> {
        self.settle(now_ns);
        let inside = self.names.files.iter().filter(|(path, _)| parent(path) == folder);
        inside
            .filter_map(|(path, id)| Some((path.as_str(), *id, &*self.files.get(id)?.cached)))
            .collect()
    }

    /// What a power loss that keeps nothing would leave.
    pub fn image(&mut self, now_ns: u64) -> Image {
        self.settle(now_ns);
        let mut names = self.durable_names.clone();
        names.prune();
        let files = names.files.values();
        let contents = files
            .filter_map(|id| self.files.get(id).map(|contents| (*id, contents.durable.clone())))
            .collect();
        Image { names, contents }
    }

    /// Everything on the disk is what the image says, and durable.
    pub fn roll_back(&mut self, now_ns: u64, image: &Image) {
        assert!(!self.running, "a disk is set back only while its process is dead");
        let member = self.member;
        let line = format_args!("{member} disk set to {} files", image.contents.len());
        self.trace.record(now_ns, Some(member), Kind::Fault, line);
        self.barriers.clear();
        self.unsynced_names.clear();
        self.names = image.names.clone();
        self.durable_names = image.names.clone();
        self.files.clear();
        for (path, id) in &image.names.files {
            let mut contents = FileContents::new(FileClass::of(path));
            contents.durable = image.contents.get(id).cloned().unwrap_or_default();
            contents.cached.clone_from(&contents.durable);
            self.files.insert(*id, contents);
        }
        // Ids of the image may be ahead of ours when it comes from another disk.
        let highest = self.files.keys().next_back().map_or(0, |id| id.0);
        self.next_file = self.next_file.max(highest + 1);
    }

    /// The files of a class are gone, and the directory of the log with them.
    pub fn lose(&mut self, now_ns: u64, class: FileClass) {
        assert!(!self.running, "files are taken from a disk only while its process is dead");
        self.settle(now_ns);
        let line = format_args!("{} disk loses {class:?}", self.member);
        self.trace.record(now_ns, Some(self.member), Kind::Fault, line);
        let mut image = self.written_out(now_ns);
        image.names.files.retain(|path, _| !class.covers(FileClass::of(path)));
        let directories = &mut image.names.directories;
        directories.retain(|path| !class.covers(FileClass::of(&format!("{path}/"))));
        let names = &image.names;
        image.contents.retain(|id, _| names.files.values().any(|named| named == id));
        self.roll_back(now_ns, &image);
    }

    /// Counts for a fault that the disk holds something else than before.
    pub(super) fn replaced(&mut self, id: FaultId) {
        self.effects.entry(id).or_default().disks_replaced += 1;
    }

    /// Whether sectors that a fault has damaged stand on this disk.
    pub(super) fn is_damaged(&self, id: FaultId) -> bool {
        self.files.values().any(|contents| contents.damaged.values().any(|fault| *fault == id))
    }

    /// The disk is empty.
    pub fn wipe(&mut self, now_ns: u64) {
        self.roll_back(now_ns, &Image::default());
    }

    /// Two disks are exchanged, page caches written out first.
    pub fn swap_contents(&mut self, now_ns: u64, other: &mut Volume) {
        let (mine, theirs) = (self.written_out(now_ns), other.written_out(now_ns));
        self.roll_back(now_ns, &theirs);
        other.roll_back(now_ns, &mine);
    }

    /// What the disk holds when everything unsynced is written out.
    fn written_out(&mut self, now_ns: u64) -> Image {
        self.settle(now_ns);
        let names = self.names.clone();
        let files = names.files.values();
        let contents = files
            .filter_map(|id| self.files.get(id).map(|contents| (*id, contents.cached.clone())))
            .collect();
        Image { names, contents }
    }
}

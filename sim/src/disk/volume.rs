//! One member's disk: its state, how long its operations take, and when syncs take effect.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result};
use std::task::Waker;

use super::contents::FileContents;
use super::fault::{DiskEffect, Injected};
use super::file::FileId;
use super::names::{NameChange, Tree, parent};
use super::operation::{Caller, DiskConfig, IoMode, Operation, Wait};
use crate::member::Member;
use crate::stream::{FaultId, Stream, Streams};
use crate::trace::{Event, Kind, Trace};

/// A sync under way.
#[derive(Debug)]
pub(super) struct Barrier {
    pub(super) target: Target,
    pub(super) up_to: u64,
    pub(super) issued_ns: u64,
    pub(super) at_ns: u64,
}

#[derive(Debug)]
pub(super) enum Target {
    File(FileId),
    Directory(String),
}

/// A change of a directory that no sync has covered yet.
#[derive(Debug)]
pub(super) struct UnsyncedName {
    pub(super) ordinal: u64,
    pub(super) change: NameChange,
}

/// One member's disk.
#[derive(Debug)]
pub struct Volume {
    pub(super) member: Member,
    pub(super) streams: Streams,
    pub(super) trace: Trace,
    config: DiskConfig,
    pub(super) incarnation: u64,
    pub(super) running: bool,
    pub(super) locked: bool,
    pub(super) names: Tree,
    pub(super) durable_names: Tree,
    pub(super) unsynced_names: Vec<UnsyncedName>,
    pub(super) files: BTreeMap<FileId, FileContents>,
    pub(super) next_file: u32,
    pub(super) last_ordinal: u64,
    pub(super) barriers: Vec<Barrier>,
    latency: [Stream; 2],
    pub(super) faults: Vec<Injected>,
    pub(super) effects: BTreeMap<FaultId, DiskEffect>,
    pub(super) waiting: Vec<Waker>,
    pub(super) wakes: Vec<Waker>,
    /// How far the device's time runs ahead of the world's inside a storage job.
    ahead_ns: u64,
    /// Counts steps, to look at everything from time to time.
    pub(super) steps: u64,
}

impl Volume {
    /// An empty disk.
    pub fn new(member: Member, streams: Streams, config: DiskConfig, trace: Trace) -> Volume {
        Volume {
            member,
            streams,
            trace,
            config,
            incarnation: 0,
            running: false,
            locked: false,
            names: Tree::default(),
            durable_names: Tree::default(),
            unsynced_names: Vec::new(),
            files: BTreeMap::new(),
            next_file: 1,
            last_ordinal: 0,
            barriers: Vec::new(),
            latency: [0, 1].map(|mode| streams.open("disk latency", u64::from(member), mode)),
            faults: Vec::new(),
            effects: BTreeMap::new(),
            waiting: Vec::new(),
            wakes: Vec::new(),
            ahead_ns: 0,
            steps: 0,
        }
    }

    /// A process that may use the disk starts; answers its incarnation.
    pub fn boot(&mut self, now_ns: u64) -> u64 {
        self.settle(now_ns);
        self.incarnation += 1;
        self.running = true;
        self.locked = false;
        self.ahead_ns = 0;
        self.incarnation
    }

    /// Whether a process may use the disk.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Whether this incarnation is the one that may use the disk.
    pub fn admits(&self, incarnation: u64) -> bool {
        self.check(incarnation).is_ok()
    }

    /// Whether a power loss at this moment could lose bytes or names.
    pub fn has_unsynced(&mut self, now_ns: u64) -> bool {
        self.settle(now_ns);
        let bytes = |contents: &FileContents| {
            contents.unsynced.front().is_some_and(|first| first.issued_ns <= now_ns)
        };
        !self.unsynced_names.is_empty() || self.files.values().any(bytes)
    }

    /// Takes the wakers that are due; the caller wakes them without holding the disk.
    pub fn take_wakes(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakes)
    }

    /// Whether whoever waits for an operation that is due at `due_ns` may go on.
    pub fn wait(&mut self, now_ns: u64, due_ns: u64, waker: &Waker) -> Wait {
        if now_ns < due_ns {
            return Wait::Until(due_ns);
        }
        if let Some(id) = self.stalled_by() {
            self.effects.entry(id).or_default().stalled += 1;
            self.waiting.push(waker.clone());
            return Wait::Stalled;
        }
        self.settle(now_ns);
        Wait::Over
    }

    /// Begins a storage job: its operations add up from here.
    pub fn begin_job(&mut self) {
        self.ahead_ns = 0;
    }

    /// Ends a storage job; answers how long it takes on the device.
    pub fn end_job(&mut self) -> u64 {
        std::mem::take(&mut self.ahead_ns)
    }

    /// Lets every sync whose time has passed take effect.
    pub fn settle(&mut self, now_ns: u64) {
        if self.barriers.is_empty() || self.stalled_by().is_some() {
            return;
        }
        for barrier in std::mem::take(&mut self.barriers) {
            if barrier.at_ns > now_ns {
                self.barriers.push(barrier);
                continue;
            }
            match &barrier.target {
                Target::File(file) => {
                    if let Some(contents) = self.files.get_mut(file) {
                        contents.sync(barrier.up_to);
                    }
                }
                Target::Directory(directory) => self.sync_names(directory, barrier.up_to),
            }
        }
    }

    /// Makes the changes of a directory durable, and those of another that a renaming depends on:
    /// its journal keeps them in order.
    fn sync_names(&mut self, directory: &str, up_to: u64) {
        let mut directories = BTreeSet::from([directory.to_owned()]);
        let mut covered = BTreeSet::new();
        for op in self.unsynced_names.iter().rev().filter(|op| op.ordinal < up_to) {
            if directories.contains(op.change.directory()) {
                covered.insert(op.ordinal);
                if let NameChange::Rename { from, .. } = &op.change {
                    directories.insert(parent(from).to_owned());
                }
            }
        }
        let (durable, unsynced): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unsynced_names)
            .into_iter()
            .partition(|op| covered.contains(&op.ordinal));
        self.unsynced_names = unsynced;
        for op in &durable {
            self.durable_names.apply(&op.change);
        }
        self.drop_unnamed();
    }

    /// Frees the contents of files that neither state of the tree names.
    pub(super) fn drop_unnamed(&mut self) {
        let Volume { files, names, durable_names, unsynced_names, .. } = self;
        let named = |id: &FileId| {
            let trees = names.files.values().chain(durable_names.files.values());
            let mut pending = unsynced_names.iter().filter_map(|op| match &op.change {
                NameChange::Create { file, .. } | NameChange::Rename { file, .. } => Some(file),
                NameChange::Directory { .. } | NameChange::Remove { .. } => None,
            });
            trees.into_iter().any(|file| file == id) || pending.any(|file| file == id)
        };
        files.retain(|id, _| named(id));
    }

    /// Bytes of all files together.
    pub fn used_bytes(&self) -> u64 {
        self.names.files.values().filter_map(|id| self.files.get(id)).map(FileContents::len).sum()
    }

    pub(super) fn check(&self, incarnation: u64) -> Result<()> {
        if self.running && self.incarnation == incarnation { Ok(()) } else { Err(eio()) }
    }

    pub(super) fn ordinal(&mut self) -> u64 {
        self.last_ordinal += 1;
        self.last_ordinal
    }

    /// The device's time, as this caller sees it.
    pub(super) fn device_ns(&self, caller: Caller) -> u64 {
        match caller.mode {
            IoMode::Waiting => caller.now_ns,
            IoMode::Metered => caller.now_ns + self.ahead_ns,
        }
    }

    /// Spends the time of reading so many records in a storage job.
    pub fn work(&mut self, records: u64) {
        self.ahead_ns += records * self.config.record_ns;
    }

    /// Spends an operation's time; answers when it is done.
    pub(super) fn spend(&mut self, caller: Caller, operation: Operation, bytes: usize) -> u64 {
        let mode = caller.mode;
        let latency = match (operation, mode) {
            (Operation::Sync, _) => self.config.sync,
            (_, IoMode::Metered) => self.config.cached,
            (Operation::Read | Operation::Open, IoMode::Waiting) => self.config.read,
            (Operation::Write { .. } | Operation::ChangeName, IoMode::Waiting) => self.config.write,
        };
        let drawn_ns = latency.draw(&mut self.latency[usize::from(mode == IoMode::Metered)]);
        let moved_ns = ((u128::from(self.config.mib_ns) * bytes as u128) >> 20) as u64;
        let taken_ns = self.slowed(drawn_ns + moved_ns, operation);
        let due_ns = self.device_ns(caller) + taken_ns;
        if mode == IoMode::Metered {
            self.ahead_ns += taken_ns;
        }
        due_ns
    }

    pub(super) fn note(&self, now_ns: u64, verb: &'static str, numbers: [u64; 3], bytes: &[u8]) {
        self.trace.record_bytes(
            now_ns,
            Some(self.member),
            Kind::Disk,
            Event { verb, numbers },
            bytes,
        );
    }

    pub(super) fn note_name(&self, now_ns: u64, verb: &str, path: &str) {
        let line = format_args!("{verb} {path}");
        self.trace.record(now_ns, Some(self.member), Kind::Disk, line);
    }
}

/// What a dead or damaged disk answers.
pub(super) fn eio() -> Error {
    Error::from_raw_os_error(libc::EIO)
}

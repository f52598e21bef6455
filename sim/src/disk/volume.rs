//! One member's disk: the operations of its file system, and how long they take.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::task::Waker;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::SECTOR;
use super::body::{Body, Change, sectors};
use super::fault::{DiskEffect, FailedSync, FileClass, Injected, Landing, Operation};
use super::names::{NameChange, Tree, normal, parent};
use crate::stream::{FaultId, Latency, Stream, Streams};
use crate::trace::{Kind, Trace};

/// How long the operations of a healthy disk take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskConfig {
    /// A read that may go to the medium.
    pub read: Latency,
    /// A write, or a change of a directory, that goes to the page cache.
    pub write: Latency,
    /// A sync.
    pub sync: Latency,
    /// A read or write of the page cache through the synchronous face.
    pub cached: Latency,
}

impl Default for DiskConfig {
    fn default() -> DiskConfig {
        let (us, ms) = (1_000, 1_000_000);
        DiskConfig {
            read: Latency::uniform(80 * us, 80 * us),
            write: Latency::uniform(5 * us, 15 * us),
            sync: Latency {
                base_ns: 500 * us,
                jitter_ns: 1_000 * us,
                tail_ppm: 10_000,
                tail_ns: 30 * ms,
            },
            cached: Latency::uniform(us, 2 * us),
        }
    }
}

/// Which face an operation comes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A future that waits for its time.
    Waiting,
    /// Never waits; its time adds up for the storage job it is part of.
    Metered,
}

/// A file, whatever it is called at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// An operation, and when it is done.
#[derive(Debug)]
pub struct Done<T> {
    /// Its outcome, decided now.
    pub result: Result<T>,
    /// When whoever asked may know, in nanoseconds.
    pub due_ns: u64,
}

/// The answer to whoever waits for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It is done.
    Over,
    /// Come back then.
    Until(u64),
    /// The disk is stalled; the waker is kept.
    Stalled,
}

/// A sync under way.
#[derive(Debug)]
pub(super) struct Barrier {
    target: Target,
    up_to: u64,
    pub(super) issued_ns: u64,
    at_ns: u64,
}

#[derive(Debug)]
enum Target {
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
    pub(super) member: u8,
    pub(super) streams: Streams,
    pub(super) trace: Trace,
    config: DiskConfig,
    pub(super) incarnation: u64,
    pub(super) running: bool,
    pub(super) locked: bool,
    pub(super) names: Tree,
    pub(super) durable_names: Tree,
    pub(super) unsynced_names: Vec<UnsyncedName>,
    pub(super) bodies: BTreeMap<FileId, Body>,
    pub(super) next_file: u32,
    next_ordinal: u64,
    pub(super) barriers: Vec<Barrier>,
    latency: [Stream; 2],
    pub(super) faults: Vec<Injected>,
    pub(super) effects: BTreeMap<FaultId, DiskEffect>,
    pub(super) waiting: Vec<Waker>,
    pub(super) wakes: Vec<Waker>,
    /// How far the device's time runs ahead of the world's inside a storage job.
    ahead_ns: u64,
}

impl Volume {
    /// An empty disk.
    pub fn new(member: u8, streams: Streams, config: DiskConfig, trace: Trace) -> Volume {
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
            bodies: BTreeMap::new(),
            next_file: 1,
            next_ordinal: 0,
            barriers: Vec::new(),
            latency: [0, 1].map(|face| streams.open("disk latency", u64::from(member), face)),
            faults: Vec::new(),
            effects: BTreeMap::new(),
            waiting: Vec::new(),
            wakes: Vec::new(),
            ahead_ns: 0,
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
                    if let Some(body) = self.bodies.get_mut(file) {
                        body.sync(barrier.up_to);
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
        durable.iter().for_each(|op| self.durable_names.apply(&op.change));
        self.drop_unnamed();
    }

    /// Frees the contents of files that neither state of the tree names.
    pub(super) fn drop_unnamed(&mut self) {
        let Volume { bodies, names, durable_names, unsynced_names, .. } = self;
        let named = |id: &FileId| {
            let trees = names.files.values().chain(durable_names.files.values());
            let mut pending = unsynced_names.iter().filter_map(|op| match &op.change {
                NameChange::Create { file, .. } | NameChange::Rename { file, .. } => Some(file),
                NameChange::Directory { .. } | NameChange::Remove { .. } => None,
            });
            trees.into_iter().any(|file| file == id) || pending.any(|file| file == id)
        };
        bodies.retain(|id, _| named(id));
    }

    /// Bytes of all files together.
    pub fn used_bytes(&self) -> u64 {
        self.names.files.values().filter_map(|id| self.bodies.get(id)).map(Body::len).sum()
    }

    pub(super) fn check(&self, incarnation: u64) -> Result<()> {
        if self.running && self.incarnation == incarnation { Ok(()) } else { Err(eio()) }
    }

    fn ordinal(&mut self) -> u64 {
        self.next_ordinal += 1;
        self.next_ordinal
    }

    /// The device's time, as this face sees it.
    fn device_ns(&self, now_ns: u64, face: Face) -> u64 {
        match face {
            Face::Waiting => now_ns,
            Face::Metered => now_ns + self.ahead_ns,
        }
    }

    /// Spends an operation's time; answers when it is done.
    fn spend(&mut self, now_ns: u64, face: Face, operation: Operation) -> u64 {
        let latency = match (operation, face) {
            (Operation::Sync, _) => self.config.sync,
            (_, Face::Metered) => self.config.cached,
            (Operation::Read, Face::Waiting) => self.config.read,
            (Operation::Write { .. }, Face::Waiting) => self.config.write,
        };
        let drawn_ns = latency.draw(&mut self.latency[usize::from(face == Face::Metered)]);
        let taken_ns = self.slowed(drawn_ns, operation);
        let due_ns = self.device_ns(now_ns, face) + taken_ns;
        if face == Face::Metered {
            self.ahead_ns += taken_ns;
        }
        due_ns
    }

    fn note(&self, now_ns: u64, verb: &'static str, numbers: [u64; 3], bytes: &[u8]) {
        self.trace.record_bytes(now_ns, Some(self.member), Kind::Disk, (verb, numbers), bytes);
    }

    fn note_name(&self, now_ns: u64, verb: &str, path: &str) {
        let line = format_args!("{verb} {path}");
        self.trace.record(now_ns, Some(self.member), Kind::Disk, line);
    }
}

/// Directories and names.
impl Volume {
    /// Names of the entries of a directory, sorted.
    pub fn list(&mut self, now_ns: u64, incarnation: u64, directory: &str) -> Done<Vec<String>> {
        let result = self.check(incarnation).and_then(|()| self.names.list(normal(directory)));
        Done { result, due_ns: self.spend(now_ns, Face::Waiting, Operation::Read) }
    }

    /// Creates a directory and its parents.
    pub fn create_dir(&mut self, now_ns: u64, incarnation: u64, directory: &str) -> Done<()> {
        let result = self.check(incarnation).map(|()| {
            let directory = normal(directory);
            let ends = directory.match_indices('/').map(|(at, _)| at).chain([directory.len()]);
            for path in ends.map(|end| &directory[..end]) {
                if !self.names.has_directory(path) {
                    self.change_name(NameChange::Directory { path: path.to_owned() });
                }
            }
        });
        self.note_name(now_ns, "create_dir", directory);
        Done { result, due_ns: self.spend(now_ns, Face::Waiting, Operation::Write { growth: 0 }) }
    }

    /// Opens a file. `create` makes it when it is absent, `cut` cuts it to nothing.
    pub fn open(
        &mut self,
        now_ns: u64,
        incarnation: u64,
        path: &str,
        (create, cut): (bool, bool),
    ) -> Done<FileId> {
        let path = normal(path);
        let result = self.check(incarnation).and_then(|()| match self.names.files.get(path) {
            Some(&file) => Ok(file),
            None if create => self.create(path),
            None => Err(ErrorKind::NotFound.into()),
        });
        if let (Ok(file), true) = (&result, cut) {
            self.change(*file, now_ns, Change::SetLen(0));
        }
        self.note_name(now_ns, "open", path);
        Done { result, due_ns: self.spend(now_ns, Face::Waiting, Operation::Read) }
    }

    fn create(&mut self, path: &str) -> Result<FileId> {
        self.names.require_directory(parent(path))?;
        let file = FileId(self.next_file);
        self.next_file += 1;
        self.bodies.insert(file, Body::new(FileClass::of(path)));
        self.change_name(NameChange::Create { path: path.to_owned(), file });
        Ok(file)
    }

    /// Renames a file over another.
    pub fn rename(&mut self, now_ns: u64, incarnation: u64, from: &str, to: &str) -> Done<()> {
        let (from, to) = (normal(from), normal(to));
        let result = self
            .check(incarnation)
            .and_then(|()| self.names.require_directory(parent(to)))
            .and_then(|()| self.names.require_file(from))
            .map(|file| {
                if let Some(body) = self.bodies.get_mut(&file) {
                    body.class = FileClass::of(to);
                }
                let (from, to) = (from.to_owned(), to.to_owned());
                self.change_name(NameChange::Rename { from, to, file });
            });
        self.note_name(now_ns, "rename", to);
        Done { result, due_ns: self.spend(now_ns, Face::Waiting, Operation::Write { growth: 0 }) }
    }

    /// Removes a file.
    pub fn remove(&mut self, now_ns: u64, incarnation: u64, path: &str) -> Done<()> {
        let path = normal(path);
        let result = self
            .check(incarnation)
            .and_then(|()| self.names.require_file(path))
            .map(|_| self.change_name(NameChange::Remove { path: path.to_owned() }));
        self.note_name(now_ns, "remove", path);
        Done { result, due_ns: self.spend(now_ns, Face::Waiting, Operation::Write { growth: 0 }) }
    }

    fn change_name(&mut self, change: NameChange) {
        self.names.apply(&change);
        let ordinal = self.ordinal();
        self.unsynced_names.push(UnsyncedName { ordinal, change });
    }

    /// Makes the names in a directory durable.
    pub fn sync_dir(&mut self, now_ns: u64, incarnation: u64, directory: &str) -> Done<()> {
        let directory = normal(directory);
        self.settle(now_ns);
        let due_ns = self.spend(now_ns, Face::Waiting, Operation::Sync);
        let class = FileClass::of(&format!("{directory}/"));
        let result = self
            .check(incarnation)
            .and_then(|()| self.names.require_directory(directory))
            .and_then(|()| self.strike(class, Operation::Sync));
        if result.is_ok() && !self.sync_lies(class) {
            let target = Target::Directory(directory.to_owned());
            let up_to = self.ordinal();
            self.barriers.push(Barrier { target, up_to, issued_ns: now_ns, at_ns: due_ns });
        }
        self.note_name(now_ns, "sync_dir", directory);
        Done { result, due_ns }
    }

    /// Takes the lock of the data directory for this incarnation.
    pub fn lock(&mut self, now_ns: u64, incarnation: u64) -> Done<()> {
        let result = self.check(incarnation).and_then(|()| {
            if std::mem::replace(&mut self.locked, true) {
                return Err(ErrorKind::WouldBlock.into());
            }
            Ok(())
        });
        Done { result, due_ns: self.spend(now_ns, Face::Waiting, Operation::Read) }
    }
}

/// Contents.
impl Volume {
    /// A file's length.
    pub fn len(&mut self, incarnation: u64, file: FileId) -> Result<u64> {
        self.check(incarnation)?;
        self.bodies.get(&file).map(Body::len).ok_or_else(eio)
    }

    /// Reads up to `len` bytes at `offset`.
    pub fn read(
        &mut self,
        now_ns: u64,
        (incarnation, face): (u64, Face),
        file: FileId,
        (offset, len): (u64, usize),
    ) -> Done<Bytes> {
        let due_ns = self.spend(now_ns, face, Operation::Read);
        let result = self.read_cached(incarnation, file, offset, len);
        let size = result.as_ref().map_or(0, Bytes::len) as u64;
        self.note(now_ns, "read", [u64::from(file.0), offset, size], &[]);
        Done { result, due_ns }
    }

    fn read_cached(
        &mut self,
        incarnation: u64,
        file: FileId,
        offset: u64,
        len: usize,
    ) -> Result<Bytes> {
        self.check(incarnation)?;
        let class = self.bodies.get(&file).ok_or_else(eio)?.class;
        self.strike(class, Operation::Read)?;
        let body = self.bodies.get(&file).ok_or_else(eio)?;
        let start = (offset as usize).min(body.cached.len());
        let end = start.saturating_add(len).min(body.cached.len());
        let touched = offset / SECTOR..(end as u64).div_ceil(SECTOR);
        for id in body.damaged.range(touched).map(|(_, id)| *id) {
            self.effects.entry(id).or_default().damaged_reads += 1;
        }
        Ok(Bytes::copy_from_slice(&body.cached[start..end]))
    }

    /// Writes all bytes at `offset`.
    pub fn write(
        &mut self,
        now_ns: u64,
        (incarnation, face): (u64, Face),
        file: FileId,
        (offset, bytes): (u64, Bytes),
    ) -> Done<()> {
        let at_ns = self.device_ns(now_ns, face);
        self.note(now_ns, "write", [u64::from(file.0), offset, bytes.len() as u64], &bytes);
        let end = offset + bytes.len() as u64;
        let result =
            self.permit_write(incarnation, file, end).map(|class| match self.landing(class) {
                Landing::Right => self.change(file, at_ns, Change::Write { offset, bytes }),
                Landing::Nowhere(id) => self.damage(file, offset, bytes.len() as u64, id),
                Landing::Elsewhere(id, far) => {
                    let elsewhere = self.elsewhere(file, offset, bytes.len() as u64, far);
                    let len = bytes.len() as u64;
                    self.change(file, at_ns, Change::Write { offset: elsewhere, bytes });
                    self.damage(file, offset, len, id);
                    self.damage(file, elsewhere, len, id);
                }
            });
        Done { result, due_ns: self.spend(now_ns, face, Operation::Write { growth: 0 }) }
    }

    /// Cuts or grows a file.
    pub fn set_len(
        &mut self,
        now_ns: u64,
        (incarnation, face): (u64, Face),
        file: FileId,
        len: u64,
    ) -> Done<()> {
        let at_ns = self.device_ns(now_ns, face);
        self.note(now_ns, "set_len", [u64::from(file.0), len, 0], &[]);
        let result = self
            .permit_write(incarnation, file, len)
            .map(|_| self.change(file, at_ns, Change::SetLen(len)));
        Done { result, due_ns: self.spend(now_ns, face, Operation::Write { growth: 0 }) }
    }

    /// Whether a write up to `end` may happen; answers the file's class.
    fn permit_write(&mut self, incarnation: u64, file: FileId, end: u64) -> Result<FileClass> {
        self.check(incarnation)?;
        let body = self.bodies.get(&file).ok_or_else(eio)?;
        let (class, growth) = (body.class, end.saturating_sub(body.len()));
        self.strike(class, Operation::Write { growth })?;
        Ok(class)
    }

    fn change(&mut self, file: FileId, at_ns: u64, change: Change) {
        let ordinal = self.ordinal();
        if let Some(body) = self.bodies.get_mut(&file) {
            body.change(ordinal, at_ns, change);
        }
    }

    /// `fdatasync`.
    pub fn sync(
        &mut self,
        now_ns: u64,
        (incarnation, face): (u64, Face),
        file: FileId,
    ) -> Done<()> {
        self.settle(now_ns);
        let issued_ns = self.device_ns(now_ns, face);
        let due_ns = self.spend(now_ns, face, Operation::Sync);
        self.note(now_ns, "sync", [u64::from(file.0), due_ns - now_ns, 0], &[]);
        let result = self.check(incarnation).and_then(|()| {
            let class = self.bodies.get(&file).ok_or_else(eio)?.class;
            let struck = self.strike(class, Operation::Sync);
            if struck.is_err() {
                self.fail_sync(file, class);
            } else if !self.sync_lies(class) {
                let up_to = self.ordinal();
                let target = Target::File(file);
                self.barriers.push(Barrier { target, up_to, issued_ns, at_ns: due_ns });
            }
            struck
        });
        Done { result, due_ns }
    }

    fn fail_sync(&mut self, file: FileId, class: FileClass) {
        let habit = self.failed_sync_habit(class);
        let Some(body) = self.bodies.get_mut(&file) else { return };
        match habit {
            FailedSync::Kept => body.forget_unsynced(),
            FailedSync::Dropped => body.drop_cache(),
        }
    }

    /// Where a misdirected write lands: whole sectors away, inside the file.
    fn elsewhere(&self, file: FileId, offset: u64, len: u64, far: u64) -> u64 {
        let file_len = self.bodies.get(&file).map_or(0, Body::len);
        let places = file_len.saturating_sub(len) / SECTOR + 1;
        (offset / SECTOR + far) % places * SECTOR
    }

    fn damage(&mut self, file: FileId, offset: u64, len: u64, id: FaultId) {
        let Some(body) = self.bodies.get_mut(&file) else { return };
        let count =
            sectors(offset, len).map(|part| body.damaged.insert(part.start / SECTOR, id)).count();
        self.effects.entry(id).or_default().sectors_damaged += count as u64;
    }

    /// All sectors of the files of a class.
    pub(super) fn sectors_of(&self, class: FileClass) -> Vec<(FileId, u64)> {
        let bodies = self.bodies.iter().filter(|(_, body)| class.covers(body.class));
        bodies
            .flat_map(|(&id, body)| {
                (0..(body.durable.len() as u64).div_ceil(SECTOR)).map(move |sector| (id, sector))
            })
            .collect()
    }

    /// Flips one bit of a sector, on the medium and in the cache.
    pub(super) fn flip(&mut self, file: FileId, sector: u64, bit: u64, id: FaultId) {
        let Some(body) = self.bodies.get_mut(&file) else { return };
        let at = (sector * SECTOR + bit / 8) as usize;
        for image in [&mut body.durable, &mut body.cached] {
            if let Some(byte) = image.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
        body.damaged.insert(sector, id);
        self.effects.entry(id).or_default().sectors_damaged += 1;
    }
}

impl Body {
    fn len(&self) -> u64 {
        self.cached.len() as u64
    }
}

/// What a dead or damaged disk answers.
pub(super) fn eio() -> Error {
    Error::from_raw_os_error(libc::EIO)
}

//! A disk in memory that forgets, tears and fails like a real one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::platform::{BoxFuture, Disk, File, Open};

/// Bytes that reach the medium together.
const SECTOR: usize = 512;

/// The disk. A clone sees the same files.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    /// Names in the directory as the process sees them, and the file each points to.
    names: BTreeMap<String, usize>,
    /// Names that survive a power loss.
    durable_names: BTreeMap<String, usize>,
    files: Vec<Contents>,
    /// The next syncs that fail, leaving the pages clean.
    failing_syncs: u32,
    /// The power goes in the middle of the next sync.
    interrupted: bool,
    /// No more room for growing files.
    full: bool,
}

#[derive(Clone, Default)]
struct Contents {
    cache: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    len_dirty: bool,
}

impl Contents {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if end > self.cache.len() {
            self.set_len(end);
        }
        self.cache[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..end.div_ceil(SECTOR));
    }

    fn set_len(&mut self, len: usize) {
        let before = self.cache.len();
        self.cache.resize(len, 0);
        self.len_dirty = true;
        self.dirty.extend(before.min(len) / SECTOR..before.max(len).div_ceil(SECTOR));
    }

    fn sync(&mut self) {
        if std::mem::take(&mut self.len_dirty) {
            self.durable.resize(self.cache.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            self.keep(sector);
        }
    }

    /// Copies one sector from the cache to the medium, as far as both have it.
    fn keep(&mut self, sector: usize) {
        let end = ((sector + 1) * SECTOR).min(self.cache.len()).min(self.durable.len());
        let start = (sector * SECTOR).min(end);
        self.durable[start..end].copy_from_slice(&self.cache[start..end]);
    }

    /// What a power loss leaves: `choose` draws a number below its argument.
    fn lose_power(&mut self, choose: &mut dyn FnMut(u64) -> u64) {
        if std::mem::take(&mut self.len_dirty) && choose(2) == 1 {
            self.durable.resize(self.cache.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            match choose(3) {
                0 => {}
                1 => self.keep(sector),
                _ => self.tear(sector, choose),
            }
        }
        self.cache = self.durable.clone();
    }

    fn tear(&mut self, sector: usize, choose: &mut dyn FnMut(u64) -> u64) {
        let before = self.durable.clone();
        self.keep(sector);
        let end = ((sector + 1) * SECTOR).min(self.durable.len());
        let cut = sector * SECTOR + choose(SECTOR as u64) as usize;
        for at in cut..end {
            self.durable[at] = before.get(at).copied().unwrap_or(0) ^ (choose(2) * 0x5a) as u8;
        }
    }
}

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    /// An independent copy.
    pub(crate) fn copy(&self) -> MemoryDisk {
        MemoryDisk(Arc::new(Mutex::new(self.state().clone())))
    }

    /// Loses what was not synced; `choose` draws a number below its argument.
    pub(crate) fn lose_power(&self, choose: &mut dyn FnMut(u64) -> u64) {
        let mut state = self.state();
        let (names, durable) = (state.names.clone(), state.durable_names.clone());
        let all: BTreeSet<&String> = names.keys().chain(durable.keys()).collect();
        for name in all {
            if names.get(name) != durable.get(name) && choose(2) == 1 {
                match names.get(name) {
                    Some(file) => state.durable_names.insert(name.clone(), *file),
                    None => state.durable_names.remove(name),
                };
            }
        }
        state.names = state.durable_names.clone();
        for file in &mut state.files {
            file.lose_power(choose);
        }
    }

    /// The next `count` syncs fail and leave the pages clean, as Linux does.
    pub(crate) fn fail_syncs(&self, count: u32) {
        self.state().failing_syncs = count;
    }

    /// From now on (or no longer) a sync changes nothing and fails: the power goes while it runs.
    pub(crate) fn interrupt_syncs(&self, interrupted: bool) {
        self.state().interrupted = interrupted;
    }

    /// From now on (or no longer) files cannot grow.
    pub(crate) fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    /// Names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// What the process reads from a file.
    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[path]].cache.clone()
    }

    /// Replaces a file, on the medium too.
    pub(crate) fn set_bytes(&self, path: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let file = state.names[path];
        state.files[file] =
            Contents { durable: bytes.clone(), cache: bytes, ..Contents::default() };
    }

    /// Removes a file, on the medium too.
    pub(crate) fn lose(&self, path: &str) {
        let mut state = self.state();
        state.names.remove(path);
        state.durable_names.remove(path);
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Disk for MemoryDisk {
    fn list<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        let prefix = format!("{dir}/");
        let names = self.names();
        let inside = names.iter().filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned));
        ready(Ok(inside.collect()))
    }

    fn create_dir<'a>(&'a self, _dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        ready(Ok(()))
    }

    fn open<'a>(&'a self, path: &'a str, mode: Open) -> BoxFuture<'a, io::Result<Arc<dyn File>>> {
        let mut state = self.state();
        let file = match state.names.get(path) {
            Some(file) => *file,
            None if mode == Open::Existing => return ready(Err(io::ErrorKind::NotFound.into())),
            None => {
                state.files.push(Contents::default());
                let file = state.files.len() - 1;
                state.names.insert(path.to_owned(), file);
                file
            }
        };
        if mode == Open::Truncate {
            state.files[file].set_len(0);
        }
        drop(state);
        ready(Ok(Arc::new(MemoryFile { disk: self.clone(), file })))
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let mut state = self.state();
        let Some(file) = state.names.remove(from) else {
            return ready(Err(io::ErrorKind::NotFound.into()));
        };
        state.names.insert(to.to_owned(), file);
        ready(Ok(()))
    }

    fn remove<'a>(&'a self, path: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let removed = self.state().names.remove(path);
        ready(removed.map(drop).ok_or_else(|| io::ErrorKind::NotFound.into()))
    }

    fn sync_dir<'a>(&'a self, _dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let mut state = self.state();
        state.durable_names = state.names.clone();
        ready(Ok(()))
    }

    fn lock(&self) -> BoxFuture<'_, io::Result<()>> {
        ready(Ok(()))
    }

    fn backend(&self, _path: &str) -> io::Result<Box<dyn redb::StorageBackend>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        work();
        ready(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
}

impl File for MemoryFile {
    fn len(&self) -> BoxFuture<'_, io::Result<u64>> {
        ready(Ok(self.disk.state().files[self.file].cache.len() as u64))
    }

    fn read_at(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        let state = self.disk.state();
        let bytes = &state.files[self.file].cache;
        let start = (offset as usize).min(bytes.len());
        let end = (start + len).min(bytes.len());
        ready(Ok(bytes[start..end].to_vec()))
    }

    fn write_at(&self, offset: u64, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        let mut state = self.disk.state();
        let end = offset as usize + bytes.len();
        if state.full && end > state.files[self.file].cache.len() {
            return ready(Err(io::ErrorKind::StorageFull.into()));
        }
        state.files[self.file].write(offset as usize, &bytes);
        ready(Ok(()))
    }

    fn set_len(&self, len: u64) -> BoxFuture<'_, io::Result<()>> {
        self.disk.state().files[self.file].set_len(len as usize);
        ready(Ok(()))
    }

    fn sync_data(&self) -> BoxFuture<'_, io::Result<()>> {
        let mut state = self.disk.state();
        if state.interrupted {
            return ready(Err(io::ErrorKind::Interrupted.into()));
        }
        let failing = state.failing_syncs > 0;
        let file = &mut state.files[self.file];
        if failing {
            file.dirty.clear();
            file.len_dirty = false;
            state.failing_syncs -= 1;
            return ready(Err(io::Error::other("input/output error")));
        }
        file.sync();
        ready(Ok(()))
    }
}

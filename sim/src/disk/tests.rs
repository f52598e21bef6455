//! The disk core: stories, a naive model of what reads see and of what may survive, and redb on it.

mod crash;
mod model;
mod redb;
mod stories;

use bytes::Bytes;
use mettle_server::platform::Open;

use super::*;
use crate::member::Member;
use crate::stream::{FaultId, Latency, Streams};
use crate::trace::{Keep as KeepLines, Trace};

const MS: u64 = 1_000_000;
pub(super) const FAULT: FaultId = FaultId(1);

/// A disk whose syncs take a millisecond and whose other operations take no time.
fn quick() -> DiskConfig {
    let nothing = Latency::fixed(0);
    DiskConfig {
        read: nothing,
        write: nothing,
        sync: Latency::fixed(MS),
        cached: nothing,
        mib_ns: 0,
        record_ns: 0,
    }
}

/// A disk, its process, and the time.
pub(super) struct Story {
    pub(super) disk: Volume,
    pub(super) now: u64,
    process: u64,
}

impl Story {
    pub(super) fn new(seed: u64) -> Story {
        let trace = Trace::new(KeepLines::Nothing);
        let mut disk = Volume::new(Member::new(1), Streams::new(seed), quick(), trace);
        let process = disk.boot(0);
        Story { disk, now: 0, process }
    }

    fn caller(&self) -> Caller {
        Caller { now_ns: self.now, incarnation: self.process, mode: IoMode::Waiting }
    }

    pub(super) fn open(&mut self, path: &str) -> FileId {
        self.disk.open(self.caller(), path, Open::Create).result.unwrap()
    }

    pub(super) fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.disk.write(self.caller(), file, offset, Bytes::copy_from_slice(bytes)).result
    }

    fn read(&mut self, file: FileId) -> Vec<u8> {
        self.disk.read(self.caller(), file, 0, usize::MAX).result.unwrap().to_vec()
    }

    /// Calls sync and waits for it.
    pub(super) fn sync(&mut self, file: FileId) -> std::io::Result<()> {
        let done = self.disk.sync(self.caller(), file);
        self.now = self.now.max(done.due_ns);
        self.disk.settle(self.now);
        done.result
    }

    pub(super) fn sync_dir(&mut self, path: &str) {
        let done = self.disk.sync_dir(self.caller(), path);
        self.now = self.now.max(done.due_ns);
        self.disk.settle(self.now);
        done.result.unwrap();
    }

    pub(super) fn lose_power(&mut self, policy: PowerLoss) -> PowerLossEffect {
        let effect = self.disk.power_loss(self.now, FAULT, policy);
        self.process = self.disk.boot(self.now);
        effect
    }

    /// The file's content, if there is such a file.
    fn content(&mut self, path: &str) -> Option<Vec<u8>> {
        let opened = self.disk.open(self.caller(), path, Open::Existing).result;
        opened.ok().map(|file| self.read(file))
    }
}

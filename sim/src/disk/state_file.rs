//! redb's storage on a simulated disk: the synchronous mode of I/O.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use mettle_server::platform::Open;

use super::file::FileId;
use super::operation::{Caller, IoMode};
use super::volume::Volume;
use crate::clock::Now;

/// One file of a [`Volume`], as redb uses it: it never waits.
///
/// Times add up inside the storage job that calls it. A sync takes effect when its time has passed;
/// until then a power loss treats it as never called. Its error is decided at the call.
pub struct StateFile {
    volume: Arc<Mutex<Volume>>,
    now: Now,
    incarnation: u64,
    file: FileId,
}

impl StateFile {
    /// Opens or creates the file at `path`.
    pub fn open(
        volume: &Arc<Mutex<Volume>>,
        now: &Now,
        incarnation: u64,
        path: &str,
    ) -> io::Result<StateFile> {
        let caller = Caller { now_ns: now.ns(), incarnation, mode: IoMode::Waiting };
        let opened = lock(volume).open(caller, path, Open::Create);
        let file = opened.result?;
        Ok(StateFile { volume: Arc::clone(volume), now: now.clone(), incarnation, file })
    }

    fn volume(&self) -> MutexGuard<'_, Volume> {
        lock(&self.volume)
    }

    fn caller(&self) -> Caller {
        let incarnation = self.incarnation;
        Caller { now_ns: self.now.ns(), incarnation, mode: IoMode::Metered }
    }
}

fn lock(volume: &Mutex<Volume>) -> MutexGuard<'_, Volume> {
    volume.lock().expect("no one panics while holding a disk")
}

impl fmt::Debug for StateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateFile").field("file", &self.file).finish_non_exhaustive()
    }
}

impl redb::StorageBackend for StateFile {
    fn len(&self) -> io::Result<u64> {
        self.volume().len(self.caller(), self.file)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.volume().read(self.caller(), self.file, offset, out.len()).result?;
        if bytes.len() != out.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.copy_from_slice(&bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.volume().set_len(self.caller(), self.file, len).result
    }

    fn sync_data(&self) -> io::Result<()> {
        self.volume().sync(self.caller(), self.file).result
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let bytes = Bytes::copy_from_slice(data);
        self.volume().write(self.caller(), self.file, offset, bytes).result
    }
}

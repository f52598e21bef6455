//! Operations on the contents of files.

use std::io::Result;

use bytes::Bytes;

use super::SECTOR;
use super::contents::{Change, FileContents, sectors};
use super::fault::{FailedSync, Landing};
use super::file::{FileClass, FileId};
use super::operation::{Caller, Completion, Operation};
use super::volume::{Barrier, Target, Volume, eio};
use crate::stream::FaultId;

impl Volume {
    /// A file's length.
    pub fn len(&mut self, caller: Caller, file: FileId) -> Result<u64> {
        self.check(caller.incarnation)?;
        self.files.get(&file).map(FileContents::len).ok_or_else(eio)
    }

    /// Reads up to `len` bytes at `offset`.
    pub fn read(
        &mut self,
        caller: Caller,
        file: FileId,
        offset: u64,
        len: usize,
    ) -> Completion<Bytes> {
        let result = self.read_cached(caller, file, offset, len);
        let size = result.as_ref().map_or(0, Bytes::len);
        let due_ns = self.spend(caller, Operation::Read, size);
        self.note(caller.now_ns, "read", [u64::from(file.0), offset, size as u64], &[]);
        Completion { result, due_ns }
    }

    fn read_cached(
        &mut self,
        caller: Caller,
        file: FileId,
        offset: u64,
        len: usize,
    ) -> Result<Bytes> {
        self.check(caller.incarnation)?;
        let class = self.files.get(&file).ok_or_else(eio)?.class;
        self.strike(class, Operation::Read)?;
        let contents = self.files.get(&file).ok_or_else(eio)?;
        let start = (offset as usize).min(contents.cached.len());
        let end = start.saturating_add(len).min(contents.cached.len());
        let touched = offset / SECTOR..(end as u64).div_ceil(SECTOR);
        for id in contents.damaged.range(touched).map(|(_, id)| *id) {
            self.effects.entry(id).or_default().damaged_reads += 1;
        }
        Ok(Bytes::copy_from_slice(&contents.cached[start..end]))
    }

    /// Writes all bytes at `offset`.
    pub fn write(
        &mut self,
        caller: Caller,
        file: FileId,
        offset: u64,
        bytes: Bytes,
    ) -> Completion<()> {
        let at_ns = self.device_ns(caller);
        self.note(caller.now_ns, "write", [u64::from(file.0), offset, bytes.len() as u64], &bytes);
        let size = bytes.len();
        let end = offset + size as u64;
        let result = self.permit_write(caller, file, end).map(|class| match self.landing(class) {
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
        Completion { result, due_ns: self.spend(caller, Operation::Write { growth: 0 }, size) }
    }

    /// Cuts or grows a file.
    pub fn set_len(&mut self, caller: Caller, file: FileId, len: u64) -> Completion<()> {
        let at_ns = self.device_ns(caller);
        self.note(caller.now_ns, "set_len", [u64::from(file.0), len, 0], &[]);
        let result = self
            .permit_write(caller, file, len)
            .map(|_| self.change(file, at_ns, Change::SetLen(len)));
        Completion { result, due_ns: self.spend(caller, Operation::Write { growth: 0 }, 0) }
    }

    /// Whether a write up to `end` may happen; answers the file's class.
    fn permit_write(&mut self, caller: Caller, file: FileId, end: u64) -> Result<FileClass> {
        self.check(caller.incarnation)?;
        let contents = self.files.get(&file).ok_or_else(eio)?;
        let (class, growth) = (contents.class, end.saturating_sub(contents.len()));
        self.strike(class, Operation::Write { growth })?;
        Ok(class)
    }

    pub(super) fn change(&mut self, file: FileId, at_ns: u64, change: Change) {
        let ordinal = self.ordinal();
        if let Some(contents) = self.files.get_mut(&file) {
            contents.change(ordinal, at_ns, change);
        }
    }

    /// `fdatasync`.
    pub fn sync(&mut self, caller: Caller, file: FileId) -> Completion<()> {
        self.settle(caller.now_ns);
        let issued_ns = self.device_ns(caller);
        let due_ns = self.spend(caller, Operation::Sync, 0);
        self.note(caller.now_ns, "sync", [u64::from(file.0), due_ns - caller.now_ns, 0], &[]);
        let result = self.check(caller.incarnation).and_then(|()| {
            let class = self.files.get(&file).ok_or_else(eio)?.class;
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
        Completion { result, due_ns }
    }

    fn fail_sync(&mut self, file: FileId, class: FileClass) {
        let habit = self.failed_sync_habit(class);
        let Some(contents) = self.files.get_mut(&file) else { return };
        match habit {
            FailedSync::Kept => contents.forget_unsynced(),
            FailedSync::Dropped => contents.drop_cache(),
        }
    }

    /// Where a misdirected write lands: whole sectors away, inside the file.
    fn elsewhere(&self, file: FileId, offset: u64, len: u64, far: u64) -> u64 {
        let file_len = self.files.get(&file).map_or(0, FileContents::len);
        let places = file_len.saturating_sub(len) / SECTOR + 1;
        (offset / SECTOR + far) % places * SECTOR
    }

    fn damage(&mut self, file: FileId, offset: u64, len: u64, id: FaultId) {
        let Some(contents) = self.files.get_mut(&file) else { return };
        let count = sectors(offset, len)
            .map(|part| contents.damaged.insert(part.start / SECTOR, id))
            .count();
        self.effects.entry(id).or_default().sectors_damaged += count as u64;
    }

    /// All sectors of the files of a class.
    pub(super) fn sectors_of(&self, class: FileClass) -> Vec<(FileId, u64)> {
        let files = self.files.iter().filter(|(_, contents)| class.covers(contents.class));
        files
            .flat_map(|(&id, contents)| {
                (0..(contents.durable.len() as u64).div_ceil(SECTOR))
                    .map(move |sector| (id, sector))
            })
            .collect()
    }

    /// Flips one bit of a sector, on the medium and in the cache.
    pub(super) fn flip(&mut self, file: FileId, sector: u64, bit: u64, id: FaultId) {
        let Some(contents) = self.files.get_mut(&file) else { return };
        let at = (sector * SECTOR + bit / 8) as usize;
        for image in [&mut contents.durable, &mut contents.cached] {
            if let Some(byte) = image.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
        contents.rotted |= !contents.unsynced.is_empty();
        contents.damaged.insert(sector, id);
        self.effects.entry(id).or_default().sectors_damaged += 1;
    }
}

//! Operations on the contents of files.

use std::io::Result;

use bytes::Bytes;

use super::SECTOR;
use super::body::{Body, Change, sectors};
use super::fault::{FailedSync, Landing, Operation};
use super::file::{FileClass, FileId};
use super::volume::{Barrier, Done, Face, Target, Volume, eio};
use crate::stream::FaultId;

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

    pub(super) fn change(&mut self, file: FileId, at_ns: u64, change: Change) {
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

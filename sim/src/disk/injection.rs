//! Puts faults on a disk, takes them off, and applies them to each operation.

use std::io;

use super::SECTOR;
use super::fault::{DiskEffect, DiskFault, FailedSync, Injected, Landing};
use super::file::{FileClass, FileId};
use super::operation::Operation;
use super::volume::Volume;
use crate::stream::{FaultId, MILLION, Stream};
use crate::trace::Kind;

impl Volume {
    /// Puts a fault on this disk.
    pub fn inject(&mut self, now_ns: u64, id: FaultId, fault: DiskFault) {
        self.settle(now_ns);
        let member = self.member;
        let line = format_args!("inject {} {member} disk {fault:?}", id.0);
        self.trace.record(now_ns, Some(member), Kind::Fault, line);
        let stream = self.streams.open("disk fault", u64::from(member), u64::from(id.0));
        self.faults.push(Injected { id, fault, stream, spent: false });
        self.effects.entry(id).or_default();
    }

    /// Takes every fault of this id off this disk.
    pub fn heal(&mut self, now_ns: u64, id: FaultId) {
        if !self.faults.iter().any(|fault| fault.id == id) {
            return;
        }
        let member = self.member;
        let line = format_args!("heal {} {member} disk", id.0);
        self.trace.record(now_ns, Some(member), Kind::Fault, line);
        self.faults.retain(|fault| fault.id != id);
        if self.stalled_by().is_none() {
            self.wakes.append(&mut self.waiting);
        }
        self.settle(now_ns);
    }

    /// What came of a fault so far.
    pub fn effect(&self, id: FaultId) -> DiskEffect {
        self.effects.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn stalled_by(&self) -> Option<FaultId> {
        let stall = |fault: &&Injected| fault.fault == DiskFault::Stall;
        self.faults.iter().find(stall).map(|fault| fault.id)
    }

    /// The error that an operation meets, if any.
    pub(super) fn strike(&mut self, class: FileClass, operation: Operation) -> io::Result<()> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let used = self.used_bytes();
        for fault in &mut self.faults {
            let (hit, sticky, errno) = match (fault.fault, operation) {
                (
                    DiskFault::ReadError { class: aim, sticky },
                    Operation::Read | Operation::Open,
                )
                | (
                    DiskFault::WriteError { class: aim, sticky },
                    Operation::Write { .. } | Operation::ChangeName,
                )
                | (DiskFault::SyncError { class: aim, sticky, .. }, Operation::Sync) => {
                    (aim.covers(class), sticky, libc::EIO)
                }
                (DiskFault::Full { quota_bytes }, Operation::Write { growth }) => {
                    (growth > 0 && used + growth > quota_bytes, true, libc::ENOSPC)
                }
                _ => continue,
            };
            if hit && !fault.spent {
                fault.spent = !sticky;
                self.effects.entry(fault.id).or_default().errors += 1;
                return Err(io::Error::from_raw_os_error(errno));
            }
        }
        Ok(())
    }

    /// What a failed sync leaves behind: the habit of the fault that made it fail.
    pub(super) fn failed_sync_habit(&self, class: FileClass) -> FailedSync {
        let habit = |fault: &Injected| match fault.fault {
            DiskFault::SyncError { class: aim, cache, .. } if aim.covers(class) => Some(cache),
            _ => None,
        };
        self.faults.iter().find_map(habit).unwrap_or(FailedSync::Kept)
    }

    /// Whether a sync of this class says yes and does nothing.
    pub(super) fn sync_lies(&mut self, class: FileClass) -> bool {
        let lies = |fault: &&Injected| match fault.fault {
            DiskFault::LyingSync { class: aim } => aim.covers(class),
            _ => false,
        };
        let Some(id) = self.faults.iter().find(lies).map(|fault| fault.id) else { return false };
        self.effects.entry(id).or_default().syncs_ignored += 1;
        true
    }

    /// How long an operation takes that would take `latency_ns` on a healthy disk.
    pub(super) fn slowed(&mut self, latency_ns: u64, operation: Operation) -> u64 {
        let mut total_ns = latency_ns;
        for fault in &self.faults {
            let factor = match fault.fault {
                DiskFault::Slow { factor } => factor,
                DiskFault::SlowSync { factor } if operation == Operation::Sync => factor,
                _ => continue,
            };
            let more_ns = total_ns.saturating_mul(u64::from(factor)).saturating_sub(total_ns);
            if more_ns > 0 {
                let effect = self.effects.entry(fault.id).or_default();
                effect.slowed += 1;
                effect.slowed_ns += more_ns;
                total_ns += more_ns;
            }
        }
        total_ns
    }

    /// Where a write lands.
    pub(super) fn landing(&mut self, class: FileClass) -> Landing {
        for fault in &mut self.faults {
            let (DiskFault::StaleWrite { class: aim, ppm }
            | DiskFault::MisdirectedWrite { class: aim, ppm }) = fault.fault
            else {
                continue;
            };
            if !aim.covers(class) || !fault.stream.chance(ppm) {
                continue;
            }
            let far = 1 + fault.stream.below(u64::from(MILLION));
            return match fault.fault {
                DiskFault::StaleWrite { .. } => Landing::Nowhere(fault.id),
                _ => Landing::Elsewhere(fault.id, far),
            };
        }
        Landing::Right
    }

    /// Flips bits at rest, one in each of up to `count` sectors of the files of a class.
    pub fn rot(&mut self, now_ns: u64, id: FaultId, class: FileClass, count: u64) {
        self.settle(now_ns);
        let member = self.member;
        let mut stream = self.streams.open("bit rot", u64::from(member), u64::from(id.0));
        for _ in 0..count {
            let sectors: Vec<(FileId, u64)> = self.sectors_of(class);
            let pick = stream.below(sectors.len() as u64) as usize;
            let bit = stream.next_bit();
            let Some(&(file, sector)) = sectors.get(pick) else { return };
            self.flip(file, sector, bit, id);
            let line = format_args!("bit rot {} {member} file {} sector {sector}", id.0, file.0);
            self.trace.record(now_ns, Some(member), Kind::Fault, line);
        }
    }
}

impl Stream {
    /// A bit of a sector.
    fn next_bit(&mut self) -> u64 {
        self.below(SECTOR * 8)
    }
}

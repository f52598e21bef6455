//! Faults of the disk: errors, lies, damage and slowness of single operations.

use mettle_scenarios::fault::{DiskFault, FailedSync, FileClass};
use mettle_scenarios::plan::PlannedFault;

use crate::disk::{self, DiskEffect};
use crate::effects::Effect;
use crate::observe::Damage;
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// Acts, and heals after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &DiskFault,
) {
    let errors = |effect: DiskEffect| effect.errors > 0;
    let slowed = |effect: DiskEffect| effect.slowed > 0;
    let seen: fn(DiskEffect) -> bool = match fault {
        DiskFault::BitRot { files, sectors } => {
            rot(run, planned, resolved, class(*files), *sectors);
            read_damaged
        }
        DiskFault::ReadError { .. }
        | DiskFault::WriteError { .. }
        | DiskFault::SyncError { .. }
        | DiskFault::DiskFull { .. } => errors,
        DiskFault::MisdirectedWrite { .. } | DiskFault::StaleSector { .. } => read_damaged,
        DiskFault::LyingSync { .. } => |effect| effect.syncs_ignored > 0,
        DiskFault::SlowDisk { .. } | DiskFault::SlowSync { .. } => slowed,
        DiskFault::StalledDisk => |effect| effect.stalled > 0,
    };
    if !matches!(fault, DiskFault::BitRot { .. }) {
        hold(run, planned, resolved, fault).await;
    }
    run.ledger.effect(planned.id, Effect::OnDisk { seen });
}

fn read_damaged(effect: DiskEffect) -> bool {
    effect.damaged_reads > 0
}

/// The fault as the simulated disk has it, when all files together hold so many bytes. Nothing for
/// bits that rot: they do so at one moment, apart from operations.
fn simulated(fault: &DiskFault, used_bytes: u64) -> Option<disk::DiskFault> {
    Some(match *fault {
        DiskFault::ReadError { files, sticky } => {
            disk::DiskFault::ReadError { class: class(files), sticky }
        }
        DiskFault::WriteError { files, sticky } => {
            disk::DiskFault::WriteError { class: class(files), sticky }
        }
        DiskFault::SyncError { files, sticky, cache } => {
            let cache = match cache {
                FailedSync::Kept => disk::FailedSync::Kept,
                FailedSync::Dropped => disk::FailedSync::Dropped,
            };
            disk::DiskFault::SyncError { class: class(files), sticky, cache }
        }
        DiskFault::DiskFull { room_bytes } => {
            disk::DiskFault::Full { quota_bytes: used_bytes + room_bytes }
        }
        DiskFault::MisdirectedWrite { files, permille } => {
            disk::DiskFault::MisdirectedWrite { class: class(files), ppm: permille * 1000 }
        }
        DiskFault::StaleSector { files, permille } => {
            disk::DiskFault::StaleWrite { class: class(files), ppm: permille * 1000 }
        }
        DiskFault::LyingSync { files } => disk::DiskFault::LyingSync { class: class(files) },
        DiskFault::SlowDisk { factor } => disk::DiskFault::Slow { factor },
        DiskFault::SlowSync { factor } => disk::DiskFault::SlowSync { factor },
        DiskFault::StalledDisk => disk::DiskFault::Stall,
        DiskFault::BitRot { .. } => return None,
    })
}

/// The disks of the group do so for the duration.
async fn hold(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &DiskFault,
) {
    let id = FaultId(planned.id);
    let disks = &run.environment.disk;
    for member in &resolved.group {
        if planned.fault.kind().damages {
            run.observer.disk_damaged(*member, Damage::FromNowOn);
        }
        if let Some(fault) = simulated(fault, disks.used_bytes(*member)) {
            disks.inject(id, *member, fault);
        }
        run.cluster.disk_fault(*member, id);
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    disks.heal(id);
    run.cluster.disk_healed(id);
    run.fault_ends(planned, span);
}

/// Bits flip on the disks of the group.
fn rot(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    class: disk::FileClass,
    sectors: u64,
) {
    let id = FaultId(planned.id);
    for member in &resolved.group {
        run.observer.disk_damaged(*member, Damage::FromNowOn);
        run.environment.disk.rot(id, *member, class, sectors);
        run.cluster.disk_fault(*member, id);
    }
    let span = run.fault_begins(planned, resolved);
    run.fault_ends(planned, span);
}

/// The class of the simulated disk.
pub(super) fn class(files: FileClass) -> disk::FileClass {
    match files {
        FileClass::Wal => disk::FileClass::Wal,
        FileClass::State => disk::FileClass::State,
        FileClass::Any => disk::FileClass::Any,
    }
}

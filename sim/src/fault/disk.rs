//! Faults of the disk: errors of sync.

use mettle_scenarios::fault::{DiskFault, FileClass};
use mettle_scenarios::plan::PlannedFault;

use crate::disk::{self, FailedSync};
use crate::effects::Effect;
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
    match fault {
        DiskFault::SyncError { files, sticky } => {
            let (class, cache) = (class(*files), FailedSync::Kept);
            let fault = disk::DiskFault::SyncError { class, sticky: *sticky, cache };
            hold(run, planned, resolved, fault).await;
            if run.environment.disk.effect(FaultId(planned.id)).errors > 0 {
                run.ledger.effect(planned.id, Effect::Seen);
            }
        }
    }
}

/// The disks of the group do so for the duration.
async fn hold(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: disk::DiskFault,
) {
    let id = FaultId(planned.id);
    for member in &resolved.group {
        run.environment.disk.inject(id, *member, fault);
        run.cluster.disk_fault(*member, id);
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    run.environment.disk.heal(id);
    run.fault_ends(planned, span);
}

fn class(files: FileClass) -> disk::FileClass {
    match files {
        FileClass::Wal => disk::FileClass::Wal,
        FileClass::State => disk::FileClass::State,
        FileClass::Any => disk::FileClass::Any,
    }
}

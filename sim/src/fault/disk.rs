//! Faults of the disk: errors of sync.

use mettle_scenarios::fault::FileClass;
use mettle_scenarios::plan::PlannedFault;

use crate::disk::{self, DiskFault, FailedSync};
use crate::effects::Effect;
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// Syncs of these files fail; healed after the duration.
pub(super) async fn sync_error(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    files: FileClass,
    sticky: bool,
) {
    let id = FaultId(planned.id);
    let class = match files {
        FileClass::Wal => disk::FileClass::Wal,
        FileClass::State => disk::FileClass::State,
        FileClass::Any => disk::FileClass::Any,
    };
    for member in &resolved.group {
        let fault = DiskFault::SyncError { class, sticky, cache: FailedSync::Kept };
        run.environment.disk.inject(id, *member as u8, fault);
        run.cluster.disk_fault(*member, id);
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    run.environment.disk.heal(id);
    run.fault_ends(planned, span);
    if run.environment.disk.effect(id).errors > 0 {
        run.ledger.effect(planned.id, Effect::Seen);
    }
}

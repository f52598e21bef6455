//! Faults of the disk: errors of sync.

use mettle_scenarios::fault::FileClass;
use mettle_scenarios::plan::PlannedFault;

use crate::disk::{self, DiskFault, FailedSync};
use crate::effects::Effect;
use crate::run_context::World;
use crate::stream::FaultId;
use crate::target::Struck;

/// Syncs of these files fail; healed after the duration.
pub(super) async fn sync_error(
    world: &World,
    planned: &PlannedFault,
    struck: &Struck,
    files: FileClass,
    sticky: bool,
) {
    let id = FaultId(planned.id);
    let class = match files {
        FileClass::Wal => disk::FileClass::Wal,
        FileClass::State => disk::FileClass::State,
        FileClass::Any => disk::FileClass::Any,
    };
    for member in &struck.group {
        let fault = DiskFault::SyncError { class, sticky, cache: FailedSync::Kept };
        world.worlds.disk.inject(id, *member as u8, fault);
        world.cluster.disk_fault(*member, id);
    }
    let span = world.fault_begins(planned, struck);
    world.sleep_until(planned.at_ns + planned.duration_ns).await;
    world.worlds.disk.heal(id);
    world.fault_ends(planned, span);
    if world.worlds.disk.effect(id).errors > 0 {
        world.ledger.effect(planned.id, Effect::Seen);
    }
}

//! Makes planned faults happen: one file a family, each fault measured.
//!
//! Every fault of the plan is a task of its own. It waits for its time, finds out whom it strikes
//! (the leader of that moment, a follower by a keyed coin), acts, and undoes itself after its
//! duration, at the latest when traffic ends. The [`Ledger`](crate::effects::Ledger) counts what was armed, what fired, and what
//! had an effect, as the fault list defines it for each kind.

mod disk;
mod network;
mod process;

use mettle_scenarios::fault::Fault;
use mettle_scenarios::plan::PlannedFault;

use crate::run_context::World;
use crate::trace::Kind;

/// Runs one planned fault from its time to its undoing.
pub async fn run(world: World, planned: PlannedFault) {
    world.sleep_until(planned.at_ns).await;
    let mut field = world.field();
    if matches!(planned.fault, Fault::PowerLoss { .. }) {
        // A machine loses power whether or not its process runs, and its page cache with it.
        let gone = world.cluster.gone();
        field.running = field.members.iter().copied().filter(|m| !gone.contains(m)).collect();
    }
    let struck = field.strike(planned.id, planned.target);
    let Some(struck) = struck else {
        world
            .note(Kind::Fault, format_args!("{} {}: nobody to strike", planned.id, planned.target));
        return;
    };
    match &planned.fault {
        Fault::Partition
        | Fault::PartitionOneWay
        | Fault::Isolate
        | Fault::SlowLink { .. }
        | Fault::Reset => network::run(&world, &planned, &struck).await,
        Fault::Kill | Fault::PowerLoss { .. } | Fault::Pause | Fault::CrashAt { .. } => {
            process::run(&world, &planned, &struck).await;
        }
        Fault::SyncError { files, sticky } => {
            disk::sync_error(&world, &planned, &struck, *files, *sticky).await;
        }
    }
}

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

use crate::run_context::RunContext;
use crate::trace::Kind;

/// Runs one planned fault from its time to its undoing.
pub async fn run(run: RunContext, planned: PlannedFault) {
    run.sleep_until(planned.at_ns).await;
    let mut view = run.view();
    if matches!(planned.fault, Fault::PowerLoss { .. }) {
        // A machine loses power whether or not its process runs, and its page cache with it.
        let gone = run.cluster.gone();
        view.running = view.members.iter().copied().filter(|m| !gone.contains(m)).collect();
    }
    let resolved = view.resolve(planned.id, planned.target);
    let Some(resolved) = resolved else {
        run.note(Kind::Fault, format_args!("{} {}: nobody to strike", planned.id, planned.target));
        return;
    };
    match &planned.fault {
        Fault::Partition
        | Fault::PartitionOneWay
        | Fault::Isolate
        | Fault::SlowLink { .. }
        | Fault::Reset => network::run(&run, &planned, &resolved).await,
        Fault::Kill | Fault::PowerLoss { .. } | Fault::Pause | Fault::CrashAt { .. } => {
            process::run(&run, &planned, &resolved).await;
        }
        Fault::SyncError { files, sticky } => {
            disk::sync_error(&run, &planned, &resolved, *files, *sticky).await;
        }
    }
}

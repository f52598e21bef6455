//! Makes planned faults happen: one file a family, each fault measured.
//!
//! Every fault of the plan is a task of its own. The task waits for the fault's time, resolves the
//! target (the leader of that moment, a follower by a keyed coin), acts, and undoes the fault after
//! its duration, at the latest when traffic ends. The [`Ledger`](crate::effects::Ledger) counts
//! what was armed, what fired, and what had an effect, as the fault list defines it for each kind.
//!
//! A family's file is the twin of the file of that name in `scenarios/src/fault/`: that one says
//! what the fault is called and whom it may be aimed at, this one how the fault is armed and healed,
//! and what counts as its effect.

mod clock;
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
    if planned.fault.kind().targets.strikes_stopped {
        let gone = run.cluster.gone();
        view.running = view.members.iter().copied().filter(|m| !gone.contains(m)).collect();
    }
    let resolved = view.resolve(planned.id, planned.target);
    let Some(resolved) = resolved else {
        run.note(Kind::Fault, format_args!("{} {}: nobody to strike", planned.id, planned.target));
        return;
    };
    match &planned.fault {
        Fault::Network(fault) => network::run(&run, &planned, &resolved, fault).await,
        Fault::Process(fault) => process::run(&run, &planned, &resolved, fault).await,
        Fault::Disk(fault) => disk::run(&run, &planned, &resolved, fault).await,
        Fault::Clock(fault) => clock::run(&run, &planned, &resolved, fault).await,
    }
}

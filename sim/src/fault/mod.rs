//! Makes planned faults happen: one file a family, each fault measured.
//!
//! Every fault of the plan is a task of its own. The task waits for the fault's time and for what
//! the fault waits for, resolves the target (the leader of that moment, a follower by a keyed coin),
//! asks the atlas whether one more copy may be damaged, acts, and undoes the fault after its
//! duration, at the latest when traffic ends. The [`Ledger`](crate::effects::Ledger) counts
//! what was armed, what fired, and what had an effect, as the fault list defines it for each kind.
//!
//! A family's file is the twin of the file of that name in `scenarios/src/fault/`: that one says
//! what the fault is called and whom it may be aimed at, this one how the fault is armed and healed,
//! and what counts as its effect.

mod client;
mod clock;
mod cut;
mod disk;
mod image;
mod link;
mod links;
mod network;
mod process;
mod start;

use mettle_scenarios::fault::{Fault, ImageFault, Trigger};
use mettle_scenarios::plan::PlannedFault;

use crate::member::Member;
use crate::run_context::RunContext;
use crate::target::ResolvedTarget;
use crate::trace::Kind;

/// Runs one planned fault from its beginning to its undoing.
pub async fn run(run: RunContext, planned: PlannedFault) {
    let Some(planned) = start::begin(&run, planned).await else { return };
    let resolved = match resolve(&run, &planned) {
        Ok(resolved) => resolved,
        Err(reason) => {
            run.note(Kind::Fault, format_args!("{} is skipped: {reason}", planned.id));
            run.ledger.skipped(planned.id);
            return;
        }
    };
    match &planned.fault {
        Fault::Network(fault) => network::run(&run, &planned, &resolved, fault).await,
        Fault::Cut(fault) => cut::run(&run, &planned, &resolved, fault).await,
        Fault::Link(fault) => link::run(&run, &planned, &resolved, fault).await,
        Fault::Process(fault) => process::run(&run, &planned, &resolved, fault).await,
        Fault::Disk(fault) => disk::run(&run, &planned, &resolved, fault).await,
        Fault::Image(fault) => image::run(&run, &planned, &resolved, fault).await,
        Fault::Client(fault) => client::run(&run, &planned, &resolved, fault).await,
        Fault::Clock(fault) => clock::run(&run, &planned, &resolved, fault).await,
    }
}

/// Whom the fault strikes at this moment, or why nobody.
fn resolve(run: &RunContext, planned: &PlannedFault) -> Result<ResolvedTarget, String> {
    let kind = planned.fault.kind();
    let mut view = run.view();
    view.struck = struck(run, planned);
    if kind.targets.strikes_stopped {
        let gone = run.cluster.gone();
        view.running = view.members.iter().copied().filter(|m| !gone.contains(m)).collect();
    }
    let candidates = view.running.clone();
    if kind.damages {
        view.running = run.atlas.open_to(&view.running);
    }
    let nobody = || {
        if view.running.len() < candidates.len() {
            "no more copies may be damaged".to_owned()
        } else {
            format!("{}: nobody to strike", planned.target)
        }
    };
    let mut resolved = view.resolve(planned.id, planned.target).ok_or_else(nobody)?;
    if planned.fault == Fault::Image(ImageFault::Swap) {
        resolved = view.with_partner(planned.id, resolved, &candidates).ok_or_else(nobody)?;
    }
    if kind.damages {
        run.atlas.damage(&resolved.group).map_err(|too_many| too_many.to_string())?;
    }
    Ok(resolved)
}

/// Whom the steps before have struck, and the fault that was waited for.
fn struck(run: &RunContext, planned: &PlannedFault) -> Vec<Member> {
    let mut struck = Vec::new();
    let mut follows = planned.start.as_ref().and_then(|start| start.follows);
    while let Some(id) = follows {
        struck.extend(run.ledger.struck(id));
        let before = run.plan.faults.iter().find(|other| other.id == id);
        follows = before.and_then(|before| before.start.as_ref()?.follows);
    }
    if let Some(Trigger::Fault(name)) = planned.trigger() {
        let named = run.plan.faults.iter().filter(|other| other.name.as_ref() == Some(name));
        struck.extend(named.flat_map(|other| run.ledger.struck(other.id)));
    }
    struck.sort_unstable();
    struck.dedup();
    struck
}

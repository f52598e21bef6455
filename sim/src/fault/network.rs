//! Faults of the network: partitions, isolation, slow links, resets.

use mettle_scenarios::fault::{NetworkFault, Reset};
use mettle_scenarios::plan::PlannedFault;

use super::links::{Disturbance, across, both, from_everybody, hold};
use crate::effects::Effect;
use crate::host::{ClientNumber, Host};
use crate::net::{self, LinkFault, NetEffect};
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// Acts, and heals after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &NetworkFault,
) {
    let cut = |directions| Disturbance { directions, fault: LinkFault::Cut };
    let held = |effect: NetEffect| effect.bytes_held > 0;
    match fault {
        NetworkFault::Partition => {
            hold(run, planned, resolved, cut(both(&across(resolved))), held).await;
        }
        NetworkFault::PartitionOneWay => {
            hold(run, planned, resolved, cut(across(resolved)), held).await;
        }
        NetworkFault::Isolate => {
            let directions = both(&from_everybody(resolved, run.plan.members));
            hold(run, planned, resolved, cut(directions), held).await;
        }
        NetworkFault::SlowLink { latency } => {
            let across = across(resolved);
            let directions = if resolved.link { across } else { both(&across) };
            let slow = Disturbance { directions, fault: LinkFault::Slow((*latency).into()) };
            hold(run, planned, resolved, slow, |effect| effect.delay_ns > 0).await;
        }
        NetworkFault::Reset { how } => reset(run, planned, resolved, *how),
    }
}

/// All connections across are reset, those of clients as well if no link was aimed at.
fn reset(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget, how: Reset) {
    let how = match how {
        Reset::Both => net::Reset::Both,
        Reset::HalfOpen => net::Reset::HalfOpen,
        Reset::Silent => net::Reset::Silent,
    };
    let span = run.fault_begins(planned, resolved);
    let id = FaultId(planned.id);
    let net = &run.environment.net;
    let mut hit = 0;
    let directions = if resolved.rest.is_empty() {
        let mut all = from_everybody(resolved, run.plan.members);
        all.retain(|(a, b)| a < b);
        all
    } else {
        across(resolved)
    };
    for (a, b) in directions {
        hit += net.reset(id, a, b, how);
    }
    if !resolved.link {
        for member in &resolved.group {
            for client in ClientNumber::of_run(run.plan.traffic.clients) {
                hit += net.reset(id, Host::Member(*member), Host::Client(client), how);
            }
        }
    }
    if hit > 0 {
        run.ledger.effect(planned.id, Effect::Seen);
    }
    run.fault_ends(planned, span);
}

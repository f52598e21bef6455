//! Faults of the network: partitions, isolation, slow links, resets.

use mettle_scenarios::fault::NetworkFault;
use mettle_scenarios::plan::PlannedFault;

use crate::effects::Effect;
use crate::host::{FIRST_CLIENT, Host};
use crate::member::Member;
use crate::net::{LinkFault, NetEffect, Reset};
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// One direction of one link.
type Direction = (Member, Member);

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
        NetworkFault::Reset => reset(run, planned, resolved),
    }
}

/// What happens to which directions of links.
struct Disturbance {
    directions: Vec<Direction>,
    fault: LinkFault,
}

/// The links are disturbed for the duration; afterwards `seen` says whether anybody noticed.
async fn hold(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    disturbance: Disturbance,
    seen: fn(NetEffect) -> bool,
) {
    let id = FaultId(planned.id);
    let net = &run.environment.net;
    for (from, to) in disturbance.directions {
        net.inject(id, Host::Member(from), Host::Member(to), disturbance.fault);
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    net.heal(id);
    run.fault_ends(planned, span);
    if seen(net.effect(id)) {
        run.ledger.effect(planned.id, Effect::Seen);
    }
}

/// All connections across are reset, those of clients as well if no link was aimed at.
fn reset(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget) {
    let span = run.fault_begins(planned, resolved);
    let id = FaultId(planned.id);
    let net = &run.environment.net;
    let mut hit = 0;
    for (a, b) in across(resolved) {
        hit += net.reset(id, Host::Member(a), Host::Member(b), Reset::Both);
    }
    if !resolved.link {
        for member in &resolved.group {
            for client in FIRST_CLIENT..=u8::MAX {
                hit += net.reset(id, Host::Member(*member), Host::Client(client), Reset::Both);
            }
        }
    }
    if hit > 0 {
        run.ledger.effect(planned.id, Effect::Seen);
    }
    run.fault_ends(planned, span);
}

fn across(resolved: &ResolvedTarget) -> Vec<Direction> {
    let to_rest =
        |from: &Member| resolved.rest.iter().map(move |to| (*from, *to)).collect::<Vec<_>>();
    resolved.group.iter().flat_map(to_rest).collect()
}

fn from_everybody(resolved: &ResolvedTarget, members: u32) -> Vec<Direction> {
    let group = resolved.group.iter();
    group.flat_map(|a| Member::all(members).filter(move |b| b != a).map(|b| (*a, b))).collect()
}

/// The directions and their opposites, each once.
fn both(directions: &[Direction]) -> Vec<Direction> {
    let mut all: Vec<Direction> =
        directions.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

//! Directions of links: those across a target, those of a group, and faults held on them for a while.

use mettle_scenarios::fault::Between;
use mettle_scenarios::plan::PlannedFault;

use crate::effects::Effect;
use crate::host::Host;
use crate::member::Member;
use crate::net::{LinkFault, NetEffect};
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// One direction of one link.
pub(super) type Direction = (Host, Host);

/// What happens to which directions of links.
pub(super) struct Disturbance {
    pub(super) directions: Vec<Direction>,
    pub(super) fault: LinkFault,
}

/// The links are disturbed for the duration; afterwards `seen` says whether anybody noticed.
pub(super) async fn hold(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    disturbance: Disturbance,
    seen: fn(NetEffect) -> bool,
) {
    let id = FaultId(planned.id);
    let net = &run.environment.net;
    for (from, to) in disturbance.directions {
        net.inject(id, from, to, disturbance.fault);
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    net.heal(id);
    run.fault_ends(planned, span);
    if seen(net.effect(id)) {
        run.ledger.effect(planned.id, Effect::Seen);
    }
}

/// From each member of the group to each of the rest, or along a link.
pub(super) fn across(resolved: &ResolvedTarget) -> Vec<Direction> {
    let to_rest =
        |from: &Member| resolved.rest.iter().map(move |to| between(*from, *to)).collect::<Vec<_>>();
    resolved.group.iter().flat_map(to_rest).collect()
}

/// From one member to another.
pub(super) fn between(from: Member, to: Member) -> Direction {
    (Host::Member(from), Host::Member(to))
}

/// From each member of the group to everybody else, in the group as well.
pub(super) fn from_everybody(resolved: &ResolvedTarget, members: u32) -> Vec<Direction> {
    let group = resolved.group.iter();
    group
        .flat_map(|a| Member::all(members).filter(move |b| b != a).map(|b| between(*a, b)))
        .collect()
}

/// From each member of the group to each client.
pub(super) fn to_clients(run: &RunContext, resolved: &ResolvedTarget) -> Vec<Direction> {
    let clients = run.environment.net.clients();
    let to_all = |member: &Member| {
        let from = Host::Member(*member);
        clients.iter().map(move |client| (from, *client)).collect::<Vec<_>>()
    };
    resolved.group.iter().flat_map(to_all).collect()
}

/// All that a fault of links is aimed at: a link as it is, or all links of a group, both ways.
pub(super) fn aimed_at(
    run: &RunContext,
    resolved: &ResolvedTarget,
    whose: Between,
) -> Vec<Direction> {
    if resolved.link {
        return across(resolved);
    }
    let mut directions = Vec::new();
    if whose != Between::Clients {
        directions.extend(from_everybody(resolved, run.plan.members));
    }
    if whose != Between::Peers {
        directions.extend(to_clients(run, resolved));
    }
    both(&directions)
}

/// The directions and their opposites, each once.
pub(super) fn both(directions: &[Direction]) -> Vec<Direction> {
    let mut all: Vec<Direction> =
        directions.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

//! Faults of the network: partitions, isolation, slow links, resets.

use mettle_scenarios::fault::Fault;
use mettle_scenarios::plan::{Latency, PlannedFault};

use crate::effects::Effect;
use crate::host::{FIRST_CLIENT, Host};
use crate::net::{LinkFault, Reset};
use crate::run_context::RunContext;
use crate::stream::{self, FaultId};
use crate::target::ResolvedTarget;

/// One direction of one link.
type Direction = (u32, u32);

/// Acts, and heals after the duration.
pub(super) async fn run(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget) {
    let id = FaultId(planned.id);
    let net = &run.environment.net;
    let cut = |directions: Vec<Direction>, fault: LinkFault| {
        for (from, to) in directions {
            net.inject(id, host(from), host(to), fault);
        }
    };
    match &planned.fault {
        Fault::Partition => cut(both(&across(resolved)), LinkFault::Cut),
        Fault::PartitionOneWay => cut(across(resolved), LinkFault::Cut),
        Fault::Isolate => cut(both(&from_everybody(resolved, run.plan.members)), LinkFault::Cut),
        Fault::SlowLink { latency } => {
            let slow = LinkFault::Slow(drawn(latency));
            cut(if resolved.link { across(resolved) } else { both(&across(resolved)) }, slow);
        }
        Fault::Reset => {
            reset(run, planned, resolved);
            return;
        }
        Fault::Kill
        | Fault::PowerLoss { .. }
        | Fault::Pause
        | Fault::CrashAt { .. }
        | Fault::SyncError { .. } => unreachable!("not a fault of the network"),
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    net.heal(id);
    run.fault_ends(planned, span);
    let effect = net.effect(id);
    let seen = match &planned.fault {
        Fault::SlowLink { .. } => effect.delay_ns > 0,
        _ => effect.bytes_held > 0,
    };
    if seen {
        run.ledger.effect(planned.id, Effect::Seen);
    }
}

fn reset(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget) {
    let span = run.fault_begins(planned, resolved);
    let id = FaultId(planned.id);
    let net = &run.environment.net;
    let mut hit = 0;
    for (a, b) in across(resolved) {
        hit += net.reset(id, host(a), host(b), Reset::Both);
    }
    if !resolved.link {
        for member in &resolved.group {
            for client in FIRST_CLIENT..=u8::MAX {
                hit += net.reset(id, host(*member), Host::Client(client), Reset::Both);
            }
        }
    }
    if hit > 0 {
        run.ledger.effect(planned.id, Effect::Seen);
    }
    run.fault_ends(planned, span);
}

fn host(member: u32) -> Host {
    Host::Member(member as u8)
}

fn across(resolved: &ResolvedTarget) -> Vec<Direction> {
    let to_rest = |from: &u32| resolved.rest.iter().map(move |to| (*from, *to)).collect::<Vec<_>>();
    resolved.group.iter().flat_map(to_rest).collect()
}

fn from_everybody(resolved: &ResolvedTarget, members: u32) -> Vec<Direction> {
    let group = resolved.group.iter();
    group.flat_map(|a| (1..=members).filter(move |b| b != a).map(|b| (*a, b))).collect()
}

/// The directions and their opposites, each once.
fn both(directions: &[Direction]) -> Vec<Direction> {
    let mut all: Vec<Direction> =
        directions.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn drawn(latency: &Latency) -> stream::Latency {
    stream::Latency {
        base_ns: latency.base_ns,
        jitter_ns: latency.jitter_ns,
        tail_ppm: latency.tail_permille * 1000,
        tail_ns: latency.tail_ns,
    }
}

//! Faults of processes and machines: kill, power loss, pause, crash at a probe.

use std::time::Duration;

use madsim::time::TimeHandle;
use mettle_scenarios::fault::{Crash, Fault, Group, Keep, Target, Unsynced};
use mettle_scenarios::plan::PlannedFault;

use crate::clock;
use crate::disk::{self, PowerLoss};
use crate::effects::Effect;
use crate::observe::{Trap, Whom};
use crate::run_context::World;
use crate::stream::FaultId;
use crate::target::Struck;

/// Acts, and raises the members after the duration.
pub(super) async fn run(world: &World, planned: &PlannedFault, struck: &Struck) {
    match &planned.fault {
        Fault::Kill => kill(world, planned, struck).await,
        Fault::PowerLoss { unsynced } => power_loss(world, planned, struck, *unsynced).await,
        Fault::Pause => pause(world, planned, struck).await,
        Fault::CrashAt { probe, by, down_ns } => {
            crash_at(world, planned, struck, (probe, *by, *down_ns));
        }
        Fault::Partition
        | Fault::PartitionOneWay
        | Fault::Isolate
        | Fault::SlowLink { .. }
        | Fault::Reset
        | Fault::SyncError { .. } => unreachable!("not a fault of a process"),
    }
}

async fn kill(world: &World, planned: &PlannedFault, struck: &Struck) {
    let group = &struck.group;
    let dead: Vec<u32> =
        group.iter().copied().filter(|member| world.cluster.kill(*member)).collect();
    if dead.is_empty() {
        return;
    }
    let span = world.fault_begins(planned, struck);
    world.sleep_until(planned.at_ns + planned.duration_ns).await;
    raise(world, planned, &dead);
    world.fault_ends(planned, span);
}

/// Boots members again; the fault has an effect when one of them answers a client.
fn raise(world: &World, planned: &PlannedFault, dead: &[u32]) {
    for member in dead {
        world.cluster.boot(*member);
        let since_ns = world.worlds.now_ns();
        world.ledger.effect(planned.id, Effect::Served { member: *member, since_ns });
    }
}

/// How long a power loss waits for a moment when there is something to lose.
const PATIENCE_NS: u64 = 200_000_000;
/// How often it looks: well below the time of a sync.
const LOOK_NS: u64 = 200_000;

async fn power_loss(world: &World, planned: &PlannedFault, struck: &Struck, unsynced: Unsynced) {
    let patience_ends_ns = world.worlds.now_ns() + PATIENCE_NS;
    let has_unsynced = |member: &u32| world.worlds.disk.has_unsynced(*member as u8);
    while !struck.group.iter().any(has_unsynced) && world.worlds.now_ns() < patience_ends_ns {
        clock::until(&TimeHandle::current(), world.worlds.now_ns() + LOOK_NS).await;
    }
    let mut dead = Vec::new();
    for member in &struck.group {
        let policy = policy(unsynced);
        let Some(effect) = world.cluster.power_loss(FaultId(planned.id), *member, policy) else {
            continue;
        };
        dead.push(*member);
        if effect.unsynced_sectors > 0 {
            world.ledger.effect(planned.id, Effect::Seen);
        }
    }
    if dead.is_empty() {
        return;
    }
    let span = world.fault_begins(planned, struck);
    world.sleep_until(planned.at_ns + planned.duration_ns).await;
    for member in &dead {
        world.cluster.boot(*member);
    }
    world.fault_ends(planned, span);
}

async fn pause(world: &World, planned: &PlannedFault, struck: &Struck) {
    let group = &struck.group;
    let frozen: Vec<u32> =
        group.iter().copied().filter(|member| world.cluster.pause(*member)).collect();
    if frozen.is_empty() {
        return;
    }
    let span = world.fault_begins(planned, struck);
    let from_ns = world.worlds.now_ns();
    let changes = world.observer.leader_changes();
    world.sleep_until(planned.at_ns + planned.duration_ns).await;
    let to_ns = world.worlds.now_ns();
    if world.observer.leader_changes() > changes {
        world.ledger.effect(planned.id, Effect::Seen);
    }
    for member in frozen {
        world.cluster.resume(member);
        world.ledger.effect(planned.id, Effect::Missed { member, from_ns, to_ns });
    }
    world.fault_ends(planned, span);
}

fn crash_at(
    world: &World,
    planned: &PlannedFault,
    struck: &Struck,
    (probe, by, down_ns): (&str, Crash, u64),
) {
    let until_ns = (planned.at_ns + planned.duration_ns).min(world.plan.duration_ns);
    let whom = match planned.target {
        Target::Group(Group::Leader) => Whom::Leader,
        Target::Group(Group::Follower) => Whom::Follower,
        Target::Group(_) | Target::Link(_) => Whom::Members(struck.group.clone()),
    };
    let strike = {
        let (world, planned) = (world.clone(), planned.clone());
        let (id, policy) = (FaultId(planned.id), policy(world.plan.disk.unsynced));
        Box::new(move |member: u32| {
            let fenced = world.cluster.fence(member, |worlds| match by {
                Crash::Kill => worlds.kill(member as u8),
                Crash::PowerLoss => drop(worlds.power_loss(id, member as u8, policy)),
            });
            if fenced.is_none() {
                return;
            }
            let struck = Struck { group: vec![member], rest: Vec::new(), link: false };
            let span = world.fault_begins(&planned, &struck);
            world.ledger.effect(planned.id, Effect::Seen);
            world.ledger.healed(span, world.worlds.now_ns() + down_ns);
            world.cluster.drop_tasks(member, Duration::from_nanos(down_ns));
        })
    };
    world.observer.set_trap(Trap { probe: probe.to_owned(), whom, until_ns, strike });
}

fn policy(unsynced: Unsynced) -> PowerLoss {
    PowerLoss {
        keep: match unsynced.keep {
            Keep::None => disk::Keep::Nothing,
            Keep::All => disk::Keep::Everything,
            Keep::Prefix => disk::Keep::Prefix,
            Keep::Subset => disk::Keep::Subset,
        },
        // Half of the torn sectors hold old bytes beside the new ones, half garbage.
        tear_ppm: unsynced.torn_permille * 500,
        garbage_ppm: unsynced.torn_permille * 500,
        // redb trusts the sector of its header to be written as a whole, as devices promise.
        damage: disk::FileClass::Wal,
    }
}

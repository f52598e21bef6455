//! Faults of processes and machines: how they die, stop, freeze, slow down, and start again.

mod lives;

use std::time::Duration;

use madsim::time::TimeHandle;
use mettle_scenarios::fault::{Crash, Group, ProcessFault, Target};
use mettle_scenarios::plan::PlannedFault;
use mettle_scenarios::settings::{Keep, TornFiles, Unsynced};

use crate::clock;
use crate::disk::{self, PowerLoss};
use crate::effects::Effect;
use crate::member::Member;
use crate::observe::{Happening, Trap, Whom};
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// Acts, and raises the members after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &ProcessFault,
) {
    match fault {
        ProcessFault::Kill => kill(run, planned, resolved).await,
        ProcessFault::PowerLoss { unsynced } | ProcessFault::PowerLossMany { unsynced } => {
            power_loss(run, planned, resolved, *unsynced).await;
        }
        ProcessFault::CrashLoop { up_ns, down_ns } => {
            let times = lives::Loop { up_ns: *up_ns, down_ns: *down_ns };
            lives::crash_loop(run, planned, resolved, times).await;
        }
        ProcessFault::Stop => lives::stop(run, planned, resolved).await,
        ProcessFault::SlowCpu { share_permille, period_ns } => {
            let quota = lives::Quota { share_permille: *share_permille, period_ns: *period_ns };
            lives::slow_cpu(run, planned, resolved, quota).await;
        }
        ProcessFault::Pause => pause(run, planned, resolved).await,
        ProcessFault::CrashAt { probe, by, down_ns } => {
            crash_at(run, planned, resolved, probe, *by, *down_ns);
        }
    }
}

async fn kill(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget) {
    let group = &resolved.group;
    let id = FaultId(planned.id);
    let dead: Vec<Member> =
        group.iter().copied().filter(|member| run.cluster.kill(*member, id)).collect();
    if dead.is_empty() {
        return;
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    raise(run, planned, &dead);
    run.fault_ends(planned, span);
}

/// Boots members again; the fault has an effect when one of them answers a client.
fn raise(run: &RunContext, planned: &PlannedFault, dead: &[Member]) {
    for member in dead {
        run.cluster.release(*member, FaultId(planned.id));
        let since_ns = run.environment.now_ns();
        run.ledger.effect(planned.id, Effect::Served { member: *member, since_ns });
    }
}

/// How long a power loss waits for a moment when there is something to lose.
const PATIENCE_NS: u64 = 200_000_000;
/// How often it looks: well below the time of a sync.
const LOOK_NS: u64 = 200_000;

async fn power_loss(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    unsynced: Unsynced,
) {
    let patience_ends_ns = run.environment.now_ns() + PATIENCE_NS;
    let has_unsynced = |member: &Member| run.environment.disk.has_unsynced(*member);
    while !resolved.group.iter().any(has_unsynced) && run.environment.now_ns() < patience_ends_ns {
        clock::until(&TimeHandle::current(), run.environment.now_ns() + LOOK_NS).await;
    }
    let mut dead = Vec::new();
    for member in &resolved.group {
        let policy = policy(unsynced);
        let Some(effect) = run.cluster.power_loss(FaultId(planned.id), *member, policy) else {
            continue;
        };
        dead.push(*member);
        if effect.unsynced_sectors > 0 {
            run.ledger.effect(planned.id, Effect::Seen);
        }
    }
    if dead.is_empty() {
        return;
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    for member in &dead {
        run.cluster.release(*member, FaultId(planned.id));
    }
    run.fault_ends(planned, span);
}

async fn pause(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget) {
    let group = &resolved.group;
    let id = FaultId(planned.id);
    let frozen: Vec<Member> =
        group.iter().copied().filter(|member| run.cluster.pause(*member, id)).collect();
    if frozen.is_empty() {
        return;
    }
    let span = run.fault_begins(planned, resolved);
    let from_ns = run.environment.now_ns();
    let changes = run.observer.leader_changes();
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    let to_ns = run.environment.now_ns();
    if run.observer.leader_changes() > changes {
        run.ledger.effect(planned.id, Effect::Seen);
    }
    for member in frozen {
        run.cluster.resume(member, id);
        run.ledger.effect(planned.id, Effect::Missed { member, from_ns, to_ns });
    }
    run.fault_ends(planned, span);
}

fn crash_at(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    probe: &str,
    by: Crash,
    down_ns: u64,
) {
    let until_ns = (planned.at_ns + planned.duration_ns).min(run.plan.duration_ns);
    let whom = match planned.target {
        Target::Group(Group::Leader) => Whom::Leader,
        Target::Group(Group::Follower) => Whom::Follower,
        Target::Group(_) | Target::Both(_) | Target::Link(_) => {
            Whom::Members(resolved.group.clone())
        }
    };
    let strike = {
        let (run, planned) = (run.clone(), planned.clone());
        let (id, policy) = (FaultId(planned.id), policy(run.plan.disk.unsynced));
        Box::new(move |member: Member| {
            let fenced = run.cluster.fence(member, |environment| match by {
                Crash::Kill => environment.kill(member),
                Crash::PowerLoss => drop(environment.power_loss(id, member, policy)),
            });
            if fenced.is_none() {
                return;
            }
            let resolved = ResolvedTarget { group: vec![member], rest: Vec::new(), link: false };
            let span = run.fault_begins(&planned, &resolved);
            run.ledger.effect(planned.id, Effect::Seen);
            run.ledger.healed(span, run.environment.now_ns() + down_ns);
            run.observer.happened(&Happening::Ended(planned.id));
            run.cluster.drop_tasks(member, Duration::from_nanos(down_ns));
        })
    };
    run.observer.set_trap(Trap { probe: probe.to_owned(), whom, until_ns, strike });
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
        damage: match unsynced.torn_files {
            TornFiles::Wal => disk::FileClass::Wal,
            TornFiles::Any => disk::FileClass::Any,
        },
        region: unsynced.sector_bytes.into(),
        // redb trusts the sector of its header to be written as a whole, as devices promise.
        spares_header: true,
    }
}

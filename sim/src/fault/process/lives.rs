//! Processes that die again and again, stop when told to, or get a share of the time only.

use mettle_scenarios::plan::PlannedFault;

use crate::effects::Effect;
use crate::member::Member;
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// How long the processes of a crash loop live and stay down.
pub(super) struct Loop {
    /// At most so long alive.
    pub(super) up_ns: u64,
    /// So long down each time.
    pub(super) down_ns: u64,
}

/// The members die, start, and die again before they have lived long.
pub(super) async fn crash_loop(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    times: Loop,
) {
    let id = FaultId(planned.id);
    let mut stream = run.environment.streams.open("crash loop", planned.id.into(), 0);
    let kill = |run: &RunContext| -> Vec<Member> {
        resolved.group.iter().copied().filter(|member| run.cluster.kill(*member, id)).collect()
    };
    let mut dead = kill(run);
    if dead.is_empty() {
        return;
    }
    let span = run.fault_begins(planned, resolved);
    let end_ns = (planned.at_ns + planned.duration_ns).min(run.plan.duration_ns);
    loop {
        run.sleep_until(run.environment.now_ns() + times.down_ns).await;
        for member in &dead {
            run.cluster.release(*member, id);
        }
        if run.environment.now_ns() >= end_ns {
            break;
        }
        let lived_ns = 1 + stream.below(times.up_ns);
        run.sleep_until(run.environment.now_ns() + lived_ns).await;
        dead = kill(run);
        if !dead.is_empty() {
            run.ledger.effect(planned.id, Effect::Seen);
        }
    }
    run.fault_ends(planned, span);
}

/// The members are told to stop; those that have not done so in time are killed.
pub(super) async fn stop(run: &RunContext, planned: &PlannedFault, resolved: &ResolvedTarget) {
    let id = FaultId(planned.id);
    let told = resolved.group.iter().copied().filter(|member| run.cluster.stop(*member, id));
    let told: Vec<Member> = told.collect();
    if told.is_empty() {
        return;
    }
    let span = run.fault_begins(planned, resolved);
    run.sleep_until(planned.at_ns + planned.duration_ns).await;
    for member in told {
        let stopped = !run.cluster.kill(member, id);
        run.cluster.release(member, id);
        let since_ns = run.environment.now_ns();
        if stopped {
            run.ledger.effect(planned.id, Effect::Served { member, since_ns });
        }
    }
    run.fault_ends(planned, span);
}

/// Which share of the time a process gets.
pub(super) struct Quota {
    /// Of a thousand.
    pub(super) share_permille: u32,
    /// In each period of so long.
    pub(super) period_ns: u64,
}

/// The members are frozen for the rest of each period.
pub(super) async fn slow_cpu(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    quota: Quota,
) {
    let id = FaultId(planned.id);
    let span = run.fault_begins(planned, resolved);
    let from_ns = run.environment.now_ns();
    let end_ns = (planned.at_ns + planned.duration_ns).min(run.plan.duration_ns);
    let runs_ns = quota.period_ns / 1000 * u64::from(quota.share_permille);
    while run.environment.now_ns() < end_ns {
        let began_ns = run.environment.now_ns();
        for member in &resolved.group {
            run.cluster.pause(*member, id);
        }
        run.sleep_until((began_ns + quota.period_ns - runs_ns).min(end_ns)).await;
        for member in &resolved.group {
            run.cluster.resume(*member, id);
        }
        run.sleep_until((began_ns + quota.period_ns).min(end_ns)).await;
    }
    let to_ns = run.environment.now_ns();
    let least_ns = quota.period_ns / 2;
    for member in &resolved.group {
        let slowed = Effect::Slowed { member: *member, from_ns, to_ns, least_ns };
        run.ledger.effect(planned.id, slowed);
    }
    run.fault_ends(planned, span);
}

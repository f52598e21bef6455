//! Waits until a fault is to begin: for its time, for what it waits for, and for its leader.

use mettle_scenarios::fault::{Group, Start};
use mettle_scenarios::plan::PlannedFault;
use tokio::sync::oneshot;

use crate::observe::Happening;
use crate::run_context::RunContext;

/// How long a fault that is aimed at the leader waits for one.
const LEADER_PATIENCE_NS: u64 = 3_000_000_000;

/// Waits until a fault begins; answers the fault as of that moment, or nothing when it never does.
pub(super) async fn begin(run: &RunContext, planned: PlannedFault) -> Option<PlannedFault> {
    let started = match &planned.start {
        None => {
            run.sleep_until(planned.at_ns).await;
            planned
        }
        Some(start) => {
            waited(run, &planned, start).await?;
            PlannedFault { at_ns: run.environment.now_ns(), ..planned }
        }
    };
    Some(with_leader(run, started).await)
}

/// Waits for the step before, for the trigger, and for the delay.
async fn waited(run: &RunContext, planned: &PlannedFault, start: &Start) -> Option<()> {
    let Start { follows, after, delay_ns, until_ns } = start;
    let before = follows.map(|id| match after {
        Some(_) => Happening::Began(id),
        None => Happening::Ended(id),
    });
    match before {
        // Registered now, since the step before may begin at once.
        Some(before) => heard(run, run.observer.wait_for(before), *until_ns).await?,
        None => run.sleep_until(planned.at_ns).await,
    }
    if let Some(trigger) = after {
        let happens = run.observer.wait_for(Happening::Trigger(trigger.clone()));
        heard(run, happens, *until_ns).await?;
    }
    if *delay_ns > 0 {
        run.sleep_until(run.environment.now_ns() + delay_ns).await;
    }
    (run.environment.now_ns() < run.plan.duration_ns).then_some(())
}

/// Waits until it is told, or until a time; nothing when the time comes first.
async fn heard(run: &RunContext, told: oneshot::Receiver<()>, until_ns: u64) -> Option<()> {
    tokio::select! {
        biased;
        told = told => told.ok(),
        () = run.sleep_until(until_ns) => None,
    }
}

/// A fault that is aimed at the leader waits a while for one that runs.
async fn with_leader(run: &RunContext, planned: PlannedFault) -> PlannedFault {
    let aimed = planned.target.groups().contains(&Group::Leader);
    let leads = |run: &RunContext| {
        let leader = run.observer.leader();
        leader.is_some_and(|leader| run.cluster.running().contains(&leader))
    };
    if !aimed || leads(run) {
        return planned;
    }
    let elected = Happening::Trigger(mettle_scenarios::fault::Trigger::LeaderElected);
    let until_ns = run.environment.now_ns() + LEADER_PATIENCE_NS;
    heard(run, run.observer.wait_for(elected), until_ns).await;
    PlannedFault { at_ns: run.environment.now_ns(), ..planned }
}

//! Faults of clients: those that do not read, hang up in the middle of a call, or move on.
//!
//! What a client's process does is done to its sockets: one that does not read leaves its bytes
//! where they arrived, and one that hangs up lets go of its connection.

use mettle_scenarios::fault::ClientFault;
use mettle_scenarios::plan::PlannedFault;

use super::links::{Direction, Disturbance, hold, to_clients};
use crate::effects::Effect;
use crate::net::{LinkFault, NetEffect, Reset};
use crate::run_context::RunContext;
use crate::stream::FaultId;
use crate::target::ResolvedTarget;

/// Acts, and heals after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &ClientFault,
) {
    let (watching, calling): (Vec<Direction>, Vec<Direction>) =
        to_clients(run, resolved).into_iter().partition(|(_, client)| client.is_watcher());
    match fault {
        ClientFault::SlowWatcher => {
            let unread = Disturbance { directions: watching, fault: LinkFault::Unread };
            hold(run, planned, resolved, unread, |effect: NetEffect| effect.reads_refused > 0)
                .await;
        }
        ClientFault::Abandon { period_ns } => {
            let hangups = HangUps { calling, period_ns: *period_ns };
            abandon(run, planned, resolved, hangups).await;
        }
        ClientFault::ReconnectElsewhere => {
            let span = run.fault_begins(planned, resolved);
            if hang_up(run, planned, &watching) > 0 {
                run.ledger.effect(planned.id, Effect::Seen);
            }
            run.fault_ends(planned, span);
        }
    }
}

/// The clients let go of their connections; answers how many there were. Members learn of it when
/// they next send.
fn hang_up(run: &RunContext, planned: &PlannedFault, directions: &[Direction]) -> u64 {
    let (id, net) = (FaultId(planned.id), &run.environment.net);
    directions.iter().map(|(member, client)| net.reset(id, *client, *member, Reset::HalfOpen)).sum()
}

/// Who hangs up, and how often.
struct HangUps {
    calling: Vec<Direction>,
    period_ns: u64,
}

/// The clients hang up again and again.
async fn abandon(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    hangups: HangUps,
) {
    let span = run.fault_begins(planned, resolved);
    let from_ns = run.environment.now_ns();
    let end_ns = (planned.at_ns + planned.duration_ns).min(run.plan.duration_ns);
    let mut left = 0;
    while run.environment.now_ns() < end_ns {
        left += hang_up(run, planned, &hangups.calling);
        run.sleep_until((run.environment.now_ns() + hangups.period_ns).min(end_ns)).await;
    }
    let to_ns = run.environment.now_ns();
    for member in resolved.group.iter().filter(|_| left > 0) {
        run.ledger.effect(planned.id, Effect::Missed { member: *member, from_ns, to_ns });
    }
    run.fault_ends(planned, span);
}

//! Faults of the clocks: of members, and of the clients' deadlines.

use mettle_scenarios::fault::{ClockFault, Way};
use mettle_scenarios::plan::PlannedFault;

use crate::clock::Clocks;
use crate::effects::Effect;
use crate::host::Host;
use crate::run_context::RunContext;
use crate::target::ResolvedTarget;

const MILLION: i64 = 1_000_000;

/// Acts, and sets the clocks right after the duration.
pub(super) async fn run(
    run: &RunContext,
    planned: &PlannedFault,
    resolved: &ResolvedTarget,
    fault: &ClockFault,
) {
    let clocks = &run.environment.clock;
    let hosts: Vec<Host> = match fault {
        ClockFault::ClockOfClient { .. } => run.environment.net.clients(),
        _ => resolved.group.iter().copied().map(Host::Member).collect(),
    };
    let span = run.fault_begins(planned, resolved);
    for host in &hosts {
        set_wrong(clocks, *host, fault);
    }
    let end_ns = planned.at_ns + planned.duration_ns;
    if let ClockFault::ClockStrobe { by_ns, period_ns } = fault {
        strobe(run, &hosts, Strobe { by_ns: *by_ns, period_ns: *period_ns, end_ns }).await;
    } else {
        run.sleep_until(end_ns).await;
    }
    let noticed_ns = run.plan.cluster.heartbeat_ms * 1_000_000;
    let running = run.cluster.running();
    let is_off = |host: &Host| {
        let runs = host.member().is_none_or(|member| running.contains(&member));
        let wall_ns = clocks.wall_error_ns(*host).unsigned_abs();
        runs && wall_ns.max(clocks.monotonic_error_ns(*host).unsigned_abs()) > noticed_ns
    };
    let strobes = matches!(fault, ClockFault::ClockStrobe { by_ns, .. } if *by_ns > noticed_ns);
    if strobes || hosts.iter().any(is_off) {
        run.ledger.effect(planned.id, Effect::Seen);
    }
    for host in &hosts {
        clocks.heal(*host);
    }
    run.fault_ends(planned, span);
}

fn signed(by: u64, way: Way) -> i64 {
    let by = i64::try_from(by).unwrap_or(i64::MAX);
    match way {
        Way::Ahead => by,
        Way::Behind => -by,
    }
}

/// The clocks of a host are wrong from now on.
fn set_wrong(clocks: &Clocks, host: Host, fault: &ClockFault) {
    match *fault {
        ClockFault::ClockOffset { by_ns, way } => clocks.set_offset(host, signed(by_ns, way)),
        ClockFault::ClockDrift { ppm, way } | ClockFault::ClockOfClient { ppm, way } => {
            clocks.set_drift(host, signed(ppm.into(), way).max(1 - MILLION));
        }
        ClockFault::ClockStep { by_ns, way } => clocks.step(host, signed(by_ns, way)),
        ClockFault::ClockFreeze => clocks.freeze(host),
        ClockFault::ClockStrobe { .. } => {}
    }
}

/// How clocks jump to and fro.
#[expect(clippy::struct_field_names, reason = "the unit stands last in each name")]
struct Strobe {
    by_ns: u64,
    period_ns: u64,
    end_ns: u64,
}

/// The clocks jump ahead and back, again and again.
async fn strobe(run: &RunContext, hosts: &[Host], strobe: Strobe) {
    let mut way = Way::Ahead;
    let end_ns = strobe.end_ns.min(run.plan.duration_ns);
    while run.environment.now_ns() < end_ns {
        for host in hosts {
            run.environment.clock.step(*host, signed(strobe.by_ns, way));
        }
        way = if way == Way::Ahead { Way::Behind } else { Way::Ahead };
        run.sleep_until((run.environment.now_ns() + strobe.period_ns).min(end_ns)).await;
    }
}

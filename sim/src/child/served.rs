//! Hands the service of a run to its judge: records, calls, faults, leaders, and what is asked.

use mettle_checker::history::History;
use mettle_checker::service::{
    FaultSpan, LeaderChange, ServedRun, ServiceCheck, ServiceSettings, service,
};
use mettle_reports::timeline::{Stop, Timeline};
use mettle_scenarios::Plan;

use crate::outcome::Outcome;

const MILLISECOND_NS: u64 = 1_000_000;

/// The longest time until the supervisor starts a member again that ended by itself.
const RESTART_NS: u64 = 1_250 * MILLISECOND_NS;

/// Judges the service of a run.
pub(super) fn service_of(plan: &Plan, outcome: &Outcome, history: &History) -> Vec<ServiceCheck> {
    let Timeline { end_ns, faults, leaders, stops, .. } = &outcome.timeline;
    let numbers = |some: &[u32]| some.iter().copied().map(u64::from).collect();
    let mut spans: Vec<FaultSpan> = faults
        .iter()
        .map(|span| FaultSpan {
            what: format!("{} of {}", span.name, span.target),
            group: numbers(&span.group),
            rest: numbers(&span.rest),
            degrades: span.degrades,
            start_ns: span.start_ns,
            end_ns: span.end_ns.unwrap_or(u64::MAX),
        })
        .collect();
    spans.extend(stops.iter().map(stopped));
    spans.extend(too_slow(plan));
    let leaders: Vec<LeaderChange> = leaders
        .iter()
        .map(|one| LeaderChange { at_ns: one.at_ns, member: one.member.into(), term: one.term })
        .collect();
    service(&ServedRun {
        records: &history.records,
        calls: &outcome.calls,
        members: plan.members.into(),
        faults: &spans,
        leaders: &leaders,
        end_ns: *end_ns,
        settings: settings(plan),
    })
}

/// A network on which the election timeout is too short strikes everybody from begin to end.
///
/// # Source
/// etcd's tuning guide: the election timeout should be at least ten round trips.
fn too_slow(plan: &Plan) -> Option<FaultSpan> {
    let latency = plan.network.latency;
    let round_trip_ns = 2 * (latency.base_ns + latency.jitter_ns);
    let is_slow = 10 * round_trip_ns > plan.cluster.election_ms * MILLISECOND_NS;
    is_slow.then(|| FaultSpan {
        what: "election timeout below ten round trips".to_owned(),
        group: (1..=u64::from(plan.members)).collect(),
        rest: Vec::new(),
        degrades: true,
        start_ns: 0,
        end_ns: u64::MAX,
    })
}

/// A member that ended by itself does not serve until it starts again. Whether its end had a cause
/// is a finding of its own.
fn stopped(stop: &Stop) -> FaultSpan {
    let end_ns = if stop.last { u64::MAX } else { stop.at_ns + RESTART_NS };
    FaultSpan {
        what: format!("end of m{}", stop.member),
        group: vec![stop.member.into()],
        rest: Vec::new(),
        degrades: false,
        start_ns: stop.at_ns,
        end_ns,
    }
}

fn settings(plan: &Plan) -> ServiceSettings {
    let asked = &plan.service;
    ServiceSettings {
        latency_ns: asked.latency_ns,
        usual_ns: asked.usual_latency_ns,
        recovery_ns: asked.recovery * plan.cluster.election_ms * MILLISECOND_NS,
        pending_ns: asked.pending_ns,
        changes_per_fault: asked.changes_per_fault,
        change_every_ns: asked.change_every_ns,
    }
}

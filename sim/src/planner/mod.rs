//! Draws a plan from a scenario and a seed: every choice that can be made before time starts.
//!
//! A pure function. Each choice comes from a random stream of its own, named by what it is for, so
//! that a fault added to or taken from a scenario leaves the times of all others as they were. A
//! fault that repeats is expanded here; what is left to the run is whom a word such as `leader`
//! means when the fault fires.

use mettle_scenarios::fault::{Fault, Keep, Unsynced};
use mettle_scenarios::plan::{
    self, DiskSettings, Latency, NetworkSettings, Plan, PlannedFault, Plant, Traffic,
};
use mettle_scenarios::scenario::{FaultKind, FaultRule, LatencyDraw, Scenario, TrafficDraw};
use mettle_scenarios::time::Draw;

use crate::stream::{Stream, Streams};

/// Ids of one rule's faults lie below this distance from the next rule's.
const IDS_PER_RULE: u32 = 1000;

/// Draws the plan of a run.
pub fn plan(scenario: &Scenario, seed: u64, plants: &[Plant]) -> Plan {
    let streams = Streams::new(seed);
    let faults = faults(scenario, streams);
    let watched = scenario.traffic.evidence || scenario.traffic.watchers > 0;
    let mut plants = plants.to_vec();
    plants.sort_unstable();
    plants.dedup();
    Plan {
        version: plan::VERSION,
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        seed,
        members: scenario.members,
        duration_ns: scenario.traffic.duration_ns,
        converge_ns: scenario.converge_ns,
        plants,
        cluster: scenario.cluster.clone(),
        network: NetworkSettings {
            latency: latency(&scenario.network, &mut streams.open("plan network", 0, 0)),
        },
        disk: disk(scenario, &mut streams.open("plan disk", 0, 0)),
        traffic: traffic(&scenario.traffic, &mut streams.open("plan traffic", 0, 0)),
        floor: scenario.floor.of(faults.len(), watched),
        faults,
    }
}

fn time(draw: Draw, stream: &mut Stream) -> u64 {
    stream.between(draw.min_ns, draw.max_ns)
}

fn latency(draw: &LatencyDraw, stream: &mut Stream) -> Latency {
    Latency {
        base_ns: time(draw.base, stream),
        jitter_ns: time(draw.jitter, stream),
        tail_permille: draw.tail_permille,
        tail_ns: time(draw.tail, stream),
    }
}

/// What a power loss keeps, by a coin when the scenario leaves it open. Always one draw.
fn unsynced(keep: Option<Keep>, torn_permille: u32, stream: &mut Stream) -> Unsynced {
    let drawn = match stream.below(4) {
        0 => Keep::None,
        1 => Keep::All,
        2 => Keep::Prefix,
        _ => Keep::Subset,
    };
    Unsynced { keep: keep.unwrap_or(drawn), torn_permille }
}

fn disk(scenario: &Scenario, stream: &mut Stream) -> DiskSettings {
    let draw = &scenario.disk;
    let mut operation = |draw: Draw| {
        let base_ns = time(draw, stream);
        Latency { base_ns, jitter_ns: base_ns / 2, tail_permille: 5, tail_ns: 10 * base_ns }
    };
    let (read, write, sync) = (operation(draw.read), operation(draw.write), operation(draw.sync));
    DiskSettings { read, write, sync, unsynced: unsynced(draw.keep, draw.torn_permille, stream) }
}

fn traffic(draw: &TrafficDraw, stream: &mut Stream) -> Traffic {
    Traffic {
        clients: draw.clients,
        pace_ns: time(draw.pace, stream),
        keys: draw.keys,
        weights: draw.weights.clone(),
        deadline_ns: time(draw.deadline, stream),
        compact_every_ns: time(draw.compact_every, stream),
        compact_ahead: draw.compact_ahead,
        watchers: draw.watchers,
        progress_every_ns: time(draw.progress_every, stream),
        evidence: draw.evidence,
    }
}

fn faults(scenario: &Scenario, streams: Streams) -> Vec<PlannedFault> {
    let mut faults = Vec::new();
    for (number, rule) in (1u32..).zip(&scenario.faults) {
        expand(number, rule, scenario.traffic.duration_ns, streams, &mut faults);
    }
    faults.sort_by_key(|fault| (fault.at_ns, fault.id));
    faults
}

/// Adds a rule's fault, and its repeats until the traffic ends.
fn expand(
    number: u32,
    rule: &FaultRule,
    duration_ns: u64,
    streams: Streams,
    faults: &mut Vec<PlannedFault>,
) {
    let mut starts = streams.open("plan fault starts", u64::from(number), 0);
    let mut at_ns = time(rule.at, &mut starts);
    for repeat in 0..IDS_PER_RULE {
        if at_ns >= duration_ns {
            break;
        }
        let stream = &mut streams.open("plan fault", u64::from(number), u64::from(repeat));
        let duration_ns = time(rule.lasts, stream);
        let fault = fault(&rule.kind, stream);
        let id = number * IDS_PER_RULE + repeat;
        faults.push(PlannedFault { id, fault, target: rule.target, at_ns, duration_ns });
        let Some(every) = rule.every else { break };
        at_ns += time(every, &mut starts);
    }
}

fn fault(kind: &FaultKind, stream: &mut Stream) -> Fault {
    match kind {
        FaultKind::Partition => Fault::Partition,
        FaultKind::PartitionOneWay => Fault::PartitionOneWay,
        FaultKind::Isolate => Fault::Isolate,
        FaultKind::SlowLink(draw) => Fault::SlowLink { latency: latency(draw, stream) },
        FaultKind::Reset => Fault::Reset,
        FaultKind::Kill => Fault::Kill,
        FaultKind::PowerLoss { keep, torn_permille } => {
            Fault::PowerLoss { unsynced: unsynced(*keep, *torn_permille, stream) }
        }
        FaultKind::Pause => Fault::Pause,
        FaultKind::CrashAt { probe, by, down } => {
            Fault::CrashAt { probe: probe.clone(), by: *by, down_ns: time(*down, stream) }
        }
        FaultKind::SyncError { files, sticky } => {
            Fault::SyncError { files: *files, sticky: *sticky }
        }
    }
}

#[cfg(test)]
mod tests;

//! Draws a plan from a scenario and a seed: every choice that can be made before time starts.
//!
//! The planner is a pure function. Each choice has a random stream of its own, named by its purpose:
//! adding or removing a fault leaves the times of all other faults as they were. A fault that
//! repeats is expanded here. Only words such as `leader` are left to the run: they are resolved when
//! the fault fires.

use mettle_scenarios::Scenario;
use mettle_scenarios::fault::FaultRule;
use mettle_scenarios::plan::{self, Plan, PlannedFault};
use mettle_scenarios::planted::Plant;
use mettle_scenarios::settings::Random;

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
        duration_ns: scenario.duration_ns,
        converge_ns: scenario.converge_ns,
        plants,
        cluster: scenario.cluster.clone(),
        network: scenario.network.draw(&mut streams.open("plan network", 0, 0)),
        disk: scenario.disk.draw(&mut streams.open("plan disk", 0, 0)),
        traffic: scenario.traffic.draw(&mut streams.open("plan traffic", 0, 0)),
        floor: scenario.floor.of(faults.len(), watched),
        faults,
    }
}

impl Random for Stream {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        Stream::between(self, low, high)
    }
}

fn faults(scenario: &Scenario, streams: Streams) -> Vec<PlannedFault> {
    let mut faults = Vec::new();
    for (number, rule) in (1u32..).zip(&scenario.faults) {
        expand(number, rule, scenario.duration_ns, streams, &mut faults);
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
    let mut at_ns = rule.at.draw(&mut starts);
    for repeat in 0..IDS_PER_RULE {
        if at_ns >= duration_ns {
            break;
        }
        let stream = &mut streams.open("plan fault", u64::from(number), u64::from(repeat));
        let duration_ns = rule.lasts.draw(stream);
        let fault = rule.fault.draw(stream);
        let id = number * IDS_PER_RULE + repeat;
        faults.push(PlannedFault { id, fault, target: rule.target, at_ns, duration_ns });
        let Some(every) = rule.every else { break };
        at_ns += every.draw(&mut starts);
    }
}

#[cfg(test)]
mod tests;

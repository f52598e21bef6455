//! Draws a plan from a scenario and a seed: every choice that can be made before time starts.
//!
//! The planner is a pure function. Each choice has a random stream of its own, named by its purpose:
//! adding or removing a fault leaves the times of all other faults as they were. A fault that
//! repeats is expanded here. Only words such as `leader` are left to the run: they are resolved when
//! the fault fires.

use mettle_scenarios::Scenario;
use mettle_scenarios::fault::{FaultRule, Start};
use mettle_scenarios::plan::{self, Plan, PlannedFault};
use mettle_scenarios::planted::Plant;
use mettle_scenarios::settings::Random;

use crate::stream::{Stream, Streams};

/// Ids of one rule's faults lie below this distance from the next rule's.
const IDS_PER_RULE: u32 = 1000;
/// From the id of one step to that of the next.
const IDS_PER_STEP: u32 = 10_000_000;

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
        unrestricted: scenario.unrestricted,
        duration_ns: scenario.duration_ns,
        converge_ns: scenario.converge_ns,
        plants,
        cluster: scenario.cluster.clone(),
        network: scenario.network.draw(&mut streams.open("plan network", 0, 0)),
        disk: scenario.disk.draw(&mut streams.open("plan disk", 0, 0)),
        traffic: scenario.traffic.draw(&mut streams.open("plan traffic", 0, 0)),
        floor: scenario.floor.of(certain(&faults), watched),
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

/// How many faults happen in every run: those that wait for nothing but their time.
fn certain(faults: &[PlannedFault]) -> usize {
    faults.iter().filter(|fault| fault.start.is_none()).count()
}

/// Adds a rule's fault with its steps, and its repeats until the traffic ends.
fn expand(
    number: u32,
    rule: &FaultRule,
    duration_ns: u64,
    streams: Streams,
    faults: &mut Vec<PlannedFault>,
) {
    let mut starts = streams.open("plan fault starts", u64::from(number), 0);
    let mut at_ns = rule.at.draw(&mut starts);
    let most = rule.times.map_or(IDS_PER_RULE, |times| times as u32).min(IDS_PER_RULE);
    for repeat in 0..most {
        if at_ns >= duration_ns {
            break;
        }
        let next_ns = rule.every.map(|every| at_ns + every.draw(&mut starts));
        let id = number * IDS_PER_RULE + repeat;
        let until_ns = next_ns.unwrap_or(duration_ns).min(duration_ns);
        for (step, rule) in (0u32..).zip(rule.steps()) {
            let stream = &mut match step {
                0 => streams.open("plan fault", u64::from(number), u64::from(repeat)),
                _ => streams.open("plan fault step", u64::from(id), u64::from(step)),
            };
            let duration_ns = rule.lasts.draw(stream);
            let fault = rule.fault.draw(stream);
            let waits = step > 0 || rule.after.is_some();
            let start = waits.then(|| Start {
                follows: step.checked_sub(1).map(|before| id + before * IDS_PER_STEP),
                after: rule.after.clone(),
                delay_ns: rule.delay.draw(stream),
                until_ns,
            });
            let (id, target, name) = (id + step * IDS_PER_STEP, rule.target, rule.name.clone());
            faults.push(PlannedFault { id, fault, target, at_ns, duration_ns, name, start });
        }
        let Some(next_ns) = next_ns else { break };
        at_ns = next_ns;
    }
}

#[cfg(test)]
mod tests;

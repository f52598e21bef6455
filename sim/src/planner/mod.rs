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
use mettle_scenarios::settings::{ClusterSettings, Keyed, LimitSettings, Random, Traffic};
use mettle_server::probe::NAMES;

use crate::stream::{Stream, Streams};

/// Ids of one rule's faults lie below this distance from the next rule's.
const IDS_PER_RULE: u32 = 1000;
/// From the id of one step to that of the next.
const IDS_PER_STEP: u32 = 10_000_000;

/// Draws the plan of a run.
pub fn plan(scenario: &Scenario, seed: u64, plants: &[Plant]) -> Plan {
    let streams = Streams::new(seed);
    let Numbers { members, cluster, limits, traffic, open: _ } = numbers(scenario, streams);
    let faults = faults(scenario, members, streams);
    let watched = traffic.evidence || traffic.watchers > 0;
    let mut plants = plants.to_vec();
    plants.sort_unstable();
    plants.dedup();
    Plan {
        version: plan::VERSION,
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        seed,
        members,
        unrestricted: scenario.unrestricted,
        duration_ns: scenario.duration_ns,
        converge_ns: scenario.converge_ns,
        plants,
        cluster,
        limits,
        network: scenario.network.draw(&mut streams.open("plan network", 0, 0)),
        disk: scenario.disk.draw(&mut streams.open("plan disk", 0, 0)),
        traffic,
        service: scenario.service.clone(),
        floor: scenario.floor.of(certain(&faults), watched),
        faults,
    }
}

/// What the seed drew of the numbers that the scenario leaves open, in words; nothing if it leaves
/// none open.
pub fn drawn(scenario: &Scenario, seed: u64) -> Option<String> {
    let Numbers { members, open, .. } = numbers(scenario, Streams::new(seed));
    let mut words: Vec<String> =
        open.drawn.iter().map(|(key, number)| format!("{key} {number}")).collect();
    let without = scenario.faults.iter().filter(|rule| !rule.fits(members));
    words.extend(without.map(|rule| format!("no {}, which needs more members", rule.fault.word())));
    if scenario.swarm.is_some() {
        let plan = plan(scenario, seed, &[]);
        let faults = plan.faults.iter().map(|planned| planned.fault.word());
        words.push(format!("faults: {}", faults.collect::<Vec<_>>().join(" ")));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// What holds numbers that a scenario may leave open.
struct Numbers {
    members: u32,
    cluster: ClusterSettings,
    limits: LimitSettings,
    traffic: Traffic,
    open: Open,
}

fn numbers(scenario: &Scenario, streams: Streams) -> Numbers {
    let mut open = Open { streams, drawn: Vec::new() };
    let members = scenario.members.draw("members", &mut open) as u32;
    let cluster = scenario.cluster.draw(&mut open);
    let mut times = streams.open("plan traffic", 0, 0);
    let mut traffic = scenario.traffic.draw(&mut times, &mut open);
    let limits = scenario.limits.draw(&mut open);
    if let Some(swarm) = &scenario.swarm {
        swarm.mix(&mut traffic, &mut streams.open("plan swarm mix", 0, 0));
    }
    Numbers { members, cluster, limits, traffic, open }
}

/// Draws numbers that are left open, each from the stream of its key, and remembers them.
struct Open {
    streams: Streams,
    drawn: Vec<(&'static str, u64)>,
}

impl Keyed for Open {
    fn between(&mut self, key: &'static str, low: u64, high: u64) -> u64 {
        self.streams.open(&format!("plan number {key}"), 0, 0).between(low, high)
    }

    fn drawn(&mut self, key: &'static str, number: u64) {
        self.drawn.push((key, number));
    }
}

impl Random for Stream {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        Stream::between(self, low, high)
    }
}

/// The faults that are possible in a cluster of `members`.
fn faults(scenario: &Scenario, members: u32, streams: Streams) -> Vec<PlannedFault> {
    let mut faults = Vec::new();
    let drawn = scenario.swarm.as_ref().map(|swarm| {
        let random = &mut streams.open("plan swarm faults", 0, 0);
        swarm.faults(members, scenario.duration_ns, NAMES, random)
    });
    let rules = scenario.faults.iter().chain(drawn.iter().flatten());
    let possible = (1u32..).zip(rules).filter(|(_, rule)| rule.fits(members));
    for (number, rule) in possible {
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

//! The hook in the server: finds out which member speaks, and passes on what the member says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use madsim::task::NodeId;
use mettle_scenarios::Plan;
use mettle_scenarios::fault::Trigger;
use mettle_scenarios::planted::Plant;
use mettle_server::probe::{self, Fact, Hook};
use tokio::sync::oneshot;

use super::wait::{self, Waits};
use super::{Damage, Happening, Media, Rules, Segment};
use crate::disk::{DiskHandle, FileId};
use crate::environment::Environment;
use crate::member::Member;

/// Where a member keeps its log.
const LOG_FOLDER: &str = "wal";

/// Hears everything that members say; clones are handles to the same one.
#[derive(Clone)]
pub struct Observer(Arc<Inner>);

struct Inner {
    environment: Environment,
    plants: Vec<Plant>,
    /// Whether reading records costs time.
    charges: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rules: Rules,
    probes: BTreeMap<String, u64>,
    members: BTreeMap<NodeId, Member>,
    traps: Vec<Trap>,
    waits: Waits,
}

/// Waits for a member to reach a probe.
pub struct Trap {
    /// The probe's name.
    pub probe: String,
    /// Whom it waits for.
    pub whom: Whom,
    /// Until when (ns).
    pub until_ns: u64,
    /// Called with the member that reaches the probe; must fence that member at once.
    pub strike: Box<dyn FnOnce(Member) + Send>,
}

/// Whom a trap waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// One of these.
    Members(Vec<Member>),
    /// Whoever leads at that moment.
    Leader,
    /// Whoever does not lead at that moment.
    Follower,
}

impl Observer {
    /// Hears the members of this environment. Sets the server's hook, which is set once in a process.
    pub fn new(environment: Environment, plan: &Plan) -> Observer {
        let state = Mutex::new(State { rules: Rules::new(plan.members), ..State::default() });
        let (plants, charges) = (plan.plants.clone(), plan.disk.record_ns > 0);
        let observer = Observer(Arc::new(Inner { environment, plants, charges, state }));
        probe::set(Box::new(observer.clone()));
        observer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a member must not hide what was heard before it.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns which node of the runtime is which member.
    pub fn introduce(&self, node: NodeId, member: Member) {
        self.state().members.insert(node, member);
    }

    /// The member on a node, if it is one.
    pub fn member_on(&self, node: NodeId) -> Option<Member> {
        self.state().members.get(&node).copied()
    }

    /// Sets a trap.
    pub fn set_trap(&self, trap: Trap) {
        self.state().traps.push(trap);
    }

    /// Waits for something to happen from now on.
    pub fn wait_for(&self, happening: Happening) -> oneshot::Receiver<()> {
        self.state().waits.add(happening)
    }

    /// Something happens.
    pub fn happened(&self, happening: &Happening) {
        let due = self.state().waits.due(|waited| waited == happening);
        wait::tell(due);
    }

    /// A fault is about to damage a member's disk.
    pub fn disk_damaged(&self, member: Member, damage: Damage) {
        self.state().rules.disk_damaged(member, damage, &self.0.environment.disk);
    }

    /// The member that became leader in the highest term so far.
    pub fn leader(&self) -> Option<Member> {
        self.state().rules.leader_now()
    }

    /// How often a member became leader so far.
    pub fn leader_changes(&self) -> u64 {
        self.state().rules.leader_changes()
    }

    /// A member is about to start: what its log holds is what it has to read.
    pub fn starts(&self, member: Member) {
        self.state().rules.starts(member, &self.0.environment.disk);
    }

    /// Takes the rules out, with all that they heard, after a last look at the disks.
    pub fn take_rules(&self) -> Rules {
        let mut rules = std::mem::take(&mut self.state().rules);
        rules.end(self.0.environment.now_ns(), &self.0.environment.disk);
        rules
    }

    /// Rare paths reached so far.
    pub fn probes(&self) -> BTreeMap<String, u64> {
        self.state().probes.clone()
    }

    /// The member whose task is being polled, if its process is alive.
    fn speaker(&self) -> Option<Member> {
        let member = self.member_on(madsim::plugin::node())?;
        self.0.environment.is_alive(member).then_some(member)
    }

    fn sprung(&self, member: Member, name: &str) -> Option<Trap> {
        let now_ns = self.0.environment.now_ns();
        let mut state = self.state();
        let leads = state.rules.leader_now() == Some(member);
        let at = state.traps.iter().position(|trap| {
            trap.probe == name
                && now_ns <= trap.until_ns
                && match &trap.whom {
                    Whom::Members(members) => members.contains(&member),
                    Whom::Leader => leads,
                    Whom::Follower => !leads,
                }
        })?;
        Some(state.traps.remove(at))
    }
}

impl Hook for Observer {
    fn probe(&self, name: &'static str) {
        let Some(member) = self.speaker() else { return };
        let due = {
            let mut state = self.state();
            *state.probes.entry(name.to_owned()).or_default() += 1;
            state.waits.due(|waited| match waited {
                Happening::Trigger(Trigger::Probe(probe)) => probe == name,
                _ => false,
            })
        };
        wait::tell(due);
        if let Some(trap) = self.sprung(member, name) {
            (trap.strike)(member);
        }
    }

    fn worked(&self, records: u64) {
        if !self.0.charges {
            return;
        }
        let Some(member) = self.speaker() else { return };
        self.0.environment.disk.with(member, |volume, _| volume.work(records));
    }

    fn fact(&self, fact: Fact) {
        let Some(member) = self.speaker() else { return };
        let now_ns = self.0.environment.now_ns();
        let due = {
            let mut state = self.state();
            state.rules.hear(now_ns, member, fact, &self.0.environment.disk);
            state.waits.due(|waited| wait::is_fact(waited, &fact))
        };
        wait::tell(due);
    }

    fn planted(&self, bug: &'static str) -> bool {
        if self.0.plants.is_empty() {
            return false;
        }
        let member = self.member_on(madsim::plugin::node());
        self.0.plants.iter().any(|plant| {
            plant.bug.name() == bug
                && (plant.member.is_none() || plant.member == member.map(u32::from))
        })
    }
}

impl Media for DiskHandle {
    fn log(&self, member: Member, see: &mut dyn FnMut(&[Segment<'_>])) {
        self.with(member, |volume, now_ns| {
            see(&segments(volume.durable_files(now_ns, LOG_FOLDER)));
        });
    }

    fn readable_log(&self, member: Member, see: &mut dyn FnMut(&[Segment<'_>])) {
        self.with(member, |volume, now_ns| {
            see(&segments(volume.readable_files(now_ns, LOG_FOLDER)));
        });
    }
}

/// The files of a log that are its segments.
fn segments<'a>(files: Vec<(&'a str, FileId, &'a [u8])>) -> Vec<Segment<'a>> {
    let segment = |(path, id, bytes): (&str, FileId, &'a [u8])| {
        let name = path.rsplit('/').next()?.strip_suffix(".wal")?;
        Some((u64::from_str_radix(name, 16).ok()?, id.0, bytes))
    };
    files.into_iter().filter_map(segment).collect()
}

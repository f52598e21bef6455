//! The members as processes: started, killed, frozen, cut from power, and started again.
//!
//! A member is a node of the runtime whose only task is `mettle_server::server::run`. A member's
//! process ends in one of three ways, always in this order: first its disk and its sockets are
//! *fenced* (the process reaches neither of them any more), then its tasks are dropped.
//!
//! - A fault ends the process ([`Cluster::kill`], [`Cluster::power_loss`]) and says when the next
//!   one starts.
//! - A trap at a probe ends the process in the middle of a poll: [`Cluster::fence`] acts at once,
//!   and the supervisor drops the tasks, since a task cannot drop itself.
//! - `run` returns. The supervisor starts the member again after about a second, at most
//!   [`STARTS_PER_MINUTE_MAX`] times a minute, and again when all faults are over. A member that
//!   cannot trust its disk stays down.
//!
//! A paused member is resumed before it is killed: its tasks would otherwise be dropped in the
//! killer's context.

mod settings;
mod supervisor;

pub use settings::config;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use madsim::runtime::Handle;
use madsim::task::NodeId;
use madsim::time::TimeHandle;
use mettle_reports::timeline::Stop;
use mettle_scenarios::plan::Plan;
use mettle_server::platform::Platform;
use tokio::sync::{mpsc, oneshot};

use crate::disk::{PowerLoss, PowerLossEffect};
use crate::environment::Environment;
use crate::member::Member;
use crate::observe::Observer;
use crate::stream::{FaultId, Streams};
use crate::trace::Kind;
use supervisor::Event;

/// How often the supervisor starts a member again that ended by itself.
const STARTS_PER_MINUTE_MAX: usize = 5;

/// All members; clones are handles to the same ones.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    environment: Environment,
    observer: Observer,
    handle: Handle,
    streams: Streams,
    events: mpsc::UnboundedSender<Event>,
    members: Mutex<BTreeMap<Member, MemberProcess>>,
    exits: Mutex<Vec<Stop>>,
}

struct MemberProcess {
    node: NodeId,
    condition: Condition,
    /// The faults that keep it from running.
    held_by: BTreeSet<FaultId>,
    /// The faults that have frozen it.
    frozen_by: BTreeSet<FaultId>,
    /// Counts starts; names one life of the process.
    life: u64,
    started_ns: u64,
    /// When the supervisor started it again (ns).
    restarts: Vec<u64>,
    /// It refused its own disk.
    refused: bool,
    /// Disk faults that struck it, and when each was healed (ns).
    disk_faults: BTreeMap<FaultId, Option<u64>>,
    /// What the next life takes with it.
    next: Arc<Mutex<Option<Life>>>,
    /// Tells the running process to stop; taken when it was told.
    stop: Option<oneshot::Sender<()>>,
    /// The life that was told to stop.
    told_to_stop: Option<u64>,
}

/// What one life of a process starts with.
struct Life {
    number: u64,
    platform: Platform,
    stop: oneshot::Receiver<()>,
}

/// What a member's process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs (perhaps paused).
    Up,
    /// It does not run, and will be started again.
    Down,
    /// It refused its own disk and stays down, or it ended too often and stays down until the
    /// faults are over.
    Gone,
}

impl Cluster {
    /// Starts all members of a plan.
    pub fn start(plan: &Plan, environment: Environment, observer: &Observer) -> Cluster {
        let (events, heard) = mpsc::unbounded_channel();
        let cluster = Cluster(Arc::new(Inner {
            streams: environment.streams,
            environment,
            observer: observer.clone(),
            handle: Handle::current(),
            events,
            members: Mutex::default(),
            exits: Mutex::default(),
        }));
        for number in Member::all(plan.members) {
            let member = cluster.make(plan, number);
            observer.introduce(member.node, number);
            cluster.members().insert(number, member);
        }
        for number in Member::all(plan.members) {
            cluster.boot(number);
        }
        tokio::spawn(supervisor::run(cluster.clone(), heard));
        cluster
    }

    fn make(&self, plan: &Plan, number: Member) -> MemberProcess {
        let next: Arc<Mutex<Option<Life>>> = Arc::default();
        let (slot, config, events) = (next.clone(), config(plan, number), self.0.events.clone());
        let environment = self.0.environment.clone();
        let node = self.0.handle.create_node().name(format!("{number}")).init(move || {
            let taken = slot.lock().expect("no holder panics").take();
            let (config, events, environment) =
                (config.clone(), events.clone(), environment.clone());
            async move {
                // Nothing to run: this is the node's making, not a start.
                let Some(Life { number: life, platform, stop }) = taken else { return };
                let stop = async move {
                    if stop.await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                let ended = mettle_server::server::run(config, platform, stop).await;
                environment.kill(number);
                drop(events.send(Event::Ended { member: number, life, ended }));
            }
        });
        MemberProcess {
            node: node.build().id(),
            condition: Condition::Down,
            held_by: BTreeSet::new(),
            frozen_by: BTreeSet::new(),
            life: 0,
            started_ns: 0,
            restarts: Vec::new(),
            refused: false,
            disk_faults: BTreeMap::new(),
            next,
            stop: None,
            told_to_stop: None,
        }
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<Member, MemberProcess>> {
        self.0.members.lock().expect("no holder panics")
    }

    fn note(&self, member: Member, words: std::fmt::Arguments<'_>) {
        let environment = &self.0.environment;
        environment.trace.record(environment.now_ns(), Some(member), Kind::Process, words);
    }

    /// Starts a member's process if it is down and no fault keeps it so.
    pub fn boot(&self, number: Member) {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        if member.condition != Condition::Down || !member.held_by.is_empty() {
            return;
        }
        member.condition = Condition::Up;
        member.frozen_by.clear();
        member.life += 1;
        member.started_ns = self.0.environment.now_ns();
        self.0.observer.starts(number);
        let platform = self.0.environment.boot(number);
        let (stop, told) = oneshot::channel();
        member.stop = Some(stop);
        *member.next.lock().expect("no holder panics") =
            Some(Life { number: member.life, platform, stop: told });
        self.note(number, format_args!("starts (life {})", member.life));
        self.0.handle.restart(member.node);
    }

    /// Starts a member again after a while, unless something else did so or ended it for good.
    pub fn boot_after(&self, number: Member, delay: Duration) {
        let life = self.members()[&number].life;
        let cluster = self.clone();
        tokio::spawn(async move {
            TimeHandle::current().sleep(delay).await;
            let still = cluster.members()[&number].life == life;
            if still {
                cluster.boot(number);
            }
        });
    }

    /// The process dies; the page cache survives. False when it did not run. It stays down until
    /// the fault lets go of it ([`Cluster::release`]).
    pub fn kill(&self, number: Member, fault: FaultId) -> bool {
        let killed = self.end(number, |environment| environment.kill(number)).is_some();
        if killed {
            self.hold(number, fault);
        }
        killed
    }

    /// The process is killed if it runs, and stays down until the fault lets go of it. False when
    /// the member is down for good.
    pub fn take_down(&self, number: Member, fault: FaultId) -> bool {
        match self.down_already(number) {
            Condition::Up => return self.kill(number, fault),
            Condition::Down => self.hold(number, fault),
            Condition::Gone => return false,
        }
        true
    }

    /// The machine loses power, and the page cache also of a process that is down already: that
    /// one starts when the power is back, not before. `None` when it is down for good.
    pub fn power_loss(
        &self,
        fault: FaultId,
        number: Member,
        policy: PowerLoss,
    ) -> Option<PowerLossEffect> {
        let strike = |environment: &Environment| environment.power_loss(fault, number, policy);
        let effect = match self.down_already(number) {
            Condition::Up => self.end(number, strike),
            Condition::Down => Some(strike(&self.0.environment)),
            Condition::Gone => None,
        };
        if effect.is_some() {
            self.hold(number, fault);
        }
        effect
    }

    /// What a member's process does; a start that was planned for one that is down does nothing.
    fn down_already(&self, number: Member) -> Condition {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        // A new life: a start that was planned for the old one does nothing.
        member.life += u64::from(member.condition == Condition::Down);
        member.condition
    }

    fn hold(&self, number: Member, fault: FaultId) {
        let mut members = self.members();
        members.get_mut(&number).expect("a member of the plan").held_by.insert(fault);
    }

    /// A fault lets go of a member: it starts, unless another fault keeps it down.
    pub fn release(&self, number: Member, fault: FaultId) {
        let held = {
            let mut members = self.members();
            members.get_mut(&number).expect("a member of the plan").held_by.remove(&fault)
        };
        if held {
            self.boot(number);
        }
    }

    fn end<T>(&self, number: Member, fence: impl FnOnce(&Environment) -> T) -> Option<T> {
        let effect = self.fence(number, fence)?;
        let node = self.members()[&number].node;
        self.0.handle.kill(node);
        Some(effect)
    }

    /// Fences a running member with `fence`, from within its own poll as well; whoever calls this
    /// has its tasks dropped afterwards ([`Cluster::drop_tasks`]).
    pub fn fence<T>(&self, number: Member, fence: impl FnOnce(&Environment) -> T) -> Option<T> {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        if member.condition != Condition::Up {
            return None;
        }
        member.condition = Condition::Down;
        let effect = fence(&self.0.environment);
        self.note(number, format_args!("is ended (life {})", member.life));
        if !std::mem::take(&mut member.frozen_by).is_empty() {
            self.0.handle.resume(member.node);
        }
        Some(effect)
    }

    /// Has the supervisor drop the tasks of a fenced member and start it again after `down`.
    pub fn drop_tasks(&self, number: Member, down: Duration) {
        let life = self.members()[&number].life;
        drop(self.0.events.send(Event::Fenced { member: number, life, down }));
    }

    /// Tells a running process to stop. False when it does not run or was told already. It stays
    /// down until the fault lets go of it.
    pub fn stop(&self, number: Member, fault: FaultId) -> bool {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        let told = member.condition == Condition::Up
            && member.stop.take().is_some_and(|stop| stop.send(()).is_ok());
        if told {
            member.told_to_stop = Some(member.life);
            member.held_by.insert(fault);
            self.note(number, format_args!("is told to stop"));
        }
        told
    }

    /// Freezes a running process. False when it does not run.
    pub fn pause(&self, number: Member, fault: FaultId) -> bool {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        if member.condition != Condition::Up {
            return false;
        }
        if member.frozen_by.is_empty() {
            self.note(number, format_args!("is frozen"));
            self.0.handle.pause(member.node);
        }
        member.frozen_by.insert(fault);
        true
    }

    /// A fault thaws the process that it froze, unless another fault keeps it frozen.
    pub fn resume(&self, number: Member, fault: FaultId) {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        if member.frozen_by.remove(&fault) && member.frozen_by.is_empty() {
            self.note(number, format_args!("is thawed"));
            self.0.handle.resume(member.node);
        }
    }

    /// Members whose process runs, ascending.
    pub fn running(&self) -> Vec<Member> {
        self.in_condition(Condition::Up)
    }

    /// Members that are down for good, ascending.
    pub fn gone(&self) -> Vec<Member> {
        self.in_condition(Condition::Gone)
    }

    fn in_condition(&self, condition: Condition) -> Vec<Member> {
        let members = self.members();
        members.iter().filter(|(_, m)| m.condition == condition).map(|(n, _)| *n).collect()
    }

    /// When the current or last life of a member began (ns).
    pub fn started_ns(&self, number: Member) -> u64 {
        self.members()[&number].started_ns
    }

    /// Remembers that a disk fault strikes a member: it may explain why the member ends.
    pub fn disk_fault(&self, number: Member, fault: FaultId) {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        member.disk_faults.insert(fault, None);
    }

    /// A disk fault is healed: what it does no more explains no end of a later life.
    pub fn disk_healed(&self, fault: FaultId) {
        let now_ns = self.0.environment.now_ns();
        for member in self.members().values_mut() {
            if let Some(healed) = member.disk_faults.get_mut(&fault) {
                healed.get_or_insert(now_ns);
            }
        }
    }

    /// Thaws all, and starts all that are down, whatever keeps them so.
    pub fn raise_all(&self) {
        let numbers: Vec<Member> = self.members().keys().copied().collect();
        for number in numbers {
            {
                let mut members = self.members();
                let member = members.get_mut(&number).expect("a member of the plan");
                member.held_by.clear();
                if member.condition == Condition::Gone && !member.refused {
                    member.condition = Condition::Down;
                    member.restarts.clear();
                }
                if !std::mem::take(&mut member.frozen_by).is_empty() {
                    self.note(number, format_args!("is thawed"));
                    self.0.handle.resume(member.node);
                }
            }
            self.boot(number);
        }
    }

    /// Ends all members.
    pub fn end_all(&self) {
        for number in self.running() {
            self.end(number, |environment| environment.kill(number));
        }
    }

    /// The ends that no fault caused directly.
    pub fn exits(&self) -> Vec<Stop> {
        self.0.exits.lock().expect("no holder panics").clone()
    }
}

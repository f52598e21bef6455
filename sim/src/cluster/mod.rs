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
//!   [`STARTS_PER_MINUTE_MAX`] times a minute. A member that cannot trust its disk stays down.
//!
//! A paused member is resumed before it is killed: its tasks would otherwise be dropped in the
//! killer's context.

mod settings;
mod supervisor;

pub use settings::config;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use madsim::runtime::Handle;
use madsim::task::NodeId;
use madsim::time::TimeHandle;
use mettle_reports::timeline::Stop;
use mettle_scenarios::plan::Plan;
use mettle_server::platform::Platform;
use tokio::sync::mpsc;

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
    handle: Handle,
    streams: Streams,
    events: mpsc::UnboundedSender<Event>,
    members: Mutex<BTreeMap<Member, MemberProcess>>,
    exits: Mutex<Vec<Stop>>,
}

struct MemberProcess {
    node: NodeId,
    condition: Condition,
    paused: bool,
    /// Counts starts; names one life of the process.
    life: u64,
    started_ns: u64,
    /// When the supervisor started it again (ns).
    restarts: Vec<u64>,
    /// Disk faults that struck it.
    disk_faults: Vec<FaultId>,
    /// What the next life takes with it.
    platform: Arc<Mutex<Option<(u64, Platform)>>>,
}

/// What a member's process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs (perhaps paused).
    Up,
    /// It does not run, and will be started again.
    Down,
    /// It refused its own disk, or ended too often: it stays down.
    Gone,
}

impl Cluster {
    /// Starts all members of a plan.
    pub fn start(plan: &Plan, environment: Environment, observer: &Observer) -> Cluster {
        let (events, heard) = mpsc::unbounded_channel();
        let cluster = Cluster(Arc::new(Inner {
            streams: environment.streams,
            environment,
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
        let platform: Arc<Mutex<Option<(u64, Platform)>>> = Arc::default();
        let (slot, config, events) =
            (platform.clone(), config(plan, number), self.0.events.clone());
        let environment = self.0.environment.clone();
        let node = self.0.handle.create_node().name(format!("{number}")).init(move || {
            let taken = slot.lock().expect("no holder panics").take();
            let (config, events, environment) =
                (config.clone(), events.clone(), environment.clone());
            async move {
                // Nothing to run: this is the node's making, not a start.
                let Some((life, platform)) = taken else { return };
                let ended =
                    mettle_server::server::run(config, platform, std::future::pending()).await;
                environment.kill(number);
                drop(events.send(Event::Ended { member: number, life, ended }));
            }
        });
        MemberProcess {
            node: node.build().id(),
            condition: Condition::Down,
            paused: false,
            life: 0,
            started_ns: 0,
            restarts: Vec::new(),
            disk_faults: Vec::new(),
            platform,
        }
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<Member, MemberProcess>> {
        self.0.members.lock().expect("no holder panics")
    }

    fn note(&self, member: Member, words: std::fmt::Arguments<'_>) {
        let environment = &self.0.environment;
        environment.trace.record(environment.now_ns(), Some(member), Kind::Process, words);
    }

    /// Starts a member's process if it is down.
    pub fn boot(&self, number: Member) {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        if member.condition != Condition::Down {
            return;
        }
        member.condition = Condition::Up;
        member.paused = false;
        member.life += 1;
        member.started_ns = self.0.environment.now_ns();
        let platform = self.0.environment.boot(number);
        *member.platform.lock().expect("no holder panics") = Some((member.life, platform));
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

    /// The process dies; the page cache survives. False when it did not run.
    pub fn kill(&self, number: Member) -> bool {
        self.end(number, |environment| environment.kill(number)).is_some()
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
        let down = {
            let mut members = self.members();
            let member = members.get_mut(&number).expect("a member of the plan");
            // A new life: a start that was planned for the old one does nothing.
            member.life += u64::from(member.condition == Condition::Down);
            member.condition
        };
        match down {
            Condition::Up => self.end(number, strike),
            Condition::Down => Some(strike(&self.0.environment)),
            Condition::Gone => None,
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
        if std::mem::take(&mut member.paused) {
            self.0.handle.resume(member.node);
        }
        Some(effect)
    }

    /// Has the supervisor drop the tasks of a fenced member and start it again after `down`.
    pub fn drop_tasks(&self, number: Member, down: Duration) {
        let life = self.members()[&number].life;
        drop(self.0.events.send(Event::Fenced { member: number, life, down }));
    }

    /// Freezes a running process. False when it did not run or is frozen already.
    pub fn pause(&self, number: Member) -> bool {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        if member.condition != Condition::Up || member.paused {
            return false;
        }
        member.paused = true;
        self.note(number, format_args!("is frozen"));
        self.0.handle.pause(member.node);
        true
    }

    /// Thaws a frozen process, if it is still the one that was frozen.
    pub fn resume(&self, number: Member) {
        let mut members = self.members();
        let member = members.get_mut(&number).expect("a member of the plan");
        if std::mem::take(&mut member.paused) {
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
        members.get_mut(&number).expect("a member of the plan").disk_faults.push(fault);
    }

    /// Thaws all, and starts all that are down.
    pub fn raise_all(&self) {
        let numbers: Vec<Member> = self.members().keys().copied().collect();
        for number in numbers {
            self.resume(number);
            self.boot(number);
        }
    }

    /// Ends all members.
    pub fn end_all(&self) {
        for number in self.running() {
            self.kill(number);
        }
    }

    /// The ends that no fault caused directly.
    pub fn exits(&self) -> Vec<Stop> {
        self.0.exits.lock().expect("no holder panics").clone()
    }
}

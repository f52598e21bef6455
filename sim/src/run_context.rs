//! Everything that takes part in one run, in one place.

use std::sync::Arc;
use std::time::Duration;

use madsim::time::TimeHandle;
use mettle_scenarios::fault::Trigger;
use mettle_scenarios::plan::{Plan, PlannedFault};

use crate::atlas::Atlas;
use crate::client::{Client, Place};
use crate::cluster::Cluster;
use crate::effects::{Ledger, Span};
use crate::environment::Environment;
use crate::host::ClientNumber;
use crate::member::Member;
use crate::observe::{Happening, Observer};
use crate::recorder::Recorder;
use crate::target::{ClusterView, ResolvedTarget};
use crate::trace::Kind;

/// The run's parts; clones are handles to the same ones.
#[derive(Clone)]
pub struct RunContext {
    /// What to do.
    pub plan: Arc<Plan>,
    /// Network, disks, clocks, trace.
    pub environment: Environment,
    /// Hears the members.
    pub observer: Observer,
    /// The members.
    pub cluster: Cluster,
    /// The history.
    pub recorder: Recorder,
    /// What became of the faults.
    pub ledger: Ledger,
    /// Whose copies are damaged.
    pub atlas: Atlas,
}

impl RunContext {
    /// Waits until a moment of true time (ns), at most to the end of the plan's duration.
    pub async fn sleep_until(&self, at_ns: u64) {
        let at_ns = at_ns.min(self.plan.duration_ns);
        let now_ns = self.environment.now_ns();
        if at_ns > now_ns {
            self.sleep(Duration::from_nanos(at_ns - now_ns)).await;
        }
    }

    /// Waits in true time, at least 1 ms.
    pub async fn sleep(&self, duration: Duration) {
        TimeHandle::current().sleep(duration).await;
    }

    /// Leaves a line in the trace.
    pub fn note(&self, kind: Kind, words: std::fmt::Arguments<'_>) {
        self.environment.trace.record(self.environment.now_ns(), None, kind, words);
    }

    /// The members at this moment.
    pub fn view(&self) -> ClusterView {
        ClusterView {
            streams: self.environment.streams,
            members: Member::all(self.plan.members).collect(),
            running: self.cluster.running(),
            leader: self.observer.leader(),
            struck: Vec::new(),
        }
    }

    /// A fault happens now.
    pub fn fault_begins(&self, planned: &PlannedFault, resolved: &ResolvedTarget) -> Span {
        let (id, name) = (planned.id, planned.fault.word());
        self.note(Kind::Fault, format_args!("{id} {name} begins: {resolved}"));
        let span = self.ledger.fired(planned, resolved, self.environment.now_ns());
        self.observer.happened(&Happening::Began(id));
        if let Some(name) = &planned.name {
            self.observer.happened(&Happening::Trigger(Trigger::Fault(name.clone())));
        }
        span
    }

    /// A fault is undone.
    pub fn fault_ends(&self, planned: &PlannedFault, span: Span) {
        let (id, name) = (planned.id, planned.fault.word());
        self.note(Kind::Fault, format_args!("{id} {name} ends"));
        self.ledger.healed(span, self.environment.now_ns());
        self.observer.happened(&Happening::Ended(id));
    }

    /// A client on a host of its own.
    pub fn client(&self, number: ClientNumber) -> Client {
        let platform = self.environment.client_platform(number);
        let environment = self.environment.clone();
        let place = Place {
            net: platform.net,
            clock: platform.clock,
            now_ns: Arc::new(move || environment.now_ns()),
            trace: self.environment.trace.clone(),
        };
        Client::new(place, number, self.plan.members, self.recorder.clone())
    }
}

//! The thread of a run: runtime, stages, and the outcome.

use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use madsim::runtime::{Handle, Runtime};
use mettle_reports::timeline::Timeline;
use mettle_scenarios::Plan;
use mettle_scenarios::settings::{DiskSettings, NetworkSettings};
use rand::RngCore;

use super::clients;
use crate::atlas::Atlas;
use crate::cluster::Cluster;
use crate::converge;
use crate::disk::DiskConfig;
use crate::effects::Ledger;
use crate::environment::{Environment, EnvironmentConfig};
use crate::error::HarnessError;
use crate::fault;
use crate::host::ClientNumber;
use crate::member::Member;
use crate::net::NetConfig;
use crate::observe::Observer;
use crate::outcome::{Convergence, EventHash, Outcome, Panic, Violation};
use crate::recorder::{Breach, Recorder};
use crate::run_context::RunContext;
use crate::stream::Streams;
use crate::trace::Trace;

/// More events than this are a run that makes no progress.
const EVENTS_MAX: u64 = 50_000_000;
const SECOND: Duration = Duration::from_secs(1);
/// Threads of runs have this name; only their panics are recorded.
const THREAD: &str = "world";

/// How to run a plan; nothing here may change what happens in the run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Show the server's log on standard error.
    pub verbose: bool,
    /// Where events go; whoever gives it can read the latest lines while the run goes on.
    pub trace: Trace,
}

/// What outlives a panic.
#[derive(Clone, Default)]
struct Collected {
    run: Arc<OnceLock<RunContext>>,
    panic: Arc<Mutex<Option<Panic>>>,
    end: Arc<Mutex<Conclusion>>,
}

#[derive(Default)]
struct Conclusion {
    convergence: Convergence,
    sim_ns: u64,
    harness: Option<HarnessError>,
}

/// Runs a plan. Once in a process: the server's hook can be set only once.
pub fn run(plan: &Plan, options: RunOptions) -> Outcome {
    if options.verbose {
        let log = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(tracing::Level::DEBUG)
            .without_time()
            .with_ansi(false);
        // Another subscriber set before this one stays.
        drop(log.try_init());
    }
    let collected = Collected::default();
    let trace = options.trace;
    hear_panics(collected.clone());
    #[allow(clippy::disallowed_methods, reason = "the one thread that all simulated tasks share")]
    let thread = {
        let (plan, collected, trace) = (Arc::new(plan.clone()), collected.clone(), trace.clone());
        std::thread::Builder::new()
            .name(THREAD.to_owned())
            .stack_size(16 << 20)
            .spawn(move || simulate(plan, &collected, trace))
    };
    let ended = thread.expect("a thread can be started").join();
    drop(std::panic::take_hook());
    let mut outcome = outcome(plan, &collected, &trace);
    if ended.is_err() && outcome.panic.is_none() {
        outcome.harness = Some(HarnessError::PanicOutside);
    }
    outcome
}

fn simulate(plan: Arc<Plan>, collected: &Collected, trace: Trace) {
    let seed = Streams::new(plan.seed).open("runtime", 0, 0).next_u64();
    let runtime = Runtime::with_seed_and_config(seed, madsim::Config::default());
    // A panic leaves tasks behind whose drop would run outside of any member, so nothing is dropped.
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(stages(plan, collected.clone(), trace));
    }));
    std::mem::forget(runtime);
    if ended.is_err() {
        let mut end = collected.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(panic) = &*collected.panic.lock().unwrap_or_else(PoisonError::into_inner) {
            end.sim_ns = panic.at_ns;
        }
    }
}

async fn stages(plan: Arc<Plan>, collected: Collected, trace: Trace) {
    let config = EnvironmentConfig { net: net_config(&plan), disk: disk_config(&plan) };
    let environment = Environment::new(plan.seed, config, trace);
    let observer = Observer::new(environment.clone(), &plan);
    let cluster = Cluster::start(&plan, environment.clone(), &observer);
    let (recorder, ledger) = (Recorder::default(), Ledger::default());
    let atlas = Atlas::new(plan.members, plan.unrestricted);
    let run = RunContext { plan, environment, observer, cluster, recorder, ledger, atlas };
    drop(collected.run.set(run.clone()));
    let node = Handle::current().create_node().name("clients").build();
    let watch = tokio::spawn(housekeeping(run.clone(), collected.clone()));
    let mut tasks = clients::start(&run, &node);
    for planned in run.plan.faults.clone() {
        tasks.push(tokio::spawn(fault::run(run.clone(), planned)));
    }
    for task in tasks {
        task.await.expect("a task of a run is not cancelled");
    }
    run.cluster.raise_all();
    let client = run.client(ClientNumber::CONVERGER);
    let asked = node.spawn({
        let run = run.clone();
        async move { converge::run(&run, client).await }
    });
    let convergence = asked.await.expect("the converge phase is not cancelled");
    watch.abort();
    {
        let mut end = collected.end.lock().expect("no holder panics");
        end.convergence = convergence;
        end.sim_ns = run.environment.now_ns();
    }
    run.cluster.end_all();
    Handle::current().kill(node.id());
    // The executor drops what the ended nodes left.
    run.sleep(Duration::from_millis(1)).await;
}

/// Once a second: forgets finished tasks, looks at the event budget.
async fn housekeeping(run: RunContext, collected: Collected) {
    loop {
        run.sleep(SECOND).await;
        let _ = Handle::current().metrics().num_tasks();
        let trace = &run.environment.trace;
        if trace.events() > EVENTS_MAX {
            let mut end = collected.end.lock().expect("no holder panics");
            end.harness = Some(HarnessError::NoProgress { events: EVENTS_MAX });
            drop(end);
            panic!("event budget spent");
        }
    }
}

/// Records the first panic on a run's thread, with the member in whose code it happened.
fn hear_panics(collected: Collected) {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // redb panics on some damaged pages; the store makes an error of it and the member stops.
        let in_redb = panic.location().is_some_and(|at| at.file().contains("/redb-"));
        if in_redb && mettle_server::mvcc::panics_are_caught() {
            return;
        }
        shown(panic);
        if std::thread::current().name() == Some(THREAD) {
            let heard = heard(panic, collected.run.get());
            let mut first = collected.panic.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(heard);
        }
    }));
}

fn heard(panic: &PanicHookInfo<'_>, run: Option<&RunContext>) -> Panic {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    // The executor itself panics outside of any task, where nobody can be asked for.
    let in_task = !location.contains("/madsim-");
    let member =
        run.filter(|_| in_task).and_then(|run| run.observer.member_on(madsim::plugin::node()));
    Panic { at_ns: run.map_or(0, |run| run.environment.now_ns()), member, message, location }
}

fn outcome(plan: &Plan, collected: &Collected, trace: &Trace) -> Outcome {
    let mut end = collected.end.lock().unwrap_or_else(PoisonError::into_inner);
    let panic = collected.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut outcome = Outcome {
        panic,
        convergence: std::mem::take(&mut end.convergence),
        timeline: Timeline { end_ns: end.sim_ns, ..Timeline::default() },
        harness: end.harness.take(),
        ..Outcome::default()
    };
    outcome.hash = EventHash {
        global: trace.hash(),
        members: Member::all(plan.members).map(|m| (m, trace.member_hash(m))).collect(),
    };
    if let Some(run) = collected.run.get() {
        outcome.probes = run.observer.probes();
        outcome.faults = run.ledger.counts(&plan.faults, &run.recorder, &run.environment.disk);
        outcome.timeline.faults = run.ledger.spans();
        (outcome.timeline.leaders, outcome.violations) = run.observer.take_rules().take();
        outcome.operations = run.recorder.operations();
        outcome.traffic = run.recorder.traffic();
        let breaches = run.recorder.take_breaches().into_iter();
        outcome.violations.extend(breaches.map(|Breach { rule, reason, at_ns }| Violation {
            rule,
            reason,
            at_ns,
        }));
        outcome.timeline.stops = run.cluster.exits();
        outcome.calls = run.recorder.calls();
        outcome.records = run.recorder.take();
    }
    outcome.trace = trace.take_lines();
    outcome
}

fn net_config(plan: &Plan) -> NetConfig {
    let NetworkSettings { latency, segment_bytes, tail_lost_permille } = plan.network;
    NetConfig {
        latency: latency.into(),
        segment: if segment_bytes == 0 { usize::MAX } else { segment_bytes as usize },
        tail_lost_ppm: tail_lost_permille * 1000,
        ..NetConfig::default()
    }
}

fn disk_config(plan: &Plan) -> DiskConfig {
    let DiskSettings { read, write, sync, mib_ns, record_ns, unsynced: _ } = plan.disk;
    let (read, write, sync) = (read.into(), write.into(), sync.into());
    DiskConfig { read, write, sync, mib_ns, record_ns, ..DiskConfig::default() }
}

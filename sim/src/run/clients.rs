//! The clients of a run as tasks: traffic, watchers that come and go, evidence watchers, the compactor.

use madsim::runtime::NodeHandle;
use madsim::task::JoinHandle;
use mettle_checker::history::{Blob, CompactRequest, Outcome, Request, WatchCreateRequest};

use super::choices::{LastWatch, another, begin, compact_revision, drawn};
use crate::client::{Client, Heard, Listen, WatchOver};
use crate::host::FIRST_CLIENT;
use crate::member::Member;
use crate::recorder::CallResult;
use crate::run_context::RunContext;
use crate::traffic::{Generator, Seen, Watcher};

/// Host numbers of the parts, apart from each other and from the traffic clients (from 1).
const FIRST_WATCHER: u8 = 100;
const FIRST_EVIDENCE: u8 = 200;
const COMPACTOR: u8 = 250;
/// The client of the converge phase.
pub(super) const CONVERGER: u8 = 251;

const MILLISECOND_NS: u64 = 1_000_000;

/// Starts all clients on `node`; those given back end by themselves when the duration is over.
pub(super) fn start(run: &RunContext, node: &NodeHandle) -> Vec<JoinHandle<()>> {
    let traffic = &run.plan.traffic;
    let mut tasks = Vec::new();
    for number in 0..traffic.clients as u8 {
        tasks.push(node.spawn(operate(run.clone(), FIRST_CLIENT + number)));
    }
    for number in 0..traffic.watchers as u8 {
        tasks.push(node.spawn(watch(run.clone(), number)));
    }
    if traffic.compact_every_ns > 0 {
        tasks.push(node.spawn(compact(run.clone())));
    }
    if traffic.evidence {
        for member in Member::all(run.plan.members) {
            node.spawn(evidence(run.clone(), member));
        }
    }
    tasks
}

/// A client of the traffic: calls operations one by one.
async fn operate(run: RunContext, number: u8) {
    let mut client = run.client(number);
    let streams = run.environment.streams;
    let traffic = &run.plan.traffic;
    let mut generator = Generator::new(streams, number.into(), traffic);
    let mut seen = Seen::default();
    let members = run.plan.members;
    let mut moves = streams.open("traffic-member", number.into(), 0);
    let mut member = drawn(members, &mut moves);
    loop {
        seen.hear_compacted(run.recorder.compacted());
        let (pause_ns, request) = generator.next_operation(&seen);
        client.pause(pause_ns).await;
        if run.environment.now_ns() >= run.plan.duration_ns {
            return;
        }
        let called = client.call(member, request, traffic.deadline_ns).await;
        match &called.ending {
            CallResult::Answered(response) => seen.hear(response),
            CallResult::Refused(_) if called.outcome == Outcome::Fail => {}
            CallResult::NeverSent(_) | CallResult::Refused(_) => {
                member = another(member, members, &mut moves);
                client.pause(moves.between(10, 100) * MILLISECOND_NS).await;
            }
        }
    }
}

/// One watcher that comes and goes.
async fn watch(run: RunContext, number: u8) {
    let mut client = run.client(FIRST_WATCHER + number);
    let traffic = &run.plan.traffic;
    let mut watcher =
        Watcher::new(run.environment.streams, number.into(), traffic, run.plan.members);
    let mut last: Option<LastWatch> = None;
    while run.environment.now_ns() < run.plan.duration_ns {
        let plan = watcher.next_watch();
        let (request, member) = begin(&run.recorder, run.plan.members, &plan, last.take());
        let now_ns = run.environment.now_ns();
        let listen = Listen {
            member,
            request: request.clone(),
            until_ns: (now_ns + plan.listen_ns).min(run.plan.duration_ns),
            progress_ns: plan.progress_ns.iter().map(|after_ns| now_ns + after_ns).collect(),
            cancel: plan.cancel,
            deadline_ns: traffic.deadline_ns,
        };
        let heard = client.listen(listen, |_| {}).await;
        last = Some((request, heard, member));
        client.pause(50 * MILLISECOND_NS).await;
    }
    // Nobody waits for this: like evidence, it goes on while the cluster converges.
    tokio::spawn(stay(run, client, watcher, last));
}

/// After the traffic a watcher moves on no more: what it is owed must come.
async fn stay(
    run: RunContext,
    mut client: Client,
    mut watcher: Watcher,
    mut last: Option<LastWatch>,
) {
    let until_ns = run.plan.duration_ns + run.plan.converge_ns;
    while run.environment.now_ns() < until_ns {
        let (request, member) =
            begin(&run.recorder, run.plan.members, &watcher.next_watch(), last.take());
        let listen = Listen {
            member,
            request: request.clone(),
            until_ns,
            progress_ns: Vec::new(),
            cancel: false,
            deadline_ns: run.plan.traffic.deadline_ns,
        };
        let heard = client.listen(listen, |_| {}).await;
        last = Some((request, heard, member));
        client.pause(50 * MILLISECOND_NS).await;
    }
}

/// Watches every key at one member to the end of the run: evidence of all that was written.
async fn evidence(run: RunContext, member: Member) {
    let mut client = run.client(FIRST_EVIDENCE + member.number());
    let until_ns = run.plan.duration_ns + run.plan.converge_ns;
    let mut next = 1;
    while run.environment.now_ns() < until_ns {
        let everything = Blob::from(&[0u8]);
        let request = WatchCreateRequest {
            key: everything.clone(),
            range_end: everything,
            start_revision: next,
            progress_notify: true,
            prev_kv: true,
            ..WatchCreateRequest::default()
        };
        let listen = Listen {
            member,
            request,
            until_ns,
            progress_ns: Vec::new(),
            cancel: false,
            deadline_ns: run.plan.traffic.deadline_ns,
        };
        let recorder = run.recorder.clone();
        let delivered = move |heard: &Heard| recorder.delivered(member, heard.revision);
        let heard = client.listen(listen, delivered).await;
        next = next.max(heard.revision + 1);
        if let WatchOver::Canceled(compacted) = heard.over {
            next = next.max(compacted);
        }
        client.pause(100 * MILLISECOND_NS).await;
    }
}

/// Compacts from time to time, as far as the plan allows.
async fn compact(run: RunContext) {
    let mut client = run.client(COMPACTOR);
    let traffic = &run.plan.traffic;
    for ordinal in 0.. {
        let mut stream = run.environment.streams.open("traffic-compact", 0, ordinal);
        client.pause(traffic.compact_every_ns / 2 + stream.below(traffic.compact_every_ns)).await;
        if run.environment.now_ns() >= run.plan.duration_ns {
            return;
        }
        let member = drawn(run.plan.members, &mut stream);
        let Some(revision) = compact_revision(&run.recorder, &run.plan, &mut stream) else {
            continue;
        };
        let physical = stream.below(2) == 0;
        let request = Request::Compact(CompactRequest { revision, physical });
        client.call(member, request, traffic.deadline_ns).await;
    }
}

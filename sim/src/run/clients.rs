//! The clients of a run as tasks; of these the evidence watchers and the compactor are here.

use madsim::runtime::NodeHandle;
use madsim::task::JoinHandle;
use mettle_checker::history::{Blob, CompactRequest, Request, WatchCreateRequest};

use super::choices::{compact_revision, drawn};
use super::operate::operate;
use super::questions::ask;
use super::watchers::watch;
use crate::client::{Heard, Listen, WatchOver};
use crate::host::ClientNumber;
use crate::member::Member;
use crate::run_context::RunContext;

const MILLISECOND_NS: u64 = 1_000_000;

/// Starts all clients on `node`; those given back end by themselves when the duration is over.
pub(super) fn start(run: &RunContext, node: &NodeHandle) -> Vec<JoinHandle<()>> {
    let traffic = &run.plan.traffic;
    let mut tasks = Vec::new();
    for number in 1..=traffic.clients as u16 {
        tasks.push(node.spawn(operate(run.clone(), ClientNumber::traffic(number))));
    }
    for number in 0..traffic.watchers as u16 {
        tasks.push(node.spawn(watch(run.clone(), number)));
    }
    if traffic.compact_every_ns > 0 {
        tasks.push(node.spawn(compact(run.clone())));
    }
    if traffic.calls.questions > 0 {
        tasks.push(node.spawn(ask(run.clone())));
    }
    if traffic.evidence {
        for member in Member::all(run.plan.members) {
            node.spawn(evidence(run.clone(), member));
        }
    }
    tasks
}

/// Watches every key at one member to the end of the run: evidence of all that was written.
async fn evidence(run: RunContext, member: Member) {
    let mut client = run.client(ClientNumber::evidence(member));
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
            requests: vec![request],
            acts: Vec::new(),
            until_ns,
            cancel: false,
            deadline_ns: run.plan.traffic.deadline_ns,
        };
        let recorder = run.recorder.clone();
        let delivered = move |heard: &[Heard]| recorder.delivered(member, heard[0].revision);
        let heard = client.listen(listen, delivered).await[0];
        next = next.max(heard.revision + 1);
        if let WatchOver::Canceled(compacted) = heard.over {
            next = next.max(compacted);
        }
        client.pause(100 * MILLISECOND_NS).await;
    }
}

/// Compacts from time to time, as far as the plan allows.
async fn compact(run: RunContext) {
    let mut client = run.client(ClientNumber::COMPACTOR);
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

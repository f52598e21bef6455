//! Watchers that come and go: one after another on one client, and several on one stream.

use super::choices::{LastWatch, Opening, Watched, begin};
use crate::client::{Act, Client, Listen, TimedAct};
use crate::host::ClientNumber;
use crate::run_context::RunContext;
use crate::traffic::{WatchPlan, Watcher};

/// Between two streams (ns).
const PAUSE_NS: u64 = 50_000_000;

/// One client that watches until the traffic is over, and then stays.
pub(super) async fn watch(run: RunContext, number: u16) {
    let mut client = run.client(ClientNumber::watcher(number));
    let traffic = &run.plan.traffic;
    let mut watcher =
        Watcher::new(run.environment.streams, number.into(), traffic, run.plan.members);
    let mut last: Option<LastWatch> = None;
    while run.environment.now_ns() < run.plan.duration_ns {
        let plan = watcher.next_watch();
        let opening = begin(&run.recorder, run.plan.members, &plan, last.take());
        let now_ns = run.environment.now_ns();
        let stream = Stream {
            acts: acts(&plan, &opening, now_ns),
            opening,
            until_ns: (now_ns + plan.listen_ns).min(run.plan.duration_ns),
            cancel: plan.cancel,
        };
        last = Some(stream.listen(&run, &mut client).await);
        client.pause(PAUSE_NS).await;
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
        let plan = watcher.next_watch();
        let mut opening = begin(&run.recorder, run.plan.members, &plan, last.take());
        opening.requests.retain(|asked| asked.after_ns == 0);
        let stream = Stream { opening, acts: Vec::new(), until_ns, cancel: false };
        last = Some(stream.listen(&run, &mut client).await);
        client.pause(PAUSE_NS).await;
    }
}

/// What a plan does on a stream that opens now, in the order of time.
fn acts(plan: &WatchPlan, opening: &Opening, now_ns: u64) -> Vec<TimedAct> {
    let timed = |after_ns: u64, act| TimedAct { at_ns: now_ns + after_ns, act };
    let mut acts: Vec<TimedAct> =
        plan.progress_ns.iter().map(|after_ns| timed(*after_ns, Act::Progress)).collect();
    acts.extend(plan.stops_reading.map(|stop| timed(stop.after_ns, Act::StopReading(stop.for_ns))));
    for (place, asked) in opening.order().into_iter().enumerate() {
        if asked.after_ns > 0 {
            acts.push(timed(asked.after_ns, Act::Watch(asked.request.clone())));
        }
        acts.extend(asked.cancel_after_ns.map(|after_ns| timed(after_ns, Act::Cancel(place))));
    }
    acts.sort_by_key(|timed| timed.at_ns);
    acts
}

/// One stream, from its opening to its end.
struct Stream {
    opening: Opening,
    acts: Vec<TimedAct>,
    until_ns: u64,
    cancel: bool,
}

impl Stream {
    async fn listen(self, run: &RunContext, client: &mut Client) -> LastWatch {
        let Stream { opening, acts, until_ns, cancel } = self;
        let order = opening.order();
        let at_once = order.iter().filter(|asked| asked.after_ns == 0);
        let listen = Listen {
            member: opening.member,
            requests: at_once.map(|asked| asked.request.clone()).collect(),
            acts,
            until_ns,
            cancel,
            deadline_ns: run.plan.traffic.deadline_ns,
        };
        let heard = client.listen(listen, |_| {}).await;
        // Those whose time had not come were never asked for.
        let watched = order
            .iter()
            .zip(heard)
            .map(|(asked, heard)| Watched { request: asked.request.clone(), heard })
            .collect();
        LastWatch { watched, member: opening.member }
    }
}

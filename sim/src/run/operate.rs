//! A client of the traffic: one connection, and as many lanes on it as the plan says.
//!
//! A lane is a sequential process of the history: it calls one operation at a time. In a closed loop
//! each lane calls again as soon as it was answered and has paused. In an open loop an operation
//! starts when its time has come, whatever is still in flight, on the first lane that is free.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use mettle_checker::history::Outcome;
use tokio::sync::mpsc;

use super::choices::{another, drawn};
use super::deeds;
use crate::client::Client;
use crate::host::ClientNumber;
use crate::member::Member;
use crate::recorder::{CallResult, Count};
use crate::run_context::RunContext;
use crate::stream::Stream;
use crate::traffic::{Generator, LaneNumber, Operation, Seen};

/// Operations of one client that an open loop has in flight at most.
const MOST_IN_FLIGHT: u16 = 256;

const MILLISECOND_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1000 * MILLISECOND_NS;

/// Runs a client until the traffic is over and every one of its calls has ended.
pub(super) async fn operate(run: RunContext, number: ClientNumber) {
    let client = run.client(number);
    let mut moves = run.environment.streams.open("traffic-member", number.get().into(), 0);
    let member = drawn(run.plan.members, &mut moves);
    let shared = Shared { member, moves, seen: Seen::default() };
    let crew = Crew { run, number, shared: Arc::new(Mutex::new(shared)) };
    if crew.run.plan.traffic.rate > 0 { crew.open(client).await } else { crew.closed(client).await }
}

/// What the lanes of a client have in common.
struct Shared {
    /// All call this one.
    member: Member,
    moves: Stream,
    seen: Seen,
}

/// The lanes of a client.
#[derive(Clone)]
struct Crew {
    run: RunContext,
    number: ClientNumber,
    shared: Arc<Mutex<Shared>>,
}

/// One lane.
struct Lane {
    crew: Crew,
    client: Client,
    generator: Generator,
}

impl Crew {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no holder panics")
    }

    fn over(&self) -> bool {
        self.run.environment.now_ns() >= self.run.plan.duration_ns
    }

    fn lane(&self, client: Client, lane: u16) -> Lane {
        let name = LaneNumber { client: self.number, lane };
        let generator = Generator::new(self.run.environment.streams, name, &self.run.plan.traffic);
        Lane { crew: self.clone(), client, generator }
    }

    /// Every lane calls again and again.
    async fn closed(&self, client: Client) {
        let others = (1..self.run.plan.traffic.depth as u16).map(|lane| (lane, client.beside()));
        let others: Vec<_> = others
            .map(|(number, client)| tokio::spawn(self.lane(client, number).again_and_again()))
            .collect();
        self.lane(client, 0).again_and_again().await;
        for lane in others {
            lane.await.expect("a lane is not cancelled");
        }
    }

    /// Operations start at their times. One for which no lane is free is skipped, and counted.
    async fn open(&self, client: Client) {
        let gap_ns = SECOND_NS / self.run.plan.traffic.rate;
        let streams = self.run.environment.streams;
        let mut starts = streams.open("traffic-start", self.number.get().into(), 0);
        let free: Arc<Mutex<BTreeSet<u16>>> = Arc::default();
        let (mut orders, mut lanes) = (Vec::new(), Vec::new());
        let mut next_ns = self.run.environment.now_ns();
        loop {
            next_ns += starts.below(2 * gap_ns + 1);
            let now_ns = self.run.environment.now_ns();
            if next_ns > now_ns {
                client.pause(next_ns - now_ns).await;
            }
            if self.over() {
                break;
            }
            let first = free.lock().expect("no holder panics").pop_first();
            let Some(number) = first.or_else(|| {
                let next = orders.len() as u16;
                let (order, heard) = mpsc::channel(1);
                (next < MOST_IN_FLIGHT).then(|| {
                    let lane = self.lane(client.beside(), next);
                    lanes.push(tokio::spawn(lane.on_order(next, heard, free.clone())));
                    orders.push(order);
                    next
                })
            }) else {
                self.run.recorder.count(Count::StartsSkipped);
                continue;
            };
            orders[usize::from(number)].try_send(()).expect("a free lane has no order");
        }
        drop(orders);
        for lane in lanes {
            lane.await.expect("a lane is not cancelled");
        }
    }
}

impl Lane {
    async fn again_and_again(mut self) {
        loop {
            let operation = self.next_operation();
            if operation.pause_ns > 0 {
                self.client.pause(operation.pause_ns).await;
            }
            if self.crew.over() {
                return;
            }
            self.call(operation).await;
        }
    }

    async fn on_order(
        mut self,
        number: u16,
        mut heard: mpsc::Receiver<()>,
        free: Arc<Mutex<BTreeSet<u16>>>,
    ) {
        while heard.recv().await.is_some() {
            let operation = self.next_operation();
            self.call(operation).await;
            free.lock().expect("no holder panics").insert(number);
        }
    }

    fn next_operation(&mut self) -> Operation {
        let mut shared = self.crew.shared();
        shared.seen.hear_compacted(self.crew.run.recorder.compacted());
        self.generator.next_operation(&shared.seen)
    }

    /// Calls once. After a failure that says nothing of the request, and that the client did not
    /// bring about, it goes to another member, unless another lane has taken it there already.
    async fn call(&mut self, operation: Operation) {
        let member = self.crew.shared().member;
        let Operation { request, patience, .. } = &operation;
        let called = self.client.call_for(member, request.clone(), *patience).await;
        let run = &self.crew.run;
        deeds::count(&run.recorder, run.environment.now_ns(), &operation, &called);
        let own_doing = patience.hurried || patience.abandoned_ns.is_some();
        match &called.ending {
            CallResult::Answered(response) => {
                self.generator.hear(&operation, response);
                self.crew.shared().seen.hear(response);
            }
            CallResult::Refused(_) if called.outcome == Outcome::Fail || own_doing => {}
            CallResult::NeverSent(_) | CallResult::Refused(_) => {
                let pause_ms = self.move_on(member);
                self.client.pause(pause_ms * MILLISECOND_NS).await;
            }
        }
    }

    /// Leaves `member`; answers how long to wait before the next call (ms).
    fn move_on(&self, member: Member) -> u64 {
        let mut shared = self.crew.shared();
        if shared.member == member {
            shared.member = another(member, self.crew.run.plan.members, &mut shared.moves);
        }
        shared.moves.between(10, 100)
    }
}

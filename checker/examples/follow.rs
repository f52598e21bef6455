//! How long it takes, and how much memory, to follow a long recording: a made one that is never
//! whole in memory. `cargo run --release -p mettle-checker --example follow -- [OPERATIONS]
//! [leases] [whole|made]`; with `leases` some of it is done with leases, which are renewed, revoked
//! or expire; with `whole` it is gathered first, and judged as a file is; with `made` it is only made.
#![allow(clippy::print_stdout, reason = "a table for people")]

use std::collections::BTreeMap;

use mettle_checker::follow::{FollowOptions, Follower};
use mettle_checker::history::{
    Blob, DeleteRangeRequest, ErrorAnswer, Event, EventType, Header, History, LeaseGrantRequest,
    LeaseGrantResponse, LeaseKeepAliveResponse, LeaseRequest, OnStream, Origin, PutRequest,
    RangeRequest, Record, Request, Response, WatchCreateRequest, WatchResponse,
};
use mettle_checker::model::Store;
use mettle_checker::{Options, Report, check};

const PROCESSES: u64 = 20;
const KEYS: u64 = 1_000;
/// Operation i takes effect at this times i.
const STEP: u64 = 10;
/// The most that its call comes before, and its return after; less than half a process's turn.
const REACH: u64 = 90;
/// So many nanoseconds are one unit of time where there are leases: an operation takes a millisecond.
const SCALE: u64 = 100_000;
const TTL: i64 = 2;
/// In units.
const LIFE: u64 = TTL as u64 * 1_000_000_000 / SCALE;

/// The recording of a store that does one thing after another, in the order in which it is written.
struct Recording {
    store: Store,
    dice: u64,
    operations: u64,
    done: u64,
    ids: u64,
    fresh: u64,
    processes: Vec<u64>,
    /// By when they are written, and their id.
    pending: BTreeMap<(u64, u64), Record>,
    scale: u64,
    /// When each lease ends.
    alive: BTreeMap<i64, u64>,
    granted: i64,
}

impl Recording {
    fn new(operations: u64, leases: bool) -> Self {
        let mut recording = Recording {
            store: Store::default(),
            dice: 7,
            operations,
            done: 10,
            ids: 0,
            fresh: PROCESSES,
            processes: (0..PROCESSES).collect(),
            pending: BTreeMap::new(),
            scale: if leases { SCALE } else { 1 },
            alive: BTreeMap::new(),
            granted: 0,
        };
        let everything = Blob::from("\0");
        let watch = WatchCreateRequest {
            stream: 1,
            key: everything.clone(),
            range_end: everything,
            start_revision: 1,
            prev_kv: true,
            ..WatchCreateRequest::default()
        };
        let create = Record::sent(recording.id(), u64::MAX, 1, 1, Request::WatchCreate(watch));
        recording.pending.insert((1, create.id), create);
        recording.heard(2, WatchResponse { created: true, ..WatchResponse::default() });
        recording
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
        (self.dice >> 33) % bound
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    fn header(&self) -> Header {
        Header { revision: self.store.revision(), ..Header::default() }
    }

    fn heard(&mut self, at: u64, response: WatchResponse) {
        let (id, header) = (self.id(), self.header());
        let response = WatchResponse { header, ..response };
        let record = Record::watch_response(
            OnStream { id, process: u64::MAX, member: 1, at_ns: at, stream: 1 },
            response,
        );
        self.pending.insert((at, id), record);
    }

    fn request(&mut self) -> Request {
        if self.scale > 1 {
            let kind = self.below(100);
            let place = self.below(self.alive.len().max(1) as u64) as usize;
            match (kind, self.alive.keys().nth(place).copied()) {
                (0..2, _) => {
                    self.granted += 1;
                    let (id, ttl) = (self.granted, TTL);
                    return Request::LeaseGrant(LeaseGrantRequest { id, ttl });
                }
                (2..4, Some(id)) => return Request::LeaseKeepAlive(LeaseRequest { id }),
                (4, Some(id)) => return Request::LeaseRevoke(LeaseRequest { id }),
                (5..20, Some(lease)) => {
                    let key = Blob::from(format!("/key/{}", self.below(KEYS)));
                    let value = Blob::from(format!("value {}", self.done));
                    return Request::Put(PutRequest { key, value, lease, ..PutRequest::default() });
                }
                _ => {}
            }
        }
        let key = Blob::from(format!("/key/{}", self.below(KEYS)));
        match self.below(20) {
            0..9 => Request::Range(RangeRequest { key, ..RangeRequest::default() }),
            9 => Request::DeleteRange(DeleteRangeRequest { key, ..DeleteRangeRequest::default() }),
            _ => {
                let value = Blob::from(format!("value {}", self.done));
                Request::Put(PutRequest { key, value, ..PutRequest::default() })
            }
        }
    }

    /// Does what was asked.
    fn execute(&mut self, request: &Request, at: u64) -> Response {
        let answer = match request {
            Request::LeaseKeepAlive(lease) => {
                self.alive.insert(lease.id, at + LIFE);
                let answer = LeaseKeepAliveResponse { header: None, id: lease.id, ttl: TTL };
                return Response::LeaseKeepAlive(answer);
            }
            Request::LeaseGrant(lease) => {
                self.alive.insert(lease.id, at + LIFE);
                let (id, ttl) = (lease.id, lease.ttl);
                return Response::LeaseGrant(LeaseGrantResponse { header: None, id, ttl });
            }
            request => self.store.execute(request).expect("nothing is refused"),
        };
        if let Request::LeaseRevoke(lease) = request {
            self.alive.remove(&lease.id);
        }
        answer
    }

    /// Tells the watcher what was done after a revision.
    fn tell(&mut self, before: i64, at: u64) {
        if self.store.revision() == before {
            return;
        }
        let changes = self.store.changes(before + 1);
        let events = changes.map(|change| Event {
            kind: if change.now.is_deletion() { EventType::Delete } else { EventType::Put },
            kv: change.kv(),
            prev_kv: change.prev_kv(),
            is_create: None,
        });
        let events = events.collect();
        self.heard(at + 50, WatchResponse { events, ..WatchResponse::default() });
        self.store.forget(before);
    }

    /// Ends what nobody renewed.
    fn expire(&mut self, at: u64) {
        while let Some(id) = self.alive.iter().find(|lease| *lease.1 <= at).map(|lease| *lease.0) {
            let before = self.store.revision();
            let _ = self.execute(&Request::LeaseRevoke(LeaseRequest { id }), at);
            self.tell(before, at);
        }
    }

    /// Does one more operation.
    fn step(&mut self) {
        self.done += 1;
        let at = self.done * STEP;
        let (call, back) = (at - self.below(REACH), at + self.below(REACH));
        self.expire(at);
        let own = (self.done % PROCESSES) as usize;
        let (id, request, process) = (self.id(), self.request(), self.processes[own]);
        let record = Record::called(id, process, 1, call, request.clone());
        let lost = self.below(100) < 2;
        if lost {
            self.processes[own] = self.fresh;
            self.fresh += 1;
        }
        if !lost || self.below(2) == 0 {
            let before = self.store.revision();
            let answer = self.execute(&request, at);
            if !lost {
                let response = headed(answer, self.header());
                self.pending.insert((back, id), record.clone().ok(back, response));
            }
            self.tell(before, at);
        }
        if lost {
            let (code, message) = ("DeadlineExceeded".to_owned(), String::new());
            self.pending.insert((at + 150, id), record.unknown(ErrorAnswer { code, message }));
        }
    }

    /// Everything called before this is given out.
    fn called_before(&self) -> u64 {
        let pending = self.pending.values().map(|record| record.call_ns).min();
        let more = self.done < self.operations;
        let next = more.then(|| (self.done + 1) * STEP - REACH);
        let first = pending.into_iter().chain(next).min();
        first.map_or(u64::MAX, |at| at * self.scale)
    }
}

impl Iterator for Recording {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.done < self.operations + 10
            && self.pending.keys().next().is_none_or(|(end, _)| *end + REACH >= self.done * STEP)
        {
            self.step();
        }
        let (_, mut record) = self.pending.pop_first()?;
        record.call_ns *= self.scale;
        record.return_ns = record.return_ns.map(|at| at * self.scale);
        Some(record)
    }
}

fn headed(mut answer: Response, header: Header) -> Response {
    match &mut answer {
        Response::Range(range) => range.header = Some(header),
        Response::Put(put) => put.header = Some(header),
        Response::DeleteRange(delete) => delete.header = Some(header),
        Response::LeaseGrant(grant) => grant.header = Some(header),
        Response::LeaseRevoke(revoke) => revoke.header = Some(header),
        Response::LeaseKeepAlive(renewal) => renewal.header = Some(header),
        _ => {}
    }
    answer
}

fn followed(mut recording: Recording) -> Report {
    let origin = Origin { start_revision: Some(1), ..Origin::default() };
    let mut follower = Follower::new(origin, FollowOptions::default());
    let mut most = 0;
    let mut count = 0;
    while let Some(record) = recording.next() {
        follower.push(record).expect("a right recording");
        count += 1;
        if count % 1_000 == 0 {
            let progress = follower.called_before(recording.called_before());
            most = most.max(progress.expect("a right recording").kept);
        }
    }
    println!("{count} records, {most} kept at most");
    follower.finish().expect("a right recording")
}

fn whole(recording: Recording) -> Report {
    let origin = Origin { start_revision: Some(1), ..Origin::default() };
    let history = History { origin, records: recording.collect() };
    println!("{} records gathered after {} ms, {} MB", history.records.len(), processor(), peak());
    check(&history, &Options::default())
}

/// Milliseconds of the processor, from Linux's /proc; 0 elsewhere.
fn processor() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    after.split_whitespace().nth(11).and_then(|ticks| ticks.parse().ok()).unwrap_or(0) * 10
}

/// The most memory so far, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    let kb = line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok());
    kb.unwrap_or(0_u64) / 1_000
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let operations = args.first().and_then(|word| word.parse().ok()).unwrap_or(1_000_000);
    let made = args.iter().any(|word| word == "made");
    let recording = Recording::new(operations, args.iter().any(|word| word == "leases"));
    if made {
        println!("{} records made", recording.count());
    } else {
        let gathers = args.iter().any(|word| word == "whole");
        let report = if gathers { whole(recording) } else { followed(recording) };
        println!("{}: {:?}", report.verdict.name(), report.figures);
    }
    println!("{} ms of the processor, {} MB at most", processor(), peak());
}

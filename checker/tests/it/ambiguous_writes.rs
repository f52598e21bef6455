//! Doubts of who made what, looked for: a little world of few keys in which many writes are lost that
//! could do the same, watched by nobody, by few, or for a while; who follows it must say what is said
//! of the whole.

use std::collections::BTreeMap;

use crate::soak::{count, tally};
use crate::world::Dice;
use mettle_checker::follow::{FollowOptions, Follower};
use mettle_checker::history::{
    Blob, Compare, CompareResult, DeleteRangeRequest, ErrorAnswer, Event, EventType, Header,
    History, LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseRequest,
    LeaseRevokeResponse, OnStream, Operand, Origin, PutRequest, RangeRequest, Record, Request,
    RequestOp, Response, TxnRequest, WatchCreateRequest, WatchResponse,
};
use mettle_checker::model::{Span, Store};
use mettle_checker::{Options, Verdict, check};

const TENTH: u64 = 100_000_000;
const LEASE_NOT_FOUND: &str = "etcdserver: requested lease not found";

/// Who watches.
#[derive(Clone, Debug)]
struct Ear {
    span: Span,
    request: WatchCreateRequest,
    until: u64,
    waiting: Vec<Event>,
}

struct Sly {
    dice: Dice,
    store: Store,
    now: u64,
    records: Vec<Record>,
    ears: Vec<Ear>,
    /// Until when each lease is there, and for how many seconds.
    alive: BTreeMap<i64, (u64, i64)>,
    ever: BTreeMap<i64, u64>,
    numbers: i64,
    again: bool,
    due: Vec<(u64, Request)>,
    lost: u64,
    twice: u64,
    leases: bool,
    keys: u64,
    late_return: bool,
}

fn key(number: u64) -> Blob {
    ["a", "b", "c"][number as usize].into()
}

impl Sly {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x51f_d0b7);
        let keys = 1 + dice.below(3);
        let (lost, again) = (10 + dice.below(40), dice.chance(30));
        let twice = [0, 0, 4, 15][dice.below(4) as usize];
        let (leases, late_return) = (dice.chance(60), dice.chance(50));
        let mut sly = Sly {
            dice,
            store: Store::default(),
            now: 10 * TENTH,
            records: Vec::new(),
            ears: Vec::new(),
            alive: BTreeMap::new(),
            ever: BTreeMap::new(),
            numbers: 0,
            again,
            due: Vec::new(),
            lost,
            twice,
            leases,
            keys,
            late_return,
        };
        sly.watchers();
        sly
    }

    fn id(&self) -> u64 {
        self.records.len() as u64 + 1
    }

    fn watchers(&mut self) {
        for number in 0..self.dice.below(3) {
            let (name, end) = match self.dice.below(5) {
                0 => (key(self.dice.below(self.keys)), Blob::default()),
                1 => ("a".into(), "c".into()),
                2 => ("b".into(), "\0".into()),
                _ => ("\0".into(), "\0".into()),
            };
            let stream = number + 1;
            let request = WatchCreateRequest {
                stream,
                key: name.clone(),
                range_end: end.clone(),
                prev_kv: self.dice.chance(50),
                ..Default::default()
            };
            let process = 900 + stream;
            let sent = Request::WatchCreate(request.clone());
            self.records.push(Record::sent(self.id(), process, 1, self.now, sent));
            let until = if self.dice.chance(50) { u64::MAX } else { 100 + self.dice.below(100) };
            let span = Span::new(&name, &end);
            let ear =
                Ear { span, request, until: until.saturating_mul(TENTH), waiting: Vec::new() };
            self.hear(&ear, WatchResponse { created: true, ..WatchResponse::default() });
            self.ears.push(ear);
        }
    }

    fn header(&self) -> Header {
        Header { revision: self.store.revision(), ..Header::default() }
    }

    fn hear(&mut self, ear: &Ear, response: WatchResponse) {
        let stream = ear.request.stream;
        let response = WatchResponse { header: self.header(), ..response };
        let told = Record::watch_response(
            OnStream { id: self.id(), process: 900 + stream, member: 1, at_ns: self.now, stream },
            response,
        );
        self.records.push(told);
    }

    fn told(&mut self, before: i64) {
        let mut ears = std::mem::take(&mut self.ears);
        for ear in &mut ears {
            for change in self.store.changes(before + 1) {
                if ear.span.contains(change.key) {
                    let gone = change.now.is_deletion();
                    ear.waiting.push(Event {
                        kind: if gone { EventType::Delete } else { EventType::Put },
                        kv: change.kv(),
                        prev_kv: change.prev_kv().filter(|_| ear.request.prev_kv),
                        is_create: None,
                    });
                }
            }
            if !ear.waiting.is_empty() && self.dice.chance(80) {
                let events = std::mem::take(&mut ear.waiting);
                self.hear(ear, WatchResponse { events, ..WatchResponse::default() });
            }
        }
        let now = self.now;
        let (stay, gone): (Vec<Ear>, Vec<Ear>) = ears.into_iter().partition(|ear| ear.until > now);
        for ear in gone {
            let stream = ear.request.stream;
            let end = Record::watch_end(
                OnStream {
                    id: self.id(),
                    process: 900 + stream,
                    member: 1,
                    at_ns: self.now,
                    stream,
                },
                None,
            );
            self.records.push(end);
        }
        self.ears = stay;
    }

    /// The leases that a request puts with now.
    fn puts_with(&self, request: &Request) -> Vec<i64> {
        let ops = match request {
            Request::Put(put) => vec![RequestOp::Put(put.clone())],
            Request::Txn(txn) => {
                let holds = txn.compare.iter().all(|compare| {
                    let now = self.store.now().get(&compare.key).map_or(0, |now| now.version);
                    matches!(compare.operand, Operand::Version(version) if version == now)
                });
                if holds { txn.success.clone() } else { txn.failure.clone() }
            }
            _ => Vec::new(),
        };
        let leases = ops.iter().map(|op| if let RequestOp::Put(put) = op { put.lease } else { 0 });
        leases.filter(|lease| *lease != 0).collect()
    }

    fn apply(&mut self, request: &Request) -> Result<Response, String> {
        let missing = || Err(LEASE_NOT_FOUND.to_owned());
        if self.puts_with(request).iter().any(|lease| !self.alive.contains_key(lease)) {
            return missing();
        }
        let header = |own: &Self| Some(own.header());
        match request {
            Request::LeaseGrant(grant) => {
                if self.alive.contains_key(&grant.id) {
                    return Err("etcdserver: lease already exists".to_owned());
                }
                let until = self.now + grant.ttl as u64 * 10 * TENTH + self.dice.below(10) * TENTH;
                self.alive.insert(grant.id, (until, grant.ttl));
                *self.ever.entry(grant.id).or_default() += 1;
                let (header, id, ttl) = (header(self), grant.id, grant.ttl);
                return Ok(Response::LeaseGrant(LeaseGrantResponse { header, id, ttl }));
            }
            Request::LeaseKeepAlive(lease) => {
                let ttl = self.alive.get(&lease.id).map_or(0, |own| own.1);
                if let Some(own) = self.alive.get_mut(&lease.id) {
                    own.0 = self.now + own.1 as u64 * 10 * TENTH + self.dice.below(10) * TENTH;
                }
                let (header, id) = (header(self), lease.id);
                return Ok(Response::LeaseKeepAlive(LeaseKeepAliveResponse { header, id, ttl }));
            }
            Request::LeaseRevoke(lease) if self.alive.remove(&lease.id).is_none() => {
                return missing();
            }
            _ => {}
        }
        let before = self.store.revision();
        let done = self.store.execute(request);
        if self.store.revision() > before {
            self.told(before);
        }
        let mut done = done.map_err(|refusal| refusal.text().to_owned())?;
        let header = header(self);
        match &mut done {
            Response::Range(answer) => answer.header = header,
            Response::Put(answer) => answer.header = header,
            Response::DeleteRange(answer) => answer.header = header,
            Response::Txn(answer) => answer.header = header,
            Response::LeaseRevoke(LeaseRevokeResponse { header: own }) => *own = header,
            _ => {}
        }
        Ok(done)
    }

    fn pass(&mut self) {
        self.now += TENTH * self.dice.below(4) + 1 + self.dice.below(50);
        let over = |own: &Self| {
            own.alive.iter().find(|(_, (until, _))| *until <= own.now).map(|(id, _)| *id)
        };
        while let Some(id) = over(self) {
            let _ = self.apply(&Request::LeaseRevoke(LeaseRequest { id }));
        }
        while let Some(place) = self.due.iter().position(|(at, _)| *at <= self.now) {
            let (_, request) = self.due.remove(place);
            let _ = self.apply(&request);
        }
    }

    fn lease(&mut self, often: u64) -> i64 {
        if !self.leases || !self.dice.chance(often) {
            return 0;
        }
        let alive: Vec<i64> = self.alive.keys().copied().collect();
        if self.dice.chance(10) {
            return 1 + self.dice.below(self.numbers.max(1) as u64) as i64;
        }
        if alive.is_empty() { 0 } else { alive[self.dice.below(alive.len() as u64) as usize] }
    }

    fn put(&mut self) -> PutRequest {
        let ignore_value = self.dice.chance(4);
        let value = format!("v{}", self.dice.below(2));
        PutRequest {
            key: key(self.dice.below(self.keys)),
            value: if ignore_value { Blob::default() } else { value.into() },
            lease: self.lease(30),
            ignore_value,
            prev_kv: self.dice.chance(20),
            ..PutRequest::default()
        }
    }

    fn delete(&mut self) -> DeleteRangeRequest {
        let (key, range_end) = match self.dice.below(6) {
            0 => ("a".into(), "b".into()),
            1 => ("a".into(), "c".into()),
            2 => ("\0".into(), "\0".into()),
            _ => (key(self.dice.below(self.keys)), Blob::default()),
        };
        DeleteRangeRequest { key, range_end, prev_kv: self.dice.chance(20) }
    }

    fn txn(&mut self) -> TxnRequest {
        let mut compare = Vec::new();
        if self.dice.chance(40) {
            let (key, there) = (key(self.dice.below(self.keys)), self.dice.below(2) as i64);
            let operand = Operand::Version(there);
            let result = CompareResult::Equal;
            compare.push(Compare { key, range_end: Blob::default(), result, operand });
        }
        let op = |own: &mut Self| {
            if own.dice.chance(60) {
                RequestOp::DeleteRange(own.delete())
            } else {
                RequestOp::Put(own.put())
            }
        };
        let success = vec![op(self)];
        let failure = if self.dice.chance(20) { vec![op(self)] } else { Vec::new() };
        TxnRequest { compare, success, failure }
    }

    fn request(&mut self) -> Request {
        if self.leases && self.dice.chance(20) {
            let fresh = self.numbers == 0 || self.dice.chance(35);
            if fresh {
                let id = if self.again && self.numbers > 0 && self.dice.chance(60) {
                    1 + self.dice.below(self.numbers as u64) as i64
                } else {
                    self.numbers += 1;
                    self.numbers
                };
                let ttl = 1 + self.dice.below(4) as i64;
                return Request::LeaseGrant(LeaseGrantRequest { id, ttl });
            }
            let id = 1 + self.dice.below(self.numbers as u64) as i64;
            return match self.dice.below(3) {
                0 => Request::LeaseKeepAlive(LeaseRequest { id }),
                _ => Request::LeaseRevoke(LeaseRequest { id }),
            };
        }
        match self.dice.below(12) {
            0..5 => Request::Put(self.put()),
            5..9 => Request::DeleteRange(self.delete()),
            9..11 => Request::Txn(self.txn()),
            _ => {
                let name = key(self.dice.below(self.keys));
                let all = self.dice.chance(30);
                let range_end = if all { "\0".into() } else { Blob::default() };
                Request::Range(RangeRequest { key: name, range_end, ..RangeRequest::default() })
            }
        }
    }

    fn act(&mut self) {
        self.pass();
        let request = self.request();
        let writes = matches!(
            request,
            Request::Put(_) | Request::DeleteRange(_) | Request::Txn(_) | Request::LeaseRevoke(_)
        );
        let id = self.id();
        let record = Record::called(id, 10_000 + id, 1, self.now, request.clone());
        let lost = || ErrorAnswer { code: "DeadlineExceeded".to_owned(), message: String::new() };
        if writes && self.dice.chance(self.lost) {
            self.records.push(record.unknown(lost()));
            let how = self.dice.below(10);
            let at = self.now + TENTH * [0, 1, 10, 80][self.dice.below(4) as usize];
            if how < 6 {
                self.due.push((at, request.clone()));
                if self.dice.chance(self.twice) {
                    self.due.push((at + TENTH * self.dice.below(90), request));
                }
            }
            return;
        }
        let place = self.records.len();
        self.records.push(record.clone());
        let answer = self.apply(&request);
        self.now += 1;
        let returns = if self.late_return { self.now + self.dice.below(TENTH) } else { self.now };
        self.records[place] = match answer {
            Ok(answer) => record.ok(returns, answer),
            Err(message) => {
                let code = "NotFound".to_owned();
                record.failed(returns, ErrorAnswer { code, message })
            }
        };
    }

    fn history(mut self, operations: u64) -> History {
        for _ in 0..operations {
            self.act();
        }
        let origin = Origin { start_revision: Some(1), ..Origin::default() };
        let mut records = self.records;
        records.sort_by_key(|record| (record.call_ns, record.id));
        History { origin, records }
    }
}

/// Judges a history as a whole and followed, and says what both found.
pub(crate) fn same(seed: u64) -> &'static str {
    let mut dice = Dice::new(seed ^ 0xabc);
    let history = Sly::new(seed).history(30 + dice.below(170));
    let whole = check(&history, &Options::default()).verdict;
    let small = dice.chance(20);
    let options = FollowOptions {
        window: 1 + dice.below(20) as usize,
        most: if small { 1 + dice.below(40) as usize } else { 200_000 },
        ..FollowOptions::default()
    };
    let mut follower = Follower::new(history.origin.clone(), options);
    let often = 5 + dice.below(95);
    for record in &history.records {
        if dice.chance(often) {
            follower.called_before(record.call_ns).expect("a right recording");
        }
        follower.push(record.clone()).expect("a right recording");
    }
    let report = follower.finish().expect("a right recording");
    match (&whole, &report.verdict) {
        (Verdict::Unknown(_), _) => "open",
        (_, Verdict::Unknown(_)) if small => "gave up",
        (whole, followed) if whole.name() == followed.name() => match whole {
            Verdict::Legal => "legal",
            _ => "broken",
        },
        (whole, followed) => {
            let path = std::env::temp_dir().join(format!("mettle-doubt-{seed}.ndjson"));
            std::fs::write(&path, history.write_to(Vec::new()).expect("memory")).expect("written");
            panic!("{seed} {options:?}:\n whole {whole:?}\n followed {followed:?}");
        }
    }
}

#[test]
fn recordings_with_ambiguous_writes() {
    // Found by many of them: a write in doubt that was taken was not blamed on who took it; a hole
    // of which nobody told was not said to be perhaps of a write that another hole had taken.
    let found = [3_125, 9_776, 12_458];
    let tally = tally((0..400).chain(found), same);
    assert!(count(&tally, "legal") > 150 && count(&tally, "broken") > 20, "{tally:?}");
}

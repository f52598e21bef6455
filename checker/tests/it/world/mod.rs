//! A little world that makes legal histories: clients at random against the sequential model, with
//! calls and returns spread around the moment at which each operation takes effect.
#![allow(dead_code, reason = "each test binary uses its own part of it")]

pub(crate) mod brute;
pub(crate) mod damage;
pub(crate) mod leases;
mod watchers;

use std::collections::{BTreeMap, BTreeSet};

use mettle_checker::history::{
    Blob, CompactRequest, CompactResponse, Compare, CompareResult, DeleteRangeRequest, ErrorAnswer,
    Header, History, Operand, Origin, PutRequest, REFUSALS, RangeRequest, RangeResponse, Record,
    Request, RequestOp, Response, SortOrder, SortTarget, TxnRequest,
};
use mettle_checker::model::{Refusal, Span, Store};

/// Small, and the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What kind of world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    pub(crate) processes: u64,
    pub(crate) operations: u64,
    pub(crate) keys: u64,
    /// Of 1000 operations.
    pub(crate) unknown_per_mille: u64,
    pub(crate) watchers: u64,
    /// Whether every put has a value of its own.
    pub(crate) unique: bool,
    /// Only puts, single gets and single deletions.
    pub(crate) simple: bool,
    /// Whether there are compactions.
    pub(crate) compaction: bool,
    /// Whether puts may keep a value, and be refused for it.
    pub(crate) keeps: bool,
    /// Requests that were done before the recording began.
    pub(crate) before: u64,
    /// Whether the recording says that it waited in the end.
    pub(crate) quiet: bool,
    /// How many leases there are, one after another; some are revoked, some expire.
    pub(crate) leases: u64,
    /// Whether leases are renewed and asked about.
    pub(crate) renewals: bool,
    /// Of 100 requests that were lost and done: how many are done a second time, which is wrong.
    pub(crate) twice: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            seed: 1,
            processes: 4,
            operations: 60,
            keys: 4,
            unknown_per_mille: 50,
            watchers: 1,
            unique: true,
            simple: false,
            compaction: true,
            keeps: true,
            before: 0,
            quiet: false,
            leases: 0,
            renewals: true,
            twice: 0,
        }
    }
}

struct Planned {
    process: u64,
    call: u64,
    /// None: it never takes effect.
    apply: Option<u64>,
    /// None: unknown.
    returns: Option<u64>,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    shape: Shape,
    pub(crate) store: Store,
    compacted: i64,
    pub(crate) records: Vec<Record>,
    /// When each revision was made: revision, time.
    made: Vec<(i64, u64)>,
    /// The highest revision that a process has seen.
    seen: BTreeMap<u64, i64>,
    leases: leases::Leases,
    values: u64,
    /// Requests that are done once more, and when.
    again: Vec<(u64, Request)>,
}

pub(crate) fn legal(shape: Shape) -> History {
    legal_with_store(shape).0
}

/// The history, and the store with all its past at the end.
pub(crate) fn legal_with_store(shape: Shape) -> (History, Store) {
    let (history, store, _) = recorded(shape);
    (history, store)
}

/// A history that begins by saying what the store held.
pub(crate) fn legal_from_start(shape: Shape) -> History {
    let (mut history, _, begun) = recorded(shape);
    let revision = begun.revision();
    history.origin.start_revision = Some(revision);
    let all = Blob::from("\0");
    let request = RangeRequest { key: all.clone(), range_end: all, ..RangeRequest::default() };
    let header = Some(Header { revision, ..Header::default() });
    let answer = RangeResponse { header, ..begun.now().range(&request) };
    let process = 2_000_000;
    let first = Record::called(0, process, 1, 0, Request::Range(request));
    history.records.insert(0, first.ok(0, Response::Range(answer)));
    history
}

/// The history, the store at the end, and the store when the recording began.
fn recorded(shape: Shape) -> (History, Store, Store) {
    let mut world = World {
        dice: Dice::new(shape.seed),
        shape,
        store: Store::default(),
        compacted: 0,
        records: Vec::new(),
        made: vec![(1, 0)],
        seen: BTreeMap::new(),
        leases: leases::Leases::default(),
        values: 0,
        again: Vec::new(),
    };
    for _ in 0..shape.before {
        let request = world.request();
        let _ = world.store.execute(&request);
    }
    world.made = vec![(world.store.revision(), 0)];
    let begun = world.store.clone();
    let mut plan = world.plan();
    plan.sort_by_key(|planned| planned.apply.unwrap_or(planned.call));
    for planned in &plan {
        world.perform(planned);
    }
    for number in 0..shape.watchers {
        watchers::stream(&mut world, number);
    }
    if shape.quiet {
        let ends = world.records.iter().map(|record| record.return_ns.unwrap_or(record.call_ns));
        let last = ends.max().unwrap_or(0);
        world.records.push(Record::quiesced(999_999_999, last + 1, last + 1_000));
    }
    world.records.sort_by_key(|record| (record.call_ns, record.id));
    if shape.leases > 0 {
        leases::stretch(&mut world.records);
    }
    (History { origin: Origin::default(), records: world.records }, world.store, begun)
}

impl World {
    fn plan(&mut self) -> Vec<Planned> {
        let shape = self.shape;
        let mut plan = Vec::new();
        let mut fresh = shape.processes;
        for own in 0..shape.processes {
            let mut process = own;
            let mut now = 10 + self.dice.below(40);
            for _ in 0..shape.operations / shape.processes {
                let call = now;
                let apply = call + self.dice.below(30);
                let returns = apply + self.dice.below(30);
                if self.dice.below(1000) < shape.unknown_per_mille {
                    let late = call + self.dice.below(150);
                    let apply = self.dice.chance(60).then_some(late);
                    plan.push(Planned { process, call, apply, returns: None });
                    process = fresh;
                    fresh += 1;
                    now = call + self.dice.below(60);
                } else {
                    plan.push(Planned {
                        process,
                        call,
                        apply: Some(apply),
                        returns: Some(returns),
                    });
                    now = returns + self.dice.below(20);
                }
            }
        }
        plan
    }

    pub(crate) fn key(&mut self) -> Blob {
        Blob::from(format!("k{}", self.dice.below(self.shape.keys)))
    }

    fn value(&mut self) -> Blob {
        self.values += 1;
        if self.shape.unique {
            Blob::from(format!("v{}", self.values))
        } else {
            Blob::from(format!("v{}", self.dice.below(3)))
        }
    }

    pub(crate) fn range_end(&mut self, key: &Blob) -> Blob {
        match self.dice.below(6) {
            0 => Blob::from("\0"),
            1 => Blob::from(format!("{key}~")),
            2 => Blob::from(format!("k{}", self.dice.below(self.shape.keys))),
            _ => Blob::default(),
        }
    }

    fn put(&mut self) -> PutRequest {
        let key = self.key();
        let exotic = self.shape.keeps && !self.shape.simple && self.dice.chance(5);
        let lease = if exotic { 0 } else { self.lease(false) };
        PutRequest {
            lease,
            value: if exotic { Blob::default() } else { self.value() },
            prev_kv: self.dice.chance(40),
            ignore_value: exotic,
            key,
            ..PutRequest::default()
        }
    }

    fn delete(&mut self) -> DeleteRangeRequest {
        let key = self.key();
        let range_end = if self.shape.simple || self.dice.chance(60) {
            Blob::default()
        } else {
            self.range_end(&key)
        };
        DeleteRangeRequest { key, range_end, prev_kv: self.dice.chance(50) }
    }

    fn range(&mut self) -> RangeRequest {
        let key = self.key();
        if self.shape.simple {
            return RangeRequest { key, ..RangeRequest::default() };
        }
        let range_end = self.range_end(&key);
        let mut request = RangeRequest { key, range_end, ..RangeRequest::default() };
        match self.dice.below(12) {
            0 => request.limit = 1 + self.dice.below(3) as i64,
            1 => request.keys_only = true,
            2 => request.count_only = true,
            3 => request.revision = 1 + self.dice.below(self.store.revision() as u64 + 2) as i64,
            4 => {
                request.sort_order = SortOrder::Descend;
                request.sort_target = SortTarget::Mod;
            }
            5 => request.min_mod_revision = self.store.revision() / 2,
            6 | 7 => request.serializable = true,
            _ => {}
        }
        request
    }

    fn compare(&mut self) -> Compare {
        let key = self.key();
        let now = self.store.now().get(&key).map_or(0, |version| version.mod_revision);
        let guess = if self.dice.chance(60) { now } else { self.store.revision() };
        let operand = match self.dice.below(4) {
            0 => Operand::Version(self.dice.below(3) as i64),
            1 => Operand::CreateRevision(guess),
            _ => Operand::ModRevision(guess),
        };
        let result = if self.dice.chance(80) { CompareResult::Equal } else { CompareResult::Less };
        Compare { key, range_end: Blob::default(), result, operand }
    }

    fn op(&mut self, depth: u32) -> RequestOp {
        match self.dice.below(8) {
            0..3 => {
                let mut range = self.range();
                range.revision = 0;
                range.serializable = false;
                RequestOp::Range(range)
            }
            3..6 => RequestOp::Put(self.put()),
            6 if depth == 0 => RequestOp::Txn(self.txn(1)),
            _ => RequestOp::DeleteRange(self.delete()),
        }
    }

    fn txn(&mut self, depth: u32) -> TxnRequest {
        let mut list = |most: u64| -> Vec<RequestOp> {
            let count = self.dice.below(most + 1);
            (0..count).map(|_| self.op(depth)).collect()
        };
        let (mut success, mut failure) = (list(3), list(1));
        one_writer_a_key(&mut success);
        one_writer_a_key(&mut failure);
        let compare = (0..self.dice.below(2)).map(|_| self.compare()).collect();
        TxnRequest { compare, success, failure }
    }

    fn request(&mut self) -> Request {
        if self.shape.leases > 0 && self.dice.chance(25) {
            return self.lease_request();
        }
        if self.shape.simple {
            return match self.dice.below(10) {
                0..4 => Request::Put(self.put()),
                4 => Request::DeleteRange(self.delete()),
                _ => Request::Range(self.range()),
            };
        }
        match self.dice.below(20) {
            0..6 => {
                let mut put = self.put();
                if put.lease != 0 {
                    put.lease = self.lease(true);
                }
                Request::Put(put)
            }
            6..9 => Request::DeleteRange(self.delete()),
            9..13 => Request::Txn(self.txn(0)),
            13 if self.shape.compaction => {
                let revision = self.dice.below(self.store.revision() as u64 + 2) as i64;
                Request::Compact(CompactRequest { revision, physical: false })
            }
            _ => Request::Range(self.range()),
        }
    }

    fn perform(&mut self, planned: &Planned) {
        let now = planned.apply.unwrap_or(planned.call);
        self.expire(now);
        while let Some(place) = self.again.iter().position(|(at, _)| *at <= now) {
            let (_, request) = self.again.remove(place);
            let _ = self.apply(&request, (now, 1));
        }
        let request = self.request();
        let twice = self.shape.twice;
        if planned.returns.is_none() && twice > 0 && self.dice.chance(twice) {
            self.again.push((now + self.dice.below(600), request.clone()));
        }
        let id = self.records.len() as u64 + 1;
        let record = Record::called(id, planned.process, 1, planned.call, request.clone())
            .on_connection(1 + planned.process);
        let seen = self.seen.get(&planned.process).copied().unwrap_or(1);
        let answer = planned.apply.map(|at| self.apply(&request, (at, seen)));
        let header = answer.as_ref().and_then(|answer| answer.as_ref().ok()?.header());
        if let Some(header) = header {
            self.seen.insert(planned.process, seen.max(header.revision));
        }
        let record = match (planned.returns, answer) {
            (Some(returns), Some(Ok(response))) => record.ok(returns, response),
            (Some(returns), Some(Err(text))) => record.failed(returns, error(text)),
            _ => record.unknown(ErrorAnswer {
                code: "DeadlineExceeded".to_owned(),
                message: String::new(),
            }),
        };
        self.records.push(record);
    }

    fn apply(
        &mut self,
        request: &Request,
        (at, seen): (u64, i64),
    ) -> Result<Response, &'static str> {
        const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";
        const FUTURE: &str = "etcdserver: mvcc: required revision is a future revision";
        if let Request::Compact(compact) = request {
            if compact.revision <= self.compacted {
                return Err(COMPACTED);
            }
            if compact.revision > self.store.revision() {
                return Err(FUTURE);
            }
            self.compacted = compact.revision;
            let header = Some(self.header());
            return Ok(Response::Compact(CompactResponse { header }));
        }
        if let Request::Range(range) = request
            && range.revision > 0
            && range.revision < self.compacted
        {
            return Err(COMPACTED);
        }
        if let Request::Range(range) = request
            && range.serializable
        {
            // A member that lags, but not behind what is forgotten, or what it has shown.
            let lag = self.dice.below(4) as i64;
            let revision = (self.store.revision() - lag).max(seen);
            let answer = self.store.at(revision).range(range);
            let header = Some(Header { revision, ..Header::default() });
            return Ok(Response::Range(RangeResponse { header, ..answer }));
        }
        if let Some(answer) = self.apply_lease(request, at) {
            return answer;
        }
        let mut response = self.store.execute(request).map_err(Refusal::text)?;
        let header = Some(self.header());
        match &mut response {
            Response::Range(range) => range.header = header,
            Response::Put(put) => put.header = header,
            Response::DeleteRange(delete) => delete.header = header,
            Response::Txn(txn) => txn.header = header,
            _ => {}
        }
        self.note(at);
        Ok(response)
    }

    /// Notes when a revision was made.
    fn note(&mut self, at: u64) {
        let revision = self.store.revision();
        if self.made.last().is_some_and(|(last, _)| *last < revision) {
            self.made.push((revision, at));
        }
    }

    pub(crate) fn header(&self) -> Header {
        Header { revision: self.store.revision(), ..Header::default() }
    }
}

/// Takes from every answer its header: what is left names no revision.
pub(crate) fn without_headers(history: &mut History) {
    for record in &mut history.records {
        match &mut record.response {
            Some(Response::Range(answer)) => answer.header = None,
            Some(Response::Put(answer)) => answer.header = None,
            Some(Response::DeleteRange(answer)) => answer.header = None,
            Some(Response::Txn(answer)) => answer.header = None,
            Some(Response::Compact(answer)) => answer.header = None,
            _ => {}
        }
    }
}

/// As etcd demands: no key is put twice in one transaction, nor put and deleted. But the deletion of
/// all keys from one on counts for none, and what one transaction inside puts another may delete.
fn one_writer_a_key(ops: &mut Vec<RequestOp>) {
    let mut kept = Vec::new();
    for op in ops.drain(..) {
        kept.push(op);
        if written(&kept).is_none() {
            kept.pop();
        }
    }
    *ops = kept;
}

/// The keys that a list of operations puts, and the spans that it deletes; None if it is refused.
///
/// # Source
/// etcd 3.4.23, asked.
fn written(ops: &[RequestOp]) -> Option<(BTreeSet<Blob>, Vec<Span>)> {
    let mut puts: BTreeSet<Blob> = BTreeSet::new();
    let mut deletes: Vec<Span> = Vec::new();
    for op in ops {
        if let RequestOp::DeleteRange(delete) = op
            && delete.range_end != Blob::from("\0")
        {
            deletes.push(Span::new(&delete.key, &delete.range_end));
        }
    }
    for op in ops {
        let RequestOp::Txn(inner) = op else { continue };
        let (then, otherwise) = (written(&inner.success)?, written(&inner.failure)?);
        let own: BTreeSet<Blob> = then.0.into_iter().chain(otherwise.0).collect();
        if own.iter().any(|key| puts.contains(key) || deletes.iter().any(|span| span.contains(key)))
        {
            return None;
        }
        puts.extend(own);
        deletes.extend(then.1);
        deletes.extend(otherwise.1);
    }
    for op in ops {
        let RequestOp::Put(put) = op else { continue };
        if deletes.iter().any(|span| span.contains(&put.key)) || !puts.insert(put.key.clone()) {
            return None;
        }
    }
    Some((puts, deletes))
}

pub(crate) fn error(text: &str) -> ErrorAnswer {
    let known = REFUSALS.iter().find(|(_, known)| *known == text);
    let code = known.map_or("Unknown", |(code, _)| *code);
    ErrorAnswer { code: code.to_owned(), message: text.to_owned() }
}

//! The traffic: every choice drawn from a stream named by the lane and the operation's ordinal.
//!
//! Values are unique (`lane.ordinal.part`): a value that is read names its write, and the judge
//! places writes of unknown outcome by their values. A client's choices depend on the revisions and
//! values that it has seen (compare-and-swap on the last revision, reads of the past) and on the
//! compact revision.

mod keys;
mod large_txn;
mod paging;
mod refused;
mod seen;
mod txn;
mod values;
mod watch;

pub use seen::Seen;
pub use watch::{Beside, Start, Stop, WatchPlan, Watcher};

use std::fmt;

use mettle_checker::history::{
    Blob, DeleteRangeRequest, PutRequest, RangeRequest, Request, RequestOp, Response, SortOrder,
    SortTarget, TxnRequest,
};
use mettle_scenarios::settings::{Calls, OpWeights, Traffic, Values, wide};

use crate::host::ClientNumber;
use crate::stream::{Stream, Streams};
use keys::{KeyNames, Span};
use values::ValueDraw;

/// A lease nobody granted: puts with it are refused.
const NO_SUCH_LEASE: i64 = 0x7e57;

/// A lane of a client: one of its sequential processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneNumber {
    /// Whose it is.
    pub client: ClientNumber,
    /// From 0.
    pub lane: u16,
}

impl LaneNumber {
    /// Names the random streams of the lane.
    fn entity(self) -> u64 {
        u64::from(self.lane) << 32 | u64::from(self.client.get())
    }
}

impl fmt::Display for LaneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LaneNumber { client, lane } = self;
        match lane {
            0 => write!(f, "{}", client.get()),
            _ => write!(f, "{}l{lane}", client.get()),
        }
    }
}

/// The shortest deadline of a client in a hurry (ns).
const SHORTEST_DEADLINE_NS: u64 = 5_000_000;

/// A client that drops a call has waited at most so long (ns).
const LONGEST_WAIT_NS: u64 = 100_000_000;

/// Draws one lane's operations.
#[derive(Debug)]
pub struct Generator {
    streams: Streams,
    lane: LaneNumber,
    ordinal: u64,
    keys: KeyNames,
    values: Values,
    weights: OpWeights,
    pace_ns: u64,
    calls: Calls,
    deadline_ns: u64,
    next_page: Option<RangeRequest>,
}

/// One operation, and how it is called.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The pause before it (ns).
    pub pause_ns: u64,
    /// What to ask.
    pub request: Request,
    /// How long to wait.
    pub patience: Patience,
    /// Why it is asked.
    pub aim: Aim,
}

/// Why an operation is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// For its answer.
    Answer,
    /// For the first page of a list, or a later one.
    Page {
        /// It comes after another one.
        later: bool,
    },
    /// For its refusal.
    Refusal,
}

/// How long a client waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The call's deadline (ns).
    pub deadline_ns: u64,
    /// It is shorter than deadlines are.
    pub hurried: bool,
    /// When the client drops the call, if it does (ns).
    pub abandoned_ns: Option<u64>,
}

impl Patience {
    /// Waits to the deadline.
    pub fn of(deadline_ns: u64) -> Patience {
        Patience { deadline_ns, hurried: false, abandoned_ns: None }
    }
}

impl Generator {
    /// For one lane.
    pub fn new(streams: Streams, lane: LaneNumber, traffic: &Traffic) -> Generator {
        Generator {
            streams,
            lane,
            ordinal: 0,
            keys: KeyNames::new(traffic),
            values: traffic.values.clone(),
            weights: traffic.weights.clone(),
            pace_ns: traffic.pace_ns,
            calls: traffic.calls.clone(),
            deadline_ns: traffic.deadline_ns,
            next_page: None,
        }
    }

    /// The next operation: the next page of a list that has one, or anything.
    pub fn next_operation(&mut self, seen: &Seen) -> Operation {
        self.ordinal += 1;
        let patience = self.patience();
        let stream = self.streams.open("traffic", self.lane.entity(), self.ordinal);
        let mut draw = Draw {
            stream,
            keys: self.keys,
            seen,
            values: ValueDraw::new(self.streams, self.lane, self.ordinal, &self.values),
        };
        // Uniform around the mean, so that no client waits for ever.
        let pause_ns = draw.stream.below(self.pace_ns.saturating_mul(2).saturating_add(1));
        let page = self.next_page.take();
        let (aim, request) = match page {
            Some(page) => (Aim::Page { later: true }, Request::Range(page)),
            None => draw.request(&self.weights),
        };
        Operation { pause_ns, request, patience, aim }
    }

    /// Takes in the answer to an operation of this lane.
    pub fn hear(&mut self, operation: &Operation, answer: &Response) {
        if let Aim::Page { .. } = operation.aim {
            self.next_page = paging::next_page(&operation.request, answer);
        }
    }

    /// How long the next call waits, from a stream of its own.
    fn patience(&self) -> Patience {
        let mut patience = Patience::of(self.deadline_ns);
        let Calls { hurried_permille, abandoned_permille, .. } = self.calls;
        if hurried_permille + abandoned_permille == 0 {
            return patience;
        }
        let mut stream = self.streams.open("traffic-patience", self.lane.entity(), self.ordinal);
        if stream.below(1000) < hurried_permille {
            patience.hurried = true;
            patience.deadline_ns =
                wide(SHORTEST_DEADLINE_NS.min(self.deadline_ns), self.deadline_ns, |low, high| {
                    stream.between(low, high)
                });
        }
        if stream.below(1000) < abandoned_permille {
            let after = wide(1, LONGEST_WAIT_NS, |low, high| stream.between(low, high));
            patience.abandoned_ns = Some(after);
        }
        patience
    }
}

/// The draws of one operation.
struct Draw<'a> {
    stream: Stream,
    keys: KeyNames,
    seen: &'a Seen,
    values: ValueDraw<'a>,
}

impl Draw<'_> {
    fn request(&mut self, weights: &OpWeights) -> (Aim, Request) {
        let choices = weights.in_order();
        let total: u64 = choices.iter().map(|weight| u64::from(*weight)).sum();
        let mut at = self.stream.below(total);
        let chosen = choices.iter().position(|weight| {
            let weight = u64::from(*weight);
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        });
        let request = match chosen {
            // Weights of zero everywhere: puts, so that a run does something.
            None | Some(0) => Request::Put(self.put()),
            Some(1) => Request::Range(self.get()),
            Some(2) => Request::Range(self.range()),
            Some(3) => Request::Range(self.history()),
            Some(4) => Request::Range(self.serializable()),
            Some(5) => Request::DeleteRange(self.delete()),
            Some(6) => Request::DeleteRange(self.delete_range()),
            Some(7) => Request::Txn(self.txn()),
            Some(8) => Request::Txn(self.compare_and_swap()),
            Some(9) => Request::Txn(self.large_txn()),
            Some(10) => {
                let number = self.key_number();
                Request::DeleteRange(self.delete_of(self.keys.beneath(number)))
            }
            Some(11) => Request::DeleteRange(self.delete_of(KeyNames::everything())),
            Some(12) => {
                return (Aim::Page { later: false }, Request::Range(self.first_page()));
            }
            Some(13) => self.odd(),
            Some(_) => return (Aim::Refusal, self.malformed()),
        };
        (Aim::Answer, request)
    }

    /// True in so many of 100 draws.
    fn percent(&mut self, share: u64) -> bool {
        self.stream.below(100) < share
    }

    fn key_number(&mut self) -> u32 {
        self.keys.draw(&mut self.stream)
    }

    fn key(&mut self) -> Blob {
        let number = self.key_number();
        self.keys.name(number)
    }

    /// A few neighbours, everything from a key on, all keys; with names that are not plain also what
    /// begins with a prefix, what lies before a key, and one key as a range.
    fn span(&mut self) -> Span {
        let first = self.key_number();
        let key = self.keys.name(first);
        let plain = self.keys.is_plain();
        match self.stream.below(10) {
            0 | 1 => KeyNames::prefix(),
            2 => Span { key, range_end: Blob::from(&[0u8]) },
            3 => KeyNames::everything(),
            4 if !plain => self.keys.beneath(first),
            5 if !plain => Span { key: Blob::from(&[0u8]), range_end: key },
            6 if !plain => {
                let range_end = Blob::from(&[&key[..], &[0]].concat()[..]);
                Span { key, range_end }
            }
            _ => {
                let width = 1 + self.stream.below(u64::from(self.keys.count()).min(8)) as u32;
                Span { key, range_end: self.keys.name(first + width) }
            }
        }
    }

    fn put(&mut self) -> PutRequest {
        let key = self.key();
        let mut put = PutRequest { key, value: self.values.next(), ..PutRequest::default() };
        put.prev_kv = self.percent(30);
        match self.stream.below(100) {
            0 => put.lease = NO_SUCH_LEASE,
            1 => (put.ignore_value, put.value) = (true, Blob::default()),
            2 => put.ignore_lease = true,
            _ => {}
        }
        put
    }

    fn get(&mut self) -> RangeRequest {
        RangeRequest { key: self.key(), ..RangeRequest::default() }
    }

    fn range(&mut self) -> RangeRequest {
        let Span { key, range_end } = self.span();
        let mut range = RangeRequest { key, range_end, ..RangeRequest::default() };
        match self.stream.below(10) {
            0 => range.count_only = true,
            1 => range.keys_only = true,
            _ => {}
        }
        if self.percent(30) {
            range.limit = 1 + self.stream.below(4) as i64;
        }
        if self.percent(25) {
            let orders = [SortOrder::None, SortOrder::Ascend, SortOrder::Descend];
            // By value only where values are there to sort by.
            let targets = [
                SortTarget::Key,
                SortTarget::Version,
                SortTarget::Create,
                SortTarget::Mod,
                SortTarget::Value,
            ];
            range.sort_order = orders[self.stream.below(3) as usize];
            range.sort_target = targets[self.stream.below(5) as usize];
        }
        if self.percent(10) {
            let bound = self.seen.a_revision(&mut self.stream);
            match self.stream.below(4) {
                0 => range.min_mod_revision = bound,
                1 => range.max_mod_revision = bound,
                2 => range.min_create_revision = bound,
                _ => range.max_create_revision = bound,
            }
        }
        range
    }

    /// Mostly readable history; at times compacted or in the future, to hear the refusal.
    fn history(&mut self) -> RangeRequest {
        let mut range = if self.percent(50) { self.get() } else { self.range() };
        range.revision = match self.stream.below(20) {
            0 => 1,
            1 => self.seen.revision() + 1_000_000,
            2 => self.seen.compacted().max(1),
            _ => self.seen.a_revision(&mut self.stream),
        };
        range
    }

    fn serializable(&mut self) -> RangeRequest {
        let mut range = if self.percent(50) { self.get() } else { self.range() };
        range.serializable = true;
        range
    }

    fn delete(&mut self) -> DeleteRangeRequest {
        let key = self.key();
        DeleteRangeRequest { key, range_end: Blob::default(), prev_kv: self.percent(40) }
    }

    fn delete_range(&mut self) -> DeleteRangeRequest {
        let first = self.key_number();
        let width = 1 + self.stream.below(4) as u32;
        DeleteRangeRequest {
            key: self.keys.name(first),
            range_end: self.keys.name(first + width),
            prev_kv: self.percent(40),
        }
    }

    fn delete_of(&mut self, span: Span) -> DeleteRangeRequest {
        let Span { key, range_end } = span;
        DeleteRangeRequest { key, range_end, prev_kv: self.percent(40) }
    }

    fn compare_and_swap(&mut self) -> TxnRequest {
        let key = self.key();
        let value = self.values.next();
        let prev_kv = self.percent(30);
        let read = RangeRequest { key: key.clone(), ..RangeRequest::default() };
        let put = PutRequest { key: key.clone(), value, prev_kv, ..PutRequest::default() };
        TxnRequest {
            compare: vec![self.seen.unchanged(&key)],
            success: vec![RequestOp::Put(put)],
            failure: vec![RequestOp::Range(read)],
        }
    }
}

#[cfg(test)]
mod tests;

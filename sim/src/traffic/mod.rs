//! The traffic: every choice drawn from a stream named by the client and the operation's ordinal.
//!
//! Values are unique (`client.ordinal.part`): a value that is read names its write, and the judge
//! places writes of unknown outcome by their values. A client's choices depend on the revisions and
//! values that it has seen (compare-and-swap on the last revision, reads of the past) and on the
//! compact revision.

mod seen;
mod txn;
mod watch;

pub use seen::Seen;
pub use watch::{Start, WatchPlan, Watcher};

use mettle_checker::history::{
    Blob, DeleteRangeRequest, PutRequest, RangeRequest, Request, RequestOp, SortOrder, SortTarget,
    TxnRequest,
};
use mettle_scenarios::settings::{OpWeights, Traffic};

use crate::stream::{Stream, Streams};

/// A lease nobody granted: puts with it are refused.
const NO_SUCH_LEASE: i64 = 0x7e57;

/// Draws one client's operations.
#[derive(Debug)]
pub struct Generator {
    streams: Streams,
    client: u64,
    ordinal: u64,
    keys: u32,
    weights: OpWeights,
    pace_ns: u64,
}

impl Generator {
    /// For one client (from 1).
    pub fn new(streams: Streams, client: u64, traffic: &Traffic) -> Generator {
        Generator {
            streams,
            client,
            ordinal: 0,
            keys: traffic.keys.max(1),
            weights: traffic.weights.clone(),
            pace_ns: traffic.pace_ns,
        }
    }

    /// The pause before the next operation (ns), and that operation.
    pub fn next_operation(&mut self, seen: &Seen) -> (u64, Request) {
        self.ordinal += 1;
        let stream = self.streams.open("traffic", self.client, self.ordinal);
        let mut draw = Draw {
            stream,
            keys: self.keys,
            seen,
            value: format!("{}.{}", self.client, self.ordinal),
            values: 0,
        };
        // Uniform around the mean, so that no client waits for ever.
        let pause_ns = draw.stream.below(self.pace_ns.saturating_mul(2).saturating_add(1));
        (pause_ns, draw.request(&self.weights))
    }
}

/// The draws of one operation.
struct Draw<'a> {
    stream: Stream,
    keys: u32,
    seen: &'a Seen,
    value: String,
    values: u32,
}

impl Draw<'_> {
    fn request(&mut self, weights: &OpWeights) -> Request {
        let choices = [
            weights.put,
            weights.get,
            weights.range,
            weights.history,
            weights.serializable,
            weights.delete,
            weights.delete_range,
            weights.txn,
            weights.cas,
        ];
        let total: u64 = choices.iter().map(|weight| u64::from(*weight)).sum();
        let mut at = self.stream.below(total);
        let chosen = choices.iter().position(|weight| {
            let weight = u64::from(*weight);
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        });
        match chosen {
            // Weights of zero everywhere: puts, so that a run does something.
            None | Some(0) => Request::Put(self.put()),
            Some(1) => Request::Range(self.get()),
            Some(2) => Request::Range(self.range()),
            Some(3) => Request::Range(self.history()),
            Some(4) => Request::Range(self.serializable()),
            Some(5) => Request::DeleteRange(self.delete()),
            Some(6) => Request::DeleteRange(self.delete_range()),
            Some(7) => Request::Txn(self.txn()),
            Some(_) => Request::Txn(self.compare_and_swap()),
        }
    }

    /// True in so many of 100 draws.
    fn percent(&mut self, share: u64) -> bool {
        self.stream.below(100) < share
    }

    fn key_number(&mut self) -> u32 {
        self.stream.below(u64::from(self.keys)) as u32
    }

    fn key(&mut self) -> Blob {
        key_name(self.key_number())
    }

    fn unique_value(&mut self) -> Blob {
        self.values += 1;
        Blob::from(format!("{}.{}", self.value, self.values))
    }

    /// First key and end: a few neighbours, everything from a key on, or all keys.
    fn span(&mut self) -> (Blob, Blob) {
        let first = self.key_number();
        match self.stream.below(10) {
            0 | 1 => (Blob::from(KEY_PREFIX), Blob::from(KEY_PREFIX_END)),
            2 => (key_name(first), Blob::from(&[0u8])),
            3 => (Blob::from(&[0u8]), Blob::from(&[0u8])),
            _ => {
                let width = 1 + self.stream.below(u64::from(self.keys).min(8)) as u32;
                (key_name(first), key_name(first + width))
            }
        }
    }

    fn put(&mut self) -> PutRequest {
        let key = self.key();
        let mut put = PutRequest { key, value: self.unique_value(), ..PutRequest::default() };
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
        let (key, range_end) = self.span();
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
            key: key_name(first),
            range_end: key_name(first + width),
            prev_kv: self.percent(40),
        }
    }

    fn compare_and_swap(&mut self) -> TxnRequest {
        let key = self.key();
        let value = self.unique_value();
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

const KEY_PREFIX: &str = "k";
const KEY_PREFIX_END: &str = "l";

/// The name of a key by its number; names sort as numbers do.
pub fn key_name(number: u32) -> Blob {
    Blob::from(format!("{KEY_PREFIX}{number:04}"))
}

#[cfg(test)]
mod tests;

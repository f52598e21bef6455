//! Large transactions: up to etcd's limit of operations, one inside another, with reads of the past
//! and deletes that overlap.

use std::collections::BTreeSet;

use mettle_checker::history::{
    Blob, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest,
};
use mettle_scenarios::settings::wide;

use super::{Draw, KeyNames, Span};

/// Operations that etcd takes in one transaction, with those of transactions inside it.
pub(super) const MOST_OPERATIONS: u64 = 128;

/// Keys of one execution of a branch: what it puts, and what it deletes before that.
#[derive(Clone, Default)]
struct Written {
    puts: BTreeSet<u32>,
    deletes: BTreeSet<u32>,
}

impl Draw<'_> {
    /// A transaction of up to [`MOST_OPERATIONS`].
    pub(super) fn large_txn(&mut self) -> TxnRequest {
        self.large_txn_of(MOST_OPERATIONS, &mut Written::default(), &mut Written::default())
    }

    fn large_txn_of(
        &mut self,
        most: u64,
        then: &mut Written,
        otherwise: &mut Written,
    ) -> TxnRequest {
        let count = wide(1, most, |low, high| self.stream.between(low, high));
        let compares = if self.percent(10) { count } else { self.stream.below(3).min(count) };
        let compare = (0..compares).map(|_| self.compare()).collect();
        let left = most - count;
        let success = self.branch(count, left, then);
        let failure = if self.percent(50) {
            let fewer = self.stream.below(count + 1);
            self.branch(fewer, left, otherwise)
        } else {
            Vec::new()
        };
        TxnRequest { compare, success, failure }
    }

    /// `count` operations; one of them may be a transaction that has `left` of its own.
    fn branch(&mut self, count: u64, left: u64, written: &mut Written) -> Vec<RequestOp> {
        let inside = (left > 0 && self.percent(40)).then(|| self.stream.below(count.max(1)));
        // With everything deleted first, any key may be put: to etcd the end `\0` is no interval.
        let swept = self.percent(5);
        let mut branch = Vec::new();
        for at in 0..count {
            branch.push(match () {
                () if inside == Some(at) => {
                    let mut other = written.clone();
                    let txn = self.large_txn_of(left, written, &mut other);
                    written.puts.append(&mut other.puts);
                    written.deletes.append(&mut other.deletes);
                    RequestOp::Txn(txn)
                }
                () if swept && at == 0 => {
                    let Span { key, range_end } = KeyNames::everything();
                    let prev_kv = self.percent(20);
                    RequestOp::DeleteRange(DeleteRangeRequest { key, range_end, prev_kv })
                }
                () => self.large_operation(written),
            });
        }
        branch
    }

    fn large_operation(&mut self, written: &mut Written) -> RequestOp {
        let number = self.key_number();
        let prev_kv = self.percent(20);
        match self.stream.below(10) {
            0..=4 if !written.deletes.contains(&number) && written.puts.insert(number) => {
                RequestOp::Put(PutRequest {
                    key: self.keys.name(number),
                    value: self.values.next(),
                    prev_kv,
                    ..PutRequest::default()
                })
            }
            5 if !written.puts.contains(&number) => {
                written.deletes.insert(number);
                let key = self.keys.name(number);
                RequestOp::DeleteRange(DeleteRangeRequest {
                    key,
                    range_end: Blob::default(),
                    prev_kv,
                })
            }
            6 => {
                let end = number + 1 + self.stream.below(8) as u32;
                if written.puts.range(number..end).next().is_some() {
                    return RequestOp::Range(self.past());
                }
                // Two deletes of a branch may delete the same key.
                written.deletes.extend(number..end);
                RequestOp::DeleteRange(DeleteRangeRequest {
                    key: self.keys.name(number),
                    range_end: self.keys.name(end),
                    prev_kv,
                })
            }
            7 => RequestOp::Range(self.past()),
            _ => {
                let mut range = if self.percent(60) { self.get() } else { self.range() };
                range.serializable = self.percent(30);
                RequestOp::Range(range)
            }
        }
    }

    /// A read at an earlier revision, now and then a compacted one.
    fn past(&mut self) -> RangeRequest {
        let mut range = if self.percent(60) { self.get() } else { self.range() };
        let rarely = self.percent(2);
        range.revision = self.seen.a_revision(&mut self.stream);
        if rarely {
            range.revision = self.seen.compacted().max(1);
        }
        range
    }
}

//! Requests that validation must refuse, and odd ones that it must not.
//!
//! # Source
//! etcd `v3rpc/key.go` says what is refused; `mvcc/kvstore_txn.go` what an odd range means.

use mettle_checker::history::{
    Blob, Compare, CompareResult, DeleteRangeRequest, Operand, PutRequest, RangeRequest, Request,
    RequestOp, TxnRequest,
};

use super::large_txn::MOST_OPERATIONS;
use super::{Draw, Span};

/// Bytes of a value that makes a request larger than a member takes.
const TOO_LARGE: usize = 1_600_000;

impl Draw<'_> {
    /// A request that no member may answer with anything but a refusal.
    pub(super) fn malformed(&mut self) -> Request {
        let put = self.malformed_part();
        let key = put.key.clone();
        let twice = vec![RequestOp::Put(put.clone()), RequestOp::Put(put.clone())];
        let delete = DeleteRangeRequest { key: key.clone(), ..DeleteRangeRequest::default() };
        let of = |success| Request::Txn(TxnRequest { success, ..TxnRequest::default() });
        let get = RequestOp::Range(RangeRequest { key: key.clone(), ..RangeRequest::default() });
        match self.stream.below(13) {
            0 => Request::Range(RangeRequest::default()),
            1 => Request::Put(PutRequest { key: Blob::default(), ..put }),
            2 => Request::Put(PutRequest { ignore_value: true, ..put }),
            3 => Request::Put(PutRequest { ignore_lease: true, lease: 7, ..put }),
            4 => Request::DeleteRange(DeleteRangeRequest::default()),
            5 => of(twice),
            6 => of(vec![RequestOp::Put(put), RequestOp::DeleteRange(delete)]),
            7 => of(vec![get; MOST_OPERATIONS as usize + 1]),
            8 => {
                let operand = Operand::Version(0);
                let (key, range_end) = (Blob::default(), Blob::default());
                let empty = Compare { key, range_end, result: CompareResult::Equal, operand };
                Request::Txn(TxnRequest { compare: vec![empty], ..TxnRequest::default() })
            }
            9 => {
                // Each is small enough alone, and they are not together.
                let inside = TxnRequest { success: vec![get.clone(); 65], ..TxnRequest::default() };
                let mut success = vec![get; 63];
                success.push(RequestOp::Txn(inside));
                of(success)
            }
            10 => of(vec![RequestOp::Range(RangeRequest::default())]),
            11 => {
                // The key is put in a transaction inside, and again beside it.
                let inside = RequestOp::Txn(TxnRequest {
                    failure: vec![RequestOp::Put(put.clone())],
                    ..TxnRequest::default()
                });
                of(vec![inside, RequestOp::Put(put)])
            }
            _ => Request::Put(PutRequest { value: Blob::from(vec![b'x'; TOO_LARGE]), ..put }),
        }
    }

    fn malformed_part(&mut self) -> PutRequest {
        PutRequest { key: self.key(), value: Blob::from("refused"), ..PutRequest::default() }
    }

    /// A request that looks wrong and has a meaning: ends that lie below their keys, a negative
    /// limit, bounds that leave nothing.
    pub(super) fn odd(&mut self) -> Request {
        let (first, second) = (self.key(), self.key());
        let (low, high) = if first <= second { (first, second) } else { (second, first) };
        let backwards = Span { key: high, range_end: low };
        let Span { key, range_end } = backwards;
        match self.stream.below(6) {
            0 => Request::Range(RangeRequest { key, range_end, ..RangeRequest::default() }),
            1 => Request::DeleteRange(DeleteRangeRequest { key, range_end, prev_kv: true }),
            2 => {
                let Span { key, range_end } = self.span();
                Request::Range(RangeRequest {
                    key,
                    range_end,
                    limit: -1,
                    ..RangeRequest::default()
                })
            }
            3 => {
                let revision = self.seen.revision().max(1);
                let Span { key, range_end } = self.span();
                Request::Range(RangeRequest {
                    key,
                    range_end,
                    min_mod_revision: revision,
                    max_mod_revision: 1,
                    ..RangeRequest::default()
                })
            }
            4 => {
                // No key is in the range, so that every comparison holds.
                let operand = Operand::Value(Blob::from("nothing"));
                let none = Compare { key, range_end, result: CompareResult::Equal, operand };
                let failure = vec![RequestOp::Put(self.put_of_any())];
                Request::Txn(TxnRequest { compare: vec![none], success: Vec::new(), failure })
            }
            _ => Request::Txn(TxnRequest::default()),
        }
    }

    fn put_of_any(&mut self) -> PutRequest {
        PutRequest { key: self.key(), value: self.values.next(), ..PutRequest::default() }
    }
}

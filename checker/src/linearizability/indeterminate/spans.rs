//! The spans of keys that an answer depends on.

use crate::history::{Blob, PlainOp, Request, TxnPart};
use crate::model::Span;

/// A span that stands for the end of a lease. If a real key has this name, conflict sets only grow
/// larger than necessary.
pub(super) fn end_of(lease: i64) -> Span {
    let mut name = b"\0the end of lease \0".to_vec();
    name.extend(lease.to_be_bytes());
    Span::one(&Blob::from(name))
}

/// Every span of keys that decides the answer of a request.
pub(in crate::linearizability) fn reads(request: &Request) -> Vec<Span> {
    let mut spans = Vec::new();
    if matches!(request, Request::LeaseRevoke(_)) {
        spans.push(Span::everything());
    }
    for part in request.parts() {
        spans.push(match part {
            TxnPart::Compare(compare) => Span::new(&compare.key, &compare.range_end),
            TxnPart::Op(PlainOp::Range(range)) => Span::new(&range.key, &range.range_end),
            TxnPart::Op(PlainOp::Put(put)) => Span::one(&put.key),
            TxnPart::Op(PlainOp::DeleteRange(delete)) => Span::new(&delete.key, &delete.range_end),
        });
        if let TxnPart::Op(PlainOp::Put(put)) = part
            && put.lease != 0
        {
            spans.push(end_of(put.lease));
        }
    }
    spans
}

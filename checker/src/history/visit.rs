//! Visitors of requests and answers: they descend into nested transactions.

use std::iter::{Chain, Zip};
use std::slice::Iter;

use super::{
    Compare, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse, RangeRequest,
    RangeResponse, Request, RequestOp, ResponseOp, TxnRequest, TxnResponse,
};

/// An operation that is not a transaction.
#[derive(Clone, Copy, Debug)]
pub enum PlainOp<'a> {
    /// Read.
    Range(&'a RangeRequest),
    /// Put.
    Put(&'a PutRequest),
    /// Delete.
    DeleteRange(&'a DeleteRangeRequest),
}

/// A part of a transaction.
#[derive(Clone, Copy, Debug)]
pub enum TxnPart<'a> {
    /// A condition.
    Compare(&'a Compare),
    /// An operation.
    Op(PlainOp<'a>),
}

impl<'a> TxnPart<'a> {
    fn op(self) -> Option<PlainOp<'a>> {
        match self {
            TxnPart::Op(op) => Some(op),
            TxnPart::Compare(_) => None,
        }
    }
}

/// The answer to an operation that is not a transaction.
#[derive(Clone, Copy, Debug)]
pub enum PlainAnswer<'a> {
    /// To a read.
    Range(&'a RangeResponse),
    /// To a put.
    Put(&'a PutResponse),
    /// To a deletion.
    DeleteRange(&'a DeleteRangeResponse),
}

type Lists<'a> = Chain<Iter<'a, RequestOp>, Iter<'a, RequestOp>>;

/// The parts of a transaction: its conditions, then the operations of both lists. The parts of a
/// nested transaction stand in its place.
#[derive(Clone, Debug)]
pub struct TxnParts<'a> {
    conditions: Iter<'a, Compare>,
    ops: Lists<'a>,
    /// The remaining operations of the outer transactions.
    around: Vec<Lists<'a>>,
}

impl<'a> Iterator for TxnParts<'a> {
    type Item = TxnPart<'a>;

    #[inline]
    fn next(&mut self) -> Option<TxnPart<'a>> {
        loop {
            if let Some(condition) = self.conditions.next() {
                return Some(TxnPart::Compare(condition));
            }
            match self.ops.next() {
                None => self.ops = self.around.pop()?,
                Some(RequestOp::Range(range)) => return Some(TxnPart::Op(PlainOp::Range(range))),
                Some(RequestOp::Put(put)) => return Some(TxnPart::Op(PlainOp::Put(put))),
                Some(RequestOp::DeleteRange(delete)) => {
                    return Some(TxnPart::Op(PlainOp::DeleteRange(delete)));
                }
                Some(RequestOp::Txn(inner)) => {
                    self.conditions = inner.compare.iter();
                    let inside = inner.success.iter().chain(&inner.failure);
                    self.around.push(std::mem::replace(&mut self.ops, inside));
                }
            }
        }
    }
}

/// The operations of the branches that a transaction took, with their answers.
#[derive(Clone, Debug)]
pub struct AnsweredOps<'a, 'b> {
    pairs: Zip<Iter<'a, RequestOp>, Iter<'b, ResponseOp>>,
    around: Vec<Zip<Iter<'a, RequestOp>, Iter<'b, ResponseOp>>>,
}

impl<'a, 'b> Iterator for AnsweredOps<'a, 'b> {
    type Item = (PlainOp<'a>, &'b ResponseOp);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((op, answer)) = self.pairs.next() else {
                self.pairs = self.around.pop()?;
                continue;
            };
            let op = match (op, answer) {
                (RequestOp::Range(range), _) => PlainOp::Range(range),
                (RequestOp::Put(put), _) => PlainOp::Put(put),
                (RequestOp::DeleteRange(delete), _) => PlainOp::DeleteRange(delete),
                (RequestOp::Txn(inner), ResponseOp::Txn(answer)) => {
                    let inside = inner.answered(answer);
                    self.around.push(std::mem::replace(&mut self.pairs, inside));
                    continue;
                }
                (RequestOp::Txn(_), _) => continue,
            };
            return Some((op, answer));
        }
    }
}

/// The answers of a transaction, with the answers of nested transactions in their place.
#[derive(Clone, Debug)]
pub struct Answers<'a> {
    answers: Iter<'a, ResponseOp>,
    around: Vec<Iter<'a, ResponseOp>>,
}

impl<'a> Iterator for Answers<'a> {
    type Item = PlainAnswer<'a>;

    fn next(&mut self) -> Option<PlainAnswer<'a>> {
        loop {
            match self.answers.next() {
                None => self.answers = self.around.pop()?,
                Some(ResponseOp::Range(range)) => return Some(PlainAnswer::Range(range)),
                Some(ResponseOp::Put(put)) => return Some(PlainAnswer::Put(put)),
                Some(ResponseOp::DeleteRange(delete)) => {
                    return Some(PlainAnswer::DeleteRange(delete));
                }
                Some(ResponseOp::Txn(inner)) => {
                    let inside = inner.responses.iter();
                    self.around.push(std::mem::replace(&mut self.answers, inside));
                }
            }
        }
    }
}

impl TxnRequest {
    /// The conditions and operations, including those of nested transactions.
    #[inline]
    pub fn parts(&self) -> TxnParts<'_> {
        let ops = self.success.iter().chain(&self.failure);
        TxnParts { conditions: self.compare.iter(), ops, around: Vec::new() }
    }

    /// The operations that the transaction may run, on any branch.
    #[inline]
    pub fn ops(&self) -> impl Iterator<Item = PlainOp<'_>> + Clone {
        self.parts().filter_map(TxnPart::op)
    }

    /// Whether the transaction may write.
    pub fn may_write(&self) -> bool {
        self.ops().any(|op| !matches!(op, PlainOp::Range(_)))
    }

    /// The operations that the transaction ran, with their answers. An answer of another kind is
    /// possible, since a recording may be wrong.
    pub fn answered_ops<'a, 'b>(&'a self, answer: &'b TxnResponse) -> AnsweredOps<'a, 'b> {
        AnsweredOps { pairs: self.answered(answer), around: Vec::new() }
    }

    fn answered<'a, 'b>(
        &'a self,
        answer: &'b TxnResponse,
    ) -> Zip<Iter<'a, RequestOp>, Iter<'b, ResponseOp>> {
        let done = if answer.succeeded { &self.success } else { &self.failure };
        done.iter().zip(&answer.responses)
    }
}

impl TxnResponse {
    /// The answers to the operations, including those of nested transactions.
    pub fn answers(&self) -> Answers<'_> {
        Answers { answers: self.responses.iter(), around: Vec::new() }
    }
}

/// The parts of a request.
#[derive(Clone, Debug)]
pub enum RequestParts<'a> {
    /// The request is an operation on keys itself, or no such operation.
    Own(Option<PlainOp<'a>>),
    /// The request is a transaction.
    Txn(TxnParts<'a>),
}

impl<'a> Iterator for RequestParts<'a> {
    type Item = TxnPart<'a>;

    #[inline]
    fn next(&mut self) -> Option<TxnPart<'a>> {
        match self {
            RequestParts::Own(op) => op.take().map(TxnPart::Op),
            RequestParts::Txn(parts) => parts.next(),
        }
    }
}

impl Request {
    /// Conditions and operations on keys: those of a transaction, or the request itself.
    #[inline]
    pub fn parts(&self) -> RequestParts<'_> {
        RequestParts::Own(match self {
            Request::Range(range) => Some(PlainOp::Range(range)),
            Request::Put(put) => Some(PlainOp::Put(put)),
            Request::DeleteRange(delete) => Some(PlainOp::DeleteRange(delete)),
            Request::Txn(txn) => return RequestParts::Txn(txn.parts()),
            _ => None,
        })
    }

    /// The operations of the request, or those that its transaction may run.
    pub fn ops(&self) -> impl Iterator<Item = PlainOp<'_>> + Clone {
        self.parts().filter_map(TxnPart::op)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Blob;

    fn put(key: &str) -> RequestOp {
        RequestOp::Put(PutRequest { key: Blob::from(key), ..PutRequest::default() })
    }

    fn nested() -> TxnRequest {
        let compare = |key: &str| Compare {
            key: Blob::from(key),
            range_end: Blob::default(),
            result: crate::history::CompareResult::Equal,
            operand: crate::history::Operand::Version(1),
        };
        let inner = TxnRequest {
            compare: vec![compare("y")],
            success: vec![put("b")],
            failure: vec![RequestOp::Txn(TxnRequest::default()), put("c")],
        };
        TxnRequest {
            compare: vec![compare("x")],
            success: vec![put("a"), RequestOp::Txn(inner), put("d")],
            failure: vec![put("e")],
        }
    }

    #[test]
    fn parts_stand_in_the_order_of_the_request() {
        let name = |part| match part {
            TxnPart::Compare(compare) => compare.key.to_string(),
            TxnPart::Op(PlainOp::Put(put)) => put.key.to_string(),
            TxnPart::Op(_) => unreachable!("only puts"),
        };
        let names: Vec<String> = nested().parts().map(name).collect();
        assert_eq!(names, ["x", "a", "y", "b", "c", "d", "e"]);
    }

    #[test]
    fn answers_stand_beside_what_was_done() {
        let answer = |revision| {
            let header = Some(crate::history::Header { revision, ..Default::default() });
            ResponseOp::Put(PutResponse { header, prev_kv: None })
        };
        let empty = TxnResponse { succeeded: true, ..TxnResponse::default() };
        let inner = TxnResponse {
            succeeded: false,
            responses: vec![ResponseOp::Txn(empty), answer(2)],
            ..TxnResponse::default()
        };
        let outer = TxnResponse {
            succeeded: true,
            responses: vec![answer(1), ResponseOp::Txn(inner), answer(3)],
            ..TxnResponse::default()
        };
        let request = nested();
        let revision = |answer: &ResponseOp| match answer {
            ResponseOp::Put(put) => put.header.map_or(0, |header| header.revision),
            _ => 0,
        };
        let pairs: Vec<(String, i64)> = request
            .answered_ops(&outer)
            .map(|(op, answer)| match op {
                PlainOp::Put(put) => (put.key.to_string(), revision(answer)),
                _ => unreachable!("only puts"),
            })
            .collect();
        let expected = [("a", 1), ("c", 2), ("d", 3)].map(|(key, at)| (key.to_owned(), at));
        assert_eq!(pairs, expected);
        let put = |answer| match answer {
            PlainAnswer::Put(put) => put.header.map_or(0, |header| header.revision),
            _ => 0,
        };
        assert_eq!(outer.answers().map(put).collect::<Vec<_>>(), [1, 2, 3]);
    }

    /// A recording may be wrong: an operation keeps whatever stands in the place of its answer.
    #[test]
    fn an_answer_of_another_kind_stands_beside_its_operation() {
        let request = TxnRequest { success: vec![put("a")], ..TxnRequest::default() };
        let responses = vec![ResponseOp::Range(RangeResponse::default())];
        let answer = TxnResponse { succeeded: true, responses, ..TxnResponse::default() };
        let pairs: Vec<_> = request.answered_ops(&answer).collect();
        assert!(matches!(pairs[..], [(PlainOp::Put(_), ResponseOp::Range(_))]));
    }
}

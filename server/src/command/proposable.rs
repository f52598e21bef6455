//! The requests that can be proposed: each knows its place in the log and the type of its answer.

use super::{
    Applied, Attributes, Body, CompactRequest, DeleteRangeRequest, DeleteRangeResponse, PutRequest,
    PutResponse, RequestOp, TxnRequest, TxnResponse,
};

/// A request that changes the store when the entry that carries it is applied.
pub trait Proposable {
    /// What applying such a request answers.
    type Answer;

    /// Whether the request may make the store larger: a store over its quota refuses it.
    fn grows(&self) -> bool;

    /// The request as the log carries it.
    fn into_body(self) -> Body;

    /// The answer in `applied`, or `applied` itself when another kind of request was applied.
    fn answer(applied: Applied) -> Result<Self::Answer, Applied>;
}

/// One row for each kind: request, kind, answer, and whether the request may make the store larger.
macro_rules! proposable {
    ($($request:ident => $kind:ident($answer:ty), grows: $grows:expr;)*) => {$(
        impl Proposable for $request {
            type Answer = $answer;

            fn grows(&self) -> bool {
                let grows: fn(&$request) -> bool = $grows;
                grows(self)
            }

            fn into_body(self) -> Body {
                Body::$kind(self)
            }

            fn answer(applied: Applied) -> Result<$answer, Applied> {
                match applied {
                    Applied::$kind(answer) => Ok(answer),
                    other => Err(other),
                }
            }
        }
    )*};
}

proposable! {
    PutRequest => Put(PutResponse), grows: |_| true;
    DeleteRangeRequest => DeleteRange(DeleteRangeResponse), grows: |_| false;
    TxnRequest => Txn(TxnResponse), grows: TxnRequest::may_put;
    CompactRequest => Compact(i64), grows: |_| false;
    Attributes => Publish(()), grows: |_| false;
}

impl TxnRequest {
    /// Whether any branch, here or inside, has a put.
    fn may_put(&self) -> bool {
        self.success.iter().chain(&self.failure).any(|op| match op {
            RequestOp::Put(_) => true,
            RequestOp::Txn(inner) => inner.may_put(),
            RequestOp::Range(_) | RequestOp::DeleteRange(_) => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txn(success: Vec<RequestOp>, failure: Vec<RequestOp>) -> TxnRequest {
        TxnRequest { compare: vec![], success, failure }
    }

    #[test]
    fn a_txn_grows_when_any_branch_inside_puts() {
        let put = PutRequest {
            key: "a".into(),
            value: "1".into(),
            lease: 0,
            prev_kv: false,
            ignore_value: false,
            ignore_lease: false,
        };
        let inside = txn(vec![], vec![RequestOp::Put(put.clone())]);
        assert!(put.grows());
        assert!(txn(vec![], vec![RequestOp::Txn(inside)]).grows());
        assert!(!txn(vec![RequestOp::Txn(txn(vec![], vec![]))], vec![]).grows());
    }

    #[test]
    fn an_answer_of_another_kind_comes_back() {
        let applied = Applied::Compact(7);
        assert_eq!(PutRequest::answer(applied.clone()), Err(applied.clone()));
        assert_eq!(CompactRequest::answer(applied), Ok(7));
    }
}

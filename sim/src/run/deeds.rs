//! What an operation of the traffic came to, for the floor of the run.

use mettle_checker::history::{Request, RequestOp};

use crate::client::Called;
use crate::recorder::{Breach, CallResult, Count, Recorder};
use crate::traffic::{Aim, Operation};

/// A transaction of more operations is a large one.
const LARGE_TXN: usize = 64;
/// A value of more bytes is a large one.
const LARGE_VALUE: usize = 64 << 10;

/// The rule that a malformed request is refused.
const REFUSED: &str = "malformed requests are refused";

/// Counts what the operation came to, and holds a malformed one to its refusal.
pub(super) fn count(recorder: &Recorder, at_ns: u64, operation: &Operation, called: &Called) {
    let Operation { request, patience, aim, .. } = operation;
    match (&called.ending, aim) {
        (CallResult::Answered(_), Aim::Refusal) => {
            let op = request.op().name();
            let reason = format!("a {op} that etcd refuses was answered: {}", shown(request));
            recorder.broken(Breach { rule: REFUSED, reason, at_ns });
        }
        (CallResult::Answered(_), aim) => {
            if *aim == (Aim::Page { later: true }) {
                recorder.count(Count::PagesRead);
            }
            if operations(request) > LARGE_TXN {
                recorder.count(Count::LargeTxns);
            }
            if longest_value(request) > LARGE_VALUE {
                recorder.count(Count::LargeValues);
            }
        }
        (CallResult::Refused(error), Aim::Refusal) if error.code == "InvalidArgument" => {
            recorder.count(Count::MalformedRefused);
        }
        (CallResult::Refused(error), _) if patience.hurried && error.code == "DeadlineExceeded" => {
            recorder.count(Count::HurriedLate);
        }
        (CallResult::Refused(_) | CallResult::NeverSent(_), _) => {}
    }
}

/// The beginning of a request in words.
fn shown(request: &Request) -> String {
    const CHARACTERS: usize = 300;
    format!("{request:?}").chars().take(CHARACTERS).collect()
}

/// Operations of both branches, with those of transactions inside.
fn operations(request: &Request) -> usize {
    fn of(operations: &[RequestOp]) -> usize {
        let each = operations.iter().map(|operation| match operation {
            RequestOp::Txn(txn) => of(&txn.success) + of(&txn.failure),
            RequestOp::Range(_) | RequestOp::Put(_) | RequestOp::DeleteRange(_) => 1,
        });
        each.sum()
    }
    match request {
        Request::Txn(txn) => of(&txn.success) + of(&txn.failure),
        _ => 1,
    }
}

fn longest_value(request: &Request) -> usize {
    fn of(operations: &[RequestOp]) -> usize {
        let each = operations.iter().map(|operation| match operation {
            RequestOp::Put(put) => put.value.len(),
            RequestOp::Txn(txn) => of(&txn.success).max(of(&txn.failure)),
            RequestOp::Range(_) | RequestOp::DeleteRange(_) => 0,
        });
        each.max().unwrap_or(0)
    }
    match request {
        Request::Put(put) => put.value.len(),
        Request::Txn(txn) => of(&txn.success).max(of(&txn.failure)),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use mettle_checker::history::{
        Blob, ErrorAnswer, Outcome, PutRequest, PutResponse, Response, TxnRequest,
    };

    use super::*;
    use crate::traffic::Patience;

    fn operation(request: Request, aim: Aim) -> Operation {
        Operation { pause_ns: 0, request, patience: Patience::of(1), aim }
    }

    fn answered() -> Called {
        let ending = CallResult::Answered(Response::Put(PutResponse::default()));
        Called { outcome: Outcome::Ok, ending }
    }

    fn refused(code: &str) -> Called {
        let error = ErrorAnswer { code: code.to_owned(), message: String::new() };
        Called { outcome: Outcome::Fail, ending: CallResult::Refused(error) }
    }

    fn put(bytes: usize) -> PutRequest {
        PutRequest { value: Blob::from(vec![7; bytes]), ..PutRequest::default() }
    }

    #[test]
    fn a_malformed_request_that_is_answered_breaks_a_rule() {
        let recorder = Recorder::default();
        let malformed = operation(Request::Put(PutRequest::default()), Aim::Refusal);
        count(&recorder, 5, &malformed, &refused("InvalidArgument"));
        count(&recorder, 6, &malformed, &refused("Unavailable"));
        assert_eq!(recorder.traffic().get("malformed_refused"), Some(&1));
        assert!(recorder.take_breaches().is_empty());
        count(&recorder, 7, &malformed, &answered());
        let [breach] = &recorder.take_breaches()[..] else { panic!("one rule is broken") };
        assert_eq!((breach.rule, breach.at_ns), (REFUSED, 7));
        assert!(breach.reason.starts_with("a put that etcd refuses was answered: "));
    }

    #[test]
    fn large_values_and_transactions_are_counted_when_they_are_answered() {
        let recorder = Recorder::default();
        let inside = TxnRequest {
            failure: vec![RequestOp::Put(put(0)); LARGE_TXN],
            ..TxnRequest::default()
        };
        let success = vec![RequestOp::Txn(inside), RequestOp::Put(put(LARGE_VALUE + 1))];
        let large = Request::Txn(TxnRequest { success, ..TxnRequest::default() });
        let large = operation(large, Aim::Answer);
        count(&recorder, 1, &large, &refused("Unavailable"));
        assert!(recorder.traffic().is_empty());
        count(&recorder, 1, &large, &answered());
        count(&recorder, 1, &operation(Request::Put(put(LARGE_VALUE)), Aim::Answer), &answered());
        let expected = [("large_txns".to_owned(), 1), ("large_values".to_owned(), 1)];
        assert_eq!(recorder.traffic(), expected.into());
    }
}

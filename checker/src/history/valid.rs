//! Rules that every record keeps, in any format.

use super::{Op, Outcome, Record, Response};

/// The defect of a record, and its remedy.
pub(super) struct Problem {
    pub(super) cause: String,
    pub(super) remedy: &'static str,
}

pub(super) fn problem(cause: impl Into<String>, remedy: &'static str) -> Problem {
    Problem { cause: cause.into(), remedy }
}

/// Checks that times, outcome and answer fit together.
pub(super) fn valid(record: &Record) -> Result<(), Problem> {
    times(record)?;
    let op = record.request.op();
    let response = &record.response;
    let is_error = matches!(response, Some(Response::Error(_)));
    match record.outcome {
        Outcome::Ok if op != Op::WatchEnd && is_error => {
            Err(problem("outcome ok with an error as answer", "outcome must be fail"))
        }
        Outcome::Ok if response.is_none() && (op.is_operation() || op == Op::WatchResponse) => {
            Err(problem("outcome ok without a response", "record the response"))
        }
        Outcome::Fail | Outcome::Unknown if op == Op::Quiesced => {
            Err(problem("a quiet time without its end", "outcome must be ok"))
        }
        Outcome::Fail if response.is_some() && !is_error => {
            Err(problem("outcome fail with an answer", "outcome must be ok"))
        }
        Outcome::Unknown if response.is_some() && !is_error => {
            Err(problem("outcome unknown with an answer", "outcome must be ok"))
        }
        _ => Ok(()),
    }
}

fn times(record: &Record) -> Result<(), Problem> {
    match (record.outcome, record.return_ns) {
        (Outcome::Unknown, Some(_)) => {
            Err(problem("outcome unknown with a return_ns", "set return_ns to null"))
        }
        (Outcome::Ok | Outcome::Fail, None) => {
            Err(problem("no return_ns though it was answered", "record when the answer came"))
        }
        (_, Some(return_ns)) if return_ns < record.call_ns => Err(problem(
            format!("return_ns {return_ns} is before call_ns {}", record.call_ns),
            "record both with one monotonic clock",
        )),
        _ => Ok(()),
    }
}

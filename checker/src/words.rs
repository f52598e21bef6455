//! Operations and times in words a person understands.

use std::fmt::Write as _;

use crate::history::{Op, Record, Request, RequestOp, TxnRequest};
use crate::model::Span;

/// `put /a=v7 by process 3`
pub(crate) fn describe(record: &Record) -> String {
    format!("{} by process {}", request(&record.request), record.process)
}

/// `put /a=v7`
pub(crate) fn request(request: &Request) -> String {
    match request {
        Request::Range(range) => {
            let span = Span::new(&range.key, &range.range_end);
            let kind = if range.serializable { "serializable get" } else { "get" };
            let mut text = format!("{kind} {span}");
            if range.revision > 0 {
                let _ = write!(text, " at revision {}", range.revision);
            }
            text
        }
        Request::Put(put) => format!("put {}={}", put.key, put.value),
        Request::DeleteRange(delete) => {
            format!("delete {}", Span::new(&delete.key, &delete.range_end))
        }
        Request::Txn(request) => format!("txn {}", txn(request)),
        Request::Compact(compact) => format!("compact at revision {}", compact.revision),
        Request::WatchCreate(watch) => {
            format!("watch {} on stream {}", Span::new(&watch.key, &watch.range_end), watch.stream)
        }
        other => other.op().name().replace('_', " "),
    }
}

fn txn(request: &TxnRequest) -> String {
    let list = |ops: &[RequestOp]| {
        let words: Vec<_> = ops.iter().map(op).collect();
        words.join(", ")
    };
    let mut text = String::from("{");
    if !request.compare.is_empty() {
        let keys: Vec<_> = request.compare.iter().map(|compare| compare.key.to_string()).collect();
        let _ = write!(text, "if {}: ", keys.join(", "));
    }
    text.push_str(&list(&request.success));
    if !request.failure.is_empty() {
        let _ = write!(text, " else {}", list(&request.failure));
    }
    text.push('}');
    text
}

fn op(op: &RequestOp) -> String {
    match op {
        RequestOp::Range(range) => request(&Request::Range(range.clone())),
        RequestOp::Put(put) => request(&Request::Put(put.clone())),
        RequestOp::DeleteRange(delete) => request(&Request::DeleteRange(delete.clone())),
        RequestOp::Txn(inner) => txn(inner),
    }
}

/// A span of time with a fitting unit.
pub(crate) fn duration(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} us", ns / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

/// The kind of an operation, for the middle of a sentence.
pub(crate) fn noun(record: &Record) -> &'static str {
    match record.request.op() {
        Op::Range => "read",
        Op::Put | Op::DeleteRange => "write",
        Op::Txn => "transaction",
        Op::Compact => "compaction",
        _ => "watch",
    }
}

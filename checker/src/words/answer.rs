//! Describes the answer of a record.

use super::{event, key_value, named, time};
use crate::history::{
    KeyValue, Op, RangeResponse, Record, Response, ResponseOp, TxnResponse, WatchResponse,
};

/// The answer with its revision: `revision 41: /a=v7 @40`.
pub fn answer(record: &Record) -> String {
    let words = describe_answer(record);
    match revision(record) {
        Some(revision) => format!("revision {revision}: {words}"),
        None => words,
    }
}

/// The answer without its revision.
pub fn describe_answer(record: &Record) -> String {
    let Some(response) = &record.response else {
        if let (Op::Quiesced, Some(end)) = (record.request.op(), record.return_ns) {
            return format!("until {}", time(end));
        }
        let sent = record.request.op().is_watch();
        return if sent { "sent" } else { "no answer" }.to_owned();
    };
    match response {
        Response::Range(range) => found(range),
        Response::Put(put) => put.prev_kv.as_ref().map_or_else(
            || "done".to_owned(),
            |before| format!("done, before: {}", key_value(before)),
        ),
        Response::DeleteRange(delete) => deleted(delete.deleted, &delete.prev_kvs),
        Response::Txn(txn) => describe_txn(txn),
        Response::Compact(_) | Response::LeaseRevoke(_) => "done".to_owned(),
        Response::LeaseGrant(lease) => format!("lease {} for {} s", lease.id, lease.ttl),
        Response::LeaseKeepAlive(lease) => format!("{} s", lease.ttl),
        Response::LeaseTimeToLive(lease) => format!("{} s of {} s", lease.ttl, lease.granted_ttl),
        Response::LeaseLeases(answer) => format!("{} leases", answer.leases.len()),
        Response::Watch(watch) => describe_watch(watch),
        Response::Error(error) if error.message.is_empty() => error.code.clone(),
        Response::Error(error) => format!("{}: {}", error.code, error.message),
    }
}

/// The revision in the answer's header.
pub fn revision(record: &Record) -> Option<i64> {
    Some(record.response.as_ref()?.header()?.revision)
}

fn found(range: &RangeResponse) -> String {
    if range.kvs.is_empty() {
        return match range.count {
            0 => "not found".to_owned(),
            count => format!("{count} keys"),
        };
    }
    let more = if range.more { ", more" } else { "" };
    let of = if range.kvs.len() as i64 == range.count {
        String::new()
    } else {
        format!(" (of {}{more})", range.count)
    };
    format!("{}{of}", named(&range.kvs, key_value))
}

fn deleted(count: i64, before: &[KeyValue]) -> String {
    if before.is_empty() {
        format!("{count} deleted")
    } else {
        format!("{count} deleted, before: {}", named(before, key_value))
    }
}

fn describe_txn(txn: &TxnResponse) -> String {
    let branch = if txn.succeeded { "success" } else { "failure" };
    let answers: Vec<String> = txn
        .responses
        .iter()
        .map(|response| match response {
            ResponseOp::Range(range) => found(range),
            ResponseOp::Put(_) => "put".to_owned(),
            ResponseOp::DeleteRange(delete) => deleted(delete.deleted, &delete.prev_kvs),
            ResponseOp::Txn(txn) => format!("({})", describe_txn(txn)),
        })
        .collect();
    if answers.is_empty() { branch.to_owned() } else { format!("{branch}; {}", answers.join("; ")) }
}

fn describe_watch(watch: &WatchResponse) -> String {
    let mut parts = Vec::new();
    if watch.created {
        parts.push(format!("watch {} created", watch.watch_id));
    }
    if !watch.events.is_empty() {
        parts.push(named(&watch.events, event));
    }
    if watch.canceled {
        let why = match (watch.compact_revision, watch.cancel_reason.as_str()) {
            (0, "") => String::new(),
            (0, reason) => format!(", {reason}"),
            (compacted, _) => format!(", compacted up to {compacted}"),
        };
        parts.push(format!("watch {} canceled{why}", watch.watch_id));
    }
    if parts.is_empty() { "progress".to_owned() } else { parts.join("; ") }
}

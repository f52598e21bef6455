//! Describes the request of a record.

use std::fmt::Write as _;

use super::{short, span};
use crate::history::{
    Compare, CompareResult, Event, EventType, KeyValue, LeaseGrantRequest, Operand, PutRequest,
    RangeRequest, Request, RequestOp, TxnRequest, WatchCreateRequest,
};

/// `put /a=v7`
pub fn request(request: &Request) -> String {
    match request {
        Request::Range(range) => ask_range(range),
        Request::Put(put) => {
            let with = if put.prev_kv { " with prev_kv" } else { "" };
            format!("{}{with}", ask_put(put))
        }
        Request::DeleteRange(delete) => format!("delete {}", span(&delete.key, &delete.range_end)),
        Request::Txn(txn) => ask_txn(txn),
        Request::Compact(compact) => format!("compact at revision {}", compact.revision),
        Request::WatchCreate(watch) => ask_watch(watch),
        Request::WatchCancel(cancel) => {
            format!("cancel watch {} on stream {}", cancel.watch_id, cancel.stream)
        }
        Request::WatchProgress(on) => format!("ask for progress on stream {}", on.stream),
        Request::WatchResponse(on) => format!("response on stream {}", on.stream),
        Request::WatchEnd(on) => format!("end of stream {}", on.stream),
        Request::Quiesced(_) => "quiet: nothing wrong, all wait".to_owned(),
        Request::LeaseGrant(LeaseGrantRequest { id: 0, ttl }) => {
            format!("grant of a lease of any number for {ttl} s")
        }
        Request::LeaseGrant(grant) => format!("grant of lease {} for {} s", grant.id, grant.ttl),
        Request::LeaseRevoke(lease) => format!("revocation of lease {}", lease.id),
        Request::LeaseKeepAlive(lease) => format!("renewal of lease {}", lease.id),
        Request::LeaseTimeToLive(lease) => format!("time left of lease {}", lease.id),
        Request::LeaseLeases(_) => "list of leases".to_owned(),
    }
}

fn ask_put(put: &PutRequest) -> String {
    let value = if put.ignore_value {
        " keeping its value".to_owned()
    } else {
        format!("={}", short(&put.value))
    };
    let lease = match (put.lease, put.ignore_lease) {
        (_, true) => " keeping its lease".to_owned(),
        (0, false) => String::new(),
        (lease, false) => format!(" with lease {lease}"),
    };
    format!("put {}{value}{lease}", short(&put.key))
}

fn ask_range(range: &RangeRequest) -> String {
    let mut text = String::from(if range.serializable { "serializable get " } else { "get " });
    text += &span(&range.key, &range.range_end);
    if range.revision > 0 {
        let _ = write!(text, " at revision {}", range.revision);
    }
    if range.limit > 0 {
        let _ = write!(text, ", limit {}", range.limit);
    }
    if range.count_only {
        text += ", count only";
    }
    if range.keys_only {
        text += ", keys only";
    }
    text
}

fn ask_watch(watch: &WatchCreateRequest) -> String {
    let mut text =
        format!("watch {} on stream {}", span(&watch.key, &watch.range_end), watch.stream);
    if watch.start_revision > 0 {
        let _ = write!(text, " from revision {}", watch.start_revision);
    }
    text
}

fn ask_txn(txn: &TxnRequest) -> String {
    let operations = |list: &[RequestOp]| {
        if list.is_empty() {
            return "nothing".to_owned();
        }
        list.iter().map(operation).collect::<Vec<_>>().join("; ")
    };
    let mut text = String::from("txn");
    if !txn.compare.is_empty() {
        let compares: Vec<String> = txn.compare.iter().map(compare).collect();
        let _ = write!(text, " if {}", compares.join(" and "));
    }
    let _ = write!(text, " do {}", operations(&txn.success));
    if !txn.failure.is_empty() {
        let _ = write!(text, " else {}", operations(&txn.failure));
    }
    text
}

fn operation(op: &RequestOp) -> String {
    match op {
        RequestOp::Range(range) => ask_range(range),
        RequestOp::Put(put) => ask_put(put),
        RequestOp::DeleteRange(delete) => {
            format!("delete {}", span(&delete.key, &delete.range_end))
        }
        RequestOp::Txn(txn) => format!("({})", ask_txn(txn)),
    }
}

fn compare(compare: &Compare) -> String {
    let sign = match compare.result {
        CompareResult::Equal => "=",
        CompareResult::NotEqual => "≠",
        CompareResult::Greater => ">",
        CompareResult::Less => "<",
    };
    let (what, value) = match &compare.operand {
        Operand::Version(value) => ("version", value.to_string()),
        Operand::CreateRevision(value) => ("create revision", value.to_string()),
        Operand::ModRevision(value) => ("mod revision", value.to_string()),
        Operand::Lease(value) => ("lease", value.to_string()),
        Operand::Value(value) => ("value", short(value)),
    };
    format!("{what} of {} {sign} {value}", span(&compare.key, &compare.range_end))
}

/// `put /a=v7 @41`
pub(crate) fn event(event: &Event) -> String {
    let revision = event.kv.mod_revision;
    match event.kind {
        EventType::Put => {
            format!("put {}={} @{revision}", short(&event.kv.key), short(&event.kv.value))
        }
        EventType::Delete => format!("delete {} @{revision}", short(&event.kv.key)),
    }
}

/// `/a=v7 @41`
pub(crate) fn key_value(kv: &KeyValue) -> String {
    format!("{}={} @{}", short(&kv.key), short(&kv.value), kv.mod_revision)
}

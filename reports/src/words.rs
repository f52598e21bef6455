//! Records of a history in words: short enough for a line, exact enough to see a contradiction.

use std::fmt::Write as _;

use mettle_checker::history::{
    Blob, Compare, CompareResult, Event, EventType, KeyValue, Operand, RangeRequest, RangeResponse,
    Record, Request, RequestOp, Response, ResponseOp, TxnRequest, TxnResponse, WatchCreateRequest,
    WatchResponse,
};

/// So many keys or events are named; the rest is counted.
const NAMED: usize = 4;
/// So many characters of a value are shown.
const VALUE_CHARS: usize = 32;

/// `put /a = v7`
pub fn request(request: &Request) -> String {
    match request {
        Request::Range(range) => ask_range(range),
        Request::Put(put) => {
            let with = if put.prev_kv { ", and what was before" } else { "" };
            format!("put {} = {}{with}", short(&put.key), short(&put.value))
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
        Request::Quiesced(_) => "quiet".to_owned(),
    }
}

/// What came back: `revision 41: /a = v7 @40`.
pub fn answer(record: &Record) -> String {
    let Some(response) = &record.response else { return "no answer".to_owned() };
    let words = match response {
        Response::Range(range) => found(range),
        Response::Put(put) => put.prev_kv.as_ref().map_or_else(
            || "done".to_owned(),
            |before| format!("done, before: {}", key_value(before)),
        ),
        Response::DeleteRange(delete) => deleted(delete.deleted, &delete.prev_kvs),
        Response::Txn(txn) => told_txn(txn),
        Response::Compact(_) => "done".to_owned(),
        Response::Watch(watch) => told_watch(watch),
        Response::Error(error) if error.message.is_empty() => return error.code.clone(),
        Response::Error(error) => return format!("{}: {}", error.code, error.message),
    };
    match revision(record) {
        Some(revision) => format!("revision {revision}: {words}"),
        None => words,
    }
}

/// The revision in the answer's header.
pub fn revision(record: &Record) -> Option<i64> {
    Some(record.response.as_ref()?.header()?.revision)
}

/// `12.345678 s`
pub fn time(ns: u64) -> String {
    let micros = ns / 1000;
    format!("{}.{:06} s", micros / 1_000_000, micros % 1_000_000)
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
        RequestOp::Put(put) => format!("put {} = {}", short(&put.key), short(&put.value)),
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

fn told_txn(txn: &TxnResponse) -> String {
    let branch = if txn.succeeded { "success" } else { "failure" };
    let answers: Vec<String> = txn
        .responses
        .iter()
        .map(|response| match response {
            ResponseOp::Range(range) => found(range),
            ResponseOp::Put(_) => "put".to_owned(),
            ResponseOp::DeleteRange(delete) => deleted(delete.deleted, &delete.prev_kvs),
            ResponseOp::Txn(txn) => format!("({})", told_txn(txn)),
        })
        .collect();
    if answers.is_empty() { branch.to_owned() } else { format!("{branch}; {}", answers.join("; ")) }
}

fn told_watch(watch: &WatchResponse) -> String {
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

fn event(event: &Event) -> String {
    let revision = event.kv.mod_revision;
    match event.kind {
        EventType::Put => {
            format!("put {} = {} @{revision}", short(&event.kv.key), short(&event.kv.value))
        }
        EventType::Delete => format!("delete {} @{revision}", short(&event.kv.key)),
    }
}

fn key_value(kv: &KeyValue) -> String {
    format!("{} = {} @{}", short(&kv.key), short(&kv.value), kv.mod_revision)
}

fn named<T>(all: &[T], name: fn(&T) -> String) -> String {
    let mut text = all.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ");
    if all.len() > NAMED {
        let _ = write!(text, " and {} more", all.len() - NAMED);
    }
    text
}

/// A range of keys as people write it.
fn span(key: &Blob, range_end: &Blob) -> String {
    let (first, end) = (key.as_slice(), range_end.as_slice());
    if end.is_empty() {
        return short(key);
    }
    if end == [0] {
        return if first == [0] { "all keys".to_owned() } else { format!("{} …", short(key)) };
    }
    let prefix = first.split_last().is_some_and(|(last, head)| {
        end.split_last()
            .is_some_and(|(end, rest)| rest == head && Some(*end) == last.checked_add(1))
    });
    if prefix {
        format!("{}*", short(key))
    } else {
        format!("{} … {}", short(key), short(range_end))
    }
}

fn short(blob: &Blob) -> String {
    let text = blob.to_string();
    match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => "\"\"".to_owned(),
        None => text,
    }
}

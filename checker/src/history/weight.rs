//! Counts the memory that records take, so that a reader can stop in time.

use std::mem::size_of;

use super::{
    Blob, Event, KeyValue, LeaseStatus, RangeResponse, Record, Request, RequestOp, Response,
    ResponseOp, TxnRequest, TxnResponse, WatchResponse,
};

/// The most objects in one line of a file; while a line is read, an object takes some hundred
/// bytes.
pub const MOST_OBJECTS: u64 = 4 << 20;

/// The most objects in one line if so many bytes are left.
pub(crate) fn most_objects(bytes: u64) -> u64 {
    const OBJECT: u64 = 512;
    MOST_OBJECTS.min(bytes / OBJECT).max(64)
}

/// Whether a JSON text holds more objects than `most`.
pub fn too_many_objects(text: &[u8], most: u64) -> bool {
    let few = text.len() as u64 / 2 <= most;
    !few && text.split(|byte| *byte == b'{').count() as u64 > most
}

/// The bytes of a record in a list that grows while records are read; such a list may be half
/// empty.
pub(crate) fn weight_read(record: &Record) -> u64 {
    weight(record) + size_of::<Record>() as u64
}

/// The approximate bytes of a record beyond the struct itself: its lists and long texts.
pub fn weight(record: &Record) -> u64 {
    let request = match &record.request {
        Request::Put(put) => blob(&put.key) + blob(&put.value),
        Request::Range(range) => blob(&range.key) + blob(&range.range_end),
        Request::DeleteRange(delete) => blob(&delete.key) + blob(&delete.range_end),
        Request::Txn(request) => txn(request),
        _ => 0,
    };
    let response = match &record.response {
        Some(Response::Range(response)) => range(response),
        Some(Response::DeleteRange(response)) => items(&response.prev_kvs),
        Some(Response::Txn(response)) => answers(response),
        Some(Response::Watch(response)) => events(response),
        Some(Response::LeaseTimeToLive(answer)) => {
            spare(&answer.keys)
                + answer.keys.iter().map(|key| size_of::<Blob>() + blob(key)).sum::<usize>()
        }
        Some(Response::LeaseLeases(answer)) => answer.leases.capacity() * size_of::<LeaseStatus>(),
        Some(Response::Error(error)) => error.code.len() + error.message.len(),
        _ => 0,
    };
    (size_of::<Record>() + request + response) as u64
}

/// The heap bytes of a blob; a short one has none.
fn blob(blob: &Blob) -> usize {
    if blob.len() < size_of::<Blob>() { 0 } else { blob.len() }
}

/// The bytes of a list's capacity; a list that was read has grown by doubling.
#[allow(clippy::ptr_arg, reason = "a slice has no capacity")]
fn spare<T>(list: &Vec<T>) -> usize {
    (list.capacity() - list.len()) * size_of::<T>()
}

#[allow(clippy::ptr_arg, reason = "a slice has no capacity")]
fn items(kvs: &Vec<KeyValue>) -> usize {
    spare(kvs) + kvs.iter().map(item).sum::<usize>()
}

fn item(kv: &KeyValue) -> usize {
    size_of::<KeyValue>() + blob(&kv.key) + blob(&kv.value)
}

fn range(response: &RangeResponse) -> usize {
    items(&response.kvs)
}

fn events(response: &WatchResponse) -> usize {
    let beside = |kv: &KeyValue| blob(&kv.key) + blob(&kv.value);
    let event = |event: &Event| {
        size_of::<Event>() + beside(&event.kv) + event.prev_kv.as_ref().map_or(0, beside)
    };
    spare(&response.events) + response.events.iter().map(event).sum::<usize>()
}

fn txn(request: &TxnRequest) -> usize {
    let op = |op: &RequestOp| {
        let inner = match op {
            RequestOp::Put(put) => blob(&put.key) + blob(&put.value),
            RequestOp::Txn(inner) => txn(inner),
            _ => 0,
        };
        size_of::<RequestOp>() + inner
    };
    let ops: usize = request.success.iter().chain(&request.failure).map(op).sum();
    let spare = spare(&request.success) + spare(&request.failure);
    ops + spare + request.compare.capacity() * size_of::<super::Compare>()
}

fn answers(response: &TxnResponse) -> usize {
    let answer = |answer: &ResponseOp| {
        let inner = match answer {
            ResponseOp::Range(response) => range(response),
            ResponseOp::Txn(inner) => answers(inner),
            ResponseOp::DeleteRange(response) => items(&response.prev_kvs),
            ResponseOp::Put(_) => 0,
        };
        size_of::<ResponseOp>() + inner
    };
    spare(&response.responses) + response.responses.iter().map(answer).sum::<usize>()
}

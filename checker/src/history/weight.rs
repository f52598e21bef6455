//! How much memory a record takes, so that a reader can stop in time.

use std::mem::size_of;

use super::{
    Blob, Event, KeyValue, LeaseStatus, RangeResponse, Record, Request, RequestOp, Response,
    ResponseOp, TxnRequest, TxnResponse, WatchResponse,
};

/// A record in one line of a file may hold so many objects; it takes some hundred bytes for each
/// while it is read.
pub(crate) const MOST_OBJECTS: u64 = 4 << 20;

/// Whether a text of JSON holds more objects than that.
pub(crate) fn too_many_objects(text: &[u8]) -> bool {
    let few = text.len() as u64 / 2 <= MOST_OBJECTS;
    !few && text.split(|byte| *byte == b'{').count() as u64 > MOST_OBJECTS
}

/// The bytes of a record, roughly: what lies in lists and long texts beside itself.
pub(super) fn weight(record: &Record) -> u64 {
    let request = match &record.request {
        Request::Put(put) => blob(&put.key) + blob(&put.value),
        Request::Range(range) => blob(&range.key) + blob(&range.range_end),
        Request::DeleteRange(delete) => blob(&delete.key) + blob(&delete.range_end),
        Request::Txn(request) => txn(request),
        _ => 0,
    };
    let response = match &record.response {
        Some(Response::Range(response)) => range(response),
        Some(Response::DeleteRange(response)) => response.prev_kvs.iter().map(item).sum(),
        Some(Response::Txn(response)) => answers(response),
        Some(Response::Watch(response)) => events(response),
        Some(Response::LeaseTimeToLive(answer)) => {
            answer.keys.iter().map(|key| size_of::<Blob>() + blob(key)).sum()
        }
        Some(Response::LeaseLeases(answer)) => answer.leases.len() * size_of::<LeaseStatus>(),
        Some(Response::Error(error)) => error.code.len() + error.message.len(),
        _ => 0,
    };
    (size_of::<Record>() + request + response) as u64
}

/// What lies beside the blob itself: short ones do not.
fn blob(blob: &Blob) -> usize {
    if blob.len() < size_of::<Blob>() { 0 } else { blob.len() }
}

fn item(kv: &KeyValue) -> usize {
    size_of::<KeyValue>() + blob(&kv.key) + blob(&kv.value)
}

fn range(response: &RangeResponse) -> usize {
    response.kvs.iter().map(item).sum()
}

fn events(response: &WatchResponse) -> usize {
    let event = |event: &Event| size_of::<Event>() + item(&event.kv);
    response.events.iter().map(event).sum()
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
    ops + request.compare.len() * size_of::<super::Compare>()
}

fn answers(response: &TxnResponse) -> usize {
    let answer = |answer: &ResponseOp| {
        let inner = match answer {
            ResponseOp::Range(response) => range(response),
            ResponseOp::Txn(inner) => answers(inner),
            ResponseOp::DeleteRange(response) => response.prev_kvs.iter().map(item).sum(),
            ResponseOp::Put(_) => 0,
        };
        size_of::<ResponseOp>() + inner
    };
    response.responses.iter().map(answer).sum()
}

//! Which key in an answer was written at a revision.

use crate::history::{EventType, KeyValue, Record, Response, ResponseOp, TxnResponse};

/// The first key in an answer, or a watch response, that was written at a revision.
pub(crate) fn shown_at(record: &Record, revision: i64) -> Option<&KeyValue> {
    match record.response.as_ref()? {
        Response::Range(range) => range.kvs.iter().find(|kv| kv.mod_revision == revision),
        Response::Put(put) => put.prev_kv.as_ref().filter(|kv| kv.mod_revision == revision),
        Response::DeleteRange(delete) => {
            delete.prev_kvs.iter().find(|kv| kv.mod_revision == revision)
        }
        Response::Txn(txn) => inside(txn, revision),
        Response::Watch(watch) => {
            let mut put = watch.events.iter().filter(|event| event.kind == EventType::Put);
            put.find(|event| event.kv.mod_revision == revision).map(|event| &event.kv)
        }
        _ => None,
    }
}

fn inside(txn: &TxnResponse, revision: i64) -> Option<&KeyValue> {
    txn.responses.iter().find_map(|response| match response {
        ResponseOp::Range(range) => range.kvs.iter().find(|kv| kv.mod_revision == revision),
        ResponseOp::Put(put) => put.prev_kv.as_ref().filter(|kv| kv.mod_revision == revision),
        ResponseOp::DeleteRange(delete) => {
            delete.prev_kvs.iter().find(|kv| kv.mod_revision == revision)
        }
        ResponseOp::Txn(txn) => inside(txn, revision),
    })
}

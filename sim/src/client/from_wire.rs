//! From protobuf to the words of the history: every field of an answer, as it arrived.

use crate::recorder::Values;
use mettle_api::{etcdserverpb as pb, mvccpb};
use mettle_checker::history::{
    Blob, CompactResponse, DeleteRangeResponse, Event, EventType, Header, KeyValue, PutResponse,
    RangeResponse, ResponseOp, TxnResponse, WatchResponse,
};

fn header(header: pb::ResponseHeader) -> Header {
    Header {
        cluster_id: header.cluster_id,
        member_id: header.member_id,
        revision: header.revision,
        raft_term: header.raft_term,
    }
}

fn key_value(kv: mvccpb::KeyValue, values: &Values) -> KeyValue {
    KeyValue {
        key: Blob::from(&kv.key[..]),
        value: values.shared(&kv.value),
        create_revision: kv.create_revision,
        mod_revision: kv.mod_revision,
        version: kv.version,
        lease: kv.lease,
    }
}

/// What a read found.
pub(super) fn range(answer: pb::RangeResponse, values: &Values) -> RangeResponse {
    RangeResponse {
        header: answer.header.map(header),
        kvs: answer.kvs.into_iter().map(|kv| key_value(kv, values)).collect(),
        more: answer.more,
        count: answer.count,
    }
}

/// A put was done.
pub(super) fn put(answer: pb::PutResponse, values: &Values) -> PutResponse {
    PutResponse {
        header: answer.header.map(header),
        prev_kv: answer.prev_kv.map(|kv| key_value(kv, values)),
    }
}

/// A deletion was done.
pub(super) fn delete_range(
    answer: pb::DeleteRangeResponse,
    values: &Values,
) -> DeleteRangeResponse {
    DeleteRangeResponse {
        header: answer.header.map(header),
        deleted: answer.deleted,
        prev_kvs: answer.prev_kvs.into_iter().map(|kv| key_value(kv, values)).collect(),
    }
}

/// A transaction was done; `None` when one of its answers is empty, which no server may send.
pub(super) fn txn(answer: pb::TxnResponse, values: &Values) -> Option<TxnResponse> {
    use pb::response_op::Response;
    let operation = |operation: pb::ResponseOp| {
        Some(match operation.response? {
            Response::ResponseRange(answer) => ResponseOp::Range(range(answer, values)),
            Response::ResponsePut(answer) => ResponseOp::Put(put(answer, values)),
            Response::ResponseDeleteRange(answer) => {
                ResponseOp::DeleteRange(delete_range(answer, values))
            }
            Response::ResponseTxn(answer) => ResponseOp::Txn(txn(answer, values)?),
        })
    };
    Some(TxnResponse {
        header: answer.header.map(header),
        succeeded: answer.succeeded,
        responses: answer.responses.into_iter().map(operation).collect::<Option<_>>()?,
    })
}

/// A compaction was done.
pub(super) fn compact(answer: pb::CompactionResponse) -> CompactResponse {
    CompactResponse { header: answer.header.map(header) }
}

/// Something arrived on a watch stream.
pub(super) fn watch(answer: pb::WatchResponse, values: &Values) -> WatchResponse {
    WatchResponse {
        header: answer.header.map(header).unwrap_or_default(),
        watch_id: answer.watch_id,
        created: answer.created,
        canceled: answer.canceled,
        compact_revision: answer.compact_revision,
        cancel_reason: answer.cancel_reason,
        fragment: answer.fragment,
        events: answer.events.into_iter().map(|each| event(each, values)).collect(),
    }
}

fn event(event: mvccpb::Event, values: &Values) -> Event {
    let kind = match event.r#type() {
        mvccpb::event::EventType::Put => EventType::Put,
        mvccpb::event::EventType::Delete => EventType::Delete,
    };
    Event {
        kind,
        kv: event.kv.map(|kv| key_value(kv, values)).unwrap_or_default(),
        prev_kv: event.prev_kv.map(|kv| key_value(kv, values)),
        is_create: None,
    }
}

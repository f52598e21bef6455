//! Between the wire's messages and the types of `command`: requests inwards, answers outwards.

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::compare::{
    CompareResult as PbResult, CompareTarget as PbTarget, TargetUnion,
};
use mettle_api::etcdserverpb::range_request::{SortOrder as PbOrder, SortTarget as PbSortTarget};
use mettle_api::etcdserverpb::request_op::Request;
use mettle_api::etcdserverpb::response_op::Response;
use mettle_api::mvccpb;

use super::Refusal;
use crate::command::{
    CompactRequest, Compare, CompareResult, CompareTarget, DeleteRangeRequest, DeleteRangeResponse,
    KeyRange, KeyValue, PutRequest, PutResponse, RangeRequest, RangeResponse, RequestOp,
    ResponseOp, SortOrder, SortTarget, TxnRequest, TxnResponse,
};
use crate::mvcc::{Event, EventKind};

impl TryFrom<pb::RangeRequest> for RangeRequest {
    type Error = Refusal;

    fn try_from(wire: pb::RangeRequest) -> Result<Self, Refusal> {
        Ok(RangeRequest {
            sort: sort(wire.sort_target, wire.sort_order)?,
            range: KeyRange { key: wire.key, range_end: wire.range_end },
            limit: wire.limit,
            revision: wire.revision,
            serializable: wire.serializable,
            keys_only: wire.keys_only,
            count_only: wire.count_only,
            min_mod_revision: wire.min_mod_revision,
            max_mod_revision: wire.max_mod_revision,
            min_create_revision: wire.min_create_revision,
            max_create_revision: wire.max_create_revision,
        })
    }
}

/// By key and in no order is the store's own order.
///
/// # Source
/// etcd `txn/range.go`.
fn sort(target: i32, order: i32) -> Result<Option<(SortTarget, SortOrder)>, Refusal> {
    let target = PbSortTarget::try_from(target).map_err(|_| Refusal::InvalidSortOption)?;
    let order = PbOrder::try_from(order).map_err(|_| Refusal::InvalidSortOption)?;
    let target = match target {
        PbSortTarget::Key if order == PbOrder::None => return Ok(None),
        PbSortTarget::Key => SortTarget::Key,
        PbSortTarget::Version => SortTarget::Version,
        PbSortTarget::Create => SortTarget::Create,
        PbSortTarget::Mod => SortTarget::Mod,
        PbSortTarget::Value => SortTarget::Value,
    };
    let order = match order {
        PbOrder::None => SortOrder::None,
        PbOrder::Ascend => SortOrder::Ascend,
        PbOrder::Descend => SortOrder::Descend,
    };
    Ok(Some((target, order)))
}

impl From<pb::PutRequest> for PutRequest {
    fn from(wire: pb::PutRequest) -> Self {
        PutRequest {
            key: wire.key,
            value: wire.value,
            lease: wire.lease,
            prev_kv: wire.prev_kv,
            ignore_value: wire.ignore_value,
            ignore_lease: wire.ignore_lease,
        }
    }
}

impl From<pb::DeleteRangeRequest> for DeleteRangeRequest {
    fn from(wire: pb::DeleteRangeRequest) -> Self {
        DeleteRangeRequest {
            range: KeyRange { key: wire.key, range_end: wire.range_end },
            prev_kv: wire.prev_kv,
        }
    }
}

impl From<pb::CompactionRequest> for CompactRequest {
    fn from(wire: pb::CompactionRequest) -> Self {
        CompactRequest { revision: wire.revision, physical: wire.physical }
    }
}

impl TryFrom<pb::TxnRequest> for TxnRequest {
    type Error = Refusal;

    fn try_from(wire: pb::TxnRequest) -> Result<Self, Refusal> {
        Ok(TxnRequest {
            compare: wire.compare.into_iter().map(Compare::try_from).collect::<Result<_, _>>()?,
            success: wire.success.into_iter().map(RequestOp::try_from).collect::<Result<_, _>>()?,
            failure: wire.failure.into_iter().map(RequestOp::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<pb::RequestOp> for RequestOp {
    type Error = Refusal;

    fn try_from(wire: pb::RequestOp) -> Result<Self, Refusal> {
        match wire.request {
            Some(Request::RequestRange(range)) => Ok(RequestOp::Range(range.try_into()?)),
            Some(Request::RequestPut(put)) => Ok(RequestOp::Put(put.into())),
            Some(Request::RequestDeleteRange(delete)) => Ok(RequestOp::DeleteRange(delete.into())),
            Some(Request::RequestTxn(txn)) => Ok(RequestOp::Txn(txn.try_into()?)),
            // The text that etcd gives to an operation that is none.
            None => Err(Refusal::KeyNotFound),
        }
    }
}

impl TryFrom<pb::Compare> for Compare {
    type Error = Refusal;

    /// A value that does not belong to the target counts as absent, and absent as zero, as in etcd.
    fn try_from(wire: pb::Compare) -> Result<Self, Refusal> {
        let result = PbResult::try_from(wire.result).map_err(|_| Refusal::InvalidCompare)?;
        let target = PbTarget::try_from(wire.target).map_err(|_| Refusal::InvalidCompare)?;
        let target = match (target, wire.target_union) {
            (PbTarget::Version, Some(TargetUnion::Version(v))) => CompareTarget::Version(v),
            (PbTarget::Version, _) => CompareTarget::Version(0),
            (PbTarget::Create, Some(TargetUnion::CreateRevision(v))) => CompareTarget::Create(v),
            (PbTarget::Create, _) => CompareTarget::Create(0),
            (PbTarget::Mod, Some(TargetUnion::ModRevision(v))) => CompareTarget::Mod(v),
            (PbTarget::Mod, _) => CompareTarget::Mod(0),
            (PbTarget::Value, Some(TargetUnion::Value(v))) => CompareTarget::Value(v),
            (PbTarget::Value, _) => CompareTarget::Value(bytes::Bytes::new()),
            (PbTarget::Lease, Some(TargetUnion::Lease(v))) => CompareTarget::Lease(v),
            (PbTarget::Lease, _) => CompareTarget::Lease(0),
        };
        let result = match result {
            PbResult::Equal => CompareResult::Equal,
            PbResult::Greater => CompareResult::Greater,
            PbResult::Less => CompareResult::Less,
            PbResult::NotEqual => CompareResult::NotEqual,
        };
        let range = KeyRange { key: wire.key, range_end: wire.range_end };
        Ok(Compare { range, result, target })
    }
}

impl From<KeyValue> for mvccpb::KeyValue {
    fn from(kv: KeyValue) -> Self {
        mvccpb::KeyValue {
            key: kv.key,
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            value: kv.value,
            lease: kv.lease,
        }
    }
}

impl From<Event> for mvccpb::Event {
    fn from(event: Event) -> Self {
        let kind = match event.kind {
            EventKind::Put => mvccpb::event::EventType::Put,
            EventKind::Delete => mvccpb::event::EventType::Delete,
        };
        mvccpb::Event {
            r#type: kind.into(),
            kv: Some(event.kv.into()),
            prev_kv: event.prev_kv.map(Into::into),
        }
    }
}

/// An answer as the wire has it, under this header.
pub(super) trait Answer {
    /// The wire's message.
    type Wire;
    /// Converts.
    fn under(self, header: pb::ResponseHeader) -> Self::Wire;
}

impl Answer for RangeResponse {
    type Wire = pb::RangeResponse;

    fn under(self, header: pb::ResponseHeader) -> pb::RangeResponse {
        pb::RangeResponse {
            header: Some(header),
            kvs: self.kvs.into_iter().map(Into::into).collect(),
            more: self.more,
            count: self.count,
        }
    }
}

impl Answer for PutResponse {
    type Wire = pb::PutResponse;

    fn under(self, header: pb::ResponseHeader) -> pb::PutResponse {
        pb::PutResponse { header: Some(header), prev_kv: self.prev_kv.map(Into::into) }
    }
}

impl Answer for DeleteRangeResponse {
    type Wire = pb::DeleteRangeResponse;

    fn under(self, header: pb::ResponseHeader) -> pb::DeleteRangeResponse {
        pb::DeleteRangeResponse {
            header: Some(header),
            deleted: self.deleted,
            prev_kvs: self.prev_kvs.into_iter().map(Into::into).collect(),
        }
    }
}

impl Answer for TxnResponse {
    type Wire = pb::TxnResponse;

    fn under(self, header: pb::ResponseHeader) -> pb::TxnResponse {
        pb::TxnResponse {
            header: Some(header),
            succeeded: self.succeeded,
            responses: self.responses.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ResponseOp> for pb::ResponseOp {
    fn from(op: ResponseOp) -> Self {
        let response = match op {
            ResponseOp::Range(r) => Response::ResponseRange(inside(r.revision, r)),
            ResponseOp::Put(r) => Response::ResponsePut(inside(r.revision, r)),
            ResponseOp::DeleteRange(r) => Response::ResponseDeleteRange(inside(r.revision, r)),
            ResponseOp::Txn(r) => Response::ResponseTxn(inside(r.revision, r)),
        };
        pb::ResponseOp { response: Some(response) }
    }
}

/// Inside a transaction a header has the revision and nothing else, as in etcd.
fn inside<A: Answer>(revision: i64, answer: A) -> A::Wire {
    answer.under(pb::ResponseHeader { revision, ..Default::default() })
}

#[cfg(test)]
mod tests;

//! From the words of the history to protobuf: what a client puts on the wire.

use bytes::Bytes;
use mettle_api::etcdserverpb as pb;
use mettle_checker::history::{
    Blob, CompactRequest, Compare, CompareResult, DeleteRangeRequest, Operand, PutRequest,
    RangeRequest, RequestOp, SortOrder, SortTarget, TxnRequest, WatchCreateRequest, WatchFilter,
};

fn bytes(blob: &Blob) -> Bytes {
    Bytes::copy_from_slice(blob)
}

/// A read.
pub(super) fn range(request: &RangeRequest) -> pb::RangeRequest {
    use pb::range_request::{SortOrder as Order, SortTarget as Target};
    let order = match request.sort_order {
        SortOrder::None => Order::None,
        SortOrder::Ascend => Order::Ascend,
        SortOrder::Descend => Order::Descend,
    };
    let target = match request.sort_target {
        SortTarget::Key => Target::Key,
        SortTarget::Version => Target::Version,
        SortTarget::Create => Target::Create,
        SortTarget::Mod => Target::Mod,
        SortTarget::Value => Target::Value,
    };
    pb::RangeRequest {
        key: bytes(&request.key),
        range_end: bytes(&request.range_end),
        limit: request.limit,
        revision: request.revision,
        sort_order: order.into(),
        sort_target: target.into(),
        serializable: request.serializable,
        keys_only: request.keys_only,
        count_only: request.count_only,
        min_mod_revision: request.min_mod_revision,
        max_mod_revision: request.max_mod_revision,
        min_create_revision: request.min_create_revision,
        max_create_revision: request.max_create_revision,
    }
}

/// A put.
pub(super) fn put(request: &PutRequest) -> pb::PutRequest {
    pb::PutRequest {
        key: bytes(&request.key),
        value: bytes(&request.value),
        lease: request.lease,
        prev_kv: request.prev_kv,
        ignore_value: request.ignore_value,
        ignore_lease: request.ignore_lease,
    }
}

/// A deletion.
pub(super) fn delete_range(request: &DeleteRangeRequest) -> pb::DeleteRangeRequest {
    pb::DeleteRangeRequest {
        key: bytes(&request.key),
        range_end: bytes(&request.range_end),
        prev_kv: request.prev_kv,
    }
}

/// A transaction.
pub(super) fn txn(request: &TxnRequest) -> pb::TxnRequest {
    pb::TxnRequest {
        compare: request.compare.iter().map(compare).collect(),
        success: request.success.iter().map(operation).collect(),
        failure: request.failure.iter().map(operation).collect(),
    }
}

fn operation(operation: &RequestOp) -> pb::RequestOp {
    use pb::request_op::Request;
    let request = match operation {
        RequestOp::Range(request) => Request::RequestRange(range(request)),
        RequestOp::Put(request) => Request::RequestPut(put(request)),
        RequestOp::DeleteRange(request) => Request::RequestDeleteRange(delete_range(request)),
        RequestOp::Txn(request) => Request::RequestTxn(txn(request)),
    };
    pb::RequestOp { request: Some(request) }
}

fn compare(compare: &Compare) -> pb::Compare {
    use pb::compare::{CompareResult as Result, CompareTarget as Target, TargetUnion as Union};
    let result = match compare.result {
        CompareResult::Equal => Result::Equal,
        CompareResult::Greater => Result::Greater,
        CompareResult::Less => Result::Less,
        CompareResult::NotEqual => Result::NotEqual,
    };
    let (target, union) = match &compare.operand {
        Operand::Version(version) => (Target::Version, Union::Version(*version)),
        Operand::CreateRevision(revision) => (Target::Create, Union::CreateRevision(*revision)),
        Operand::ModRevision(revision) => (Target::Mod, Union::ModRevision(*revision)),
        Operand::Value(value) => (Target::Value, Union::Value(bytes(value))),
        Operand::Lease(lease) => (Target::Lease, Union::Lease(*lease)),
    };
    pb::Compare {
        result: result.into(),
        target: target.into(),
        key: bytes(&compare.key),
        range_end: bytes(&compare.range_end),
        target_union: Some(union),
    }
}

/// A compaction.
pub(super) fn compact(request: &CompactRequest) -> pb::CompactionRequest {
    pb::CompactionRequest { revision: request.revision, physical: request.physical }
}

/// A new watcher.
pub(super) fn watch_create(request: &WatchCreateRequest) -> pb::WatchRequest {
    use pb::watch_create_request::FilterType;
    let filter = |filter: &WatchFilter| match filter {
        WatchFilter::NoPut => FilterType::Noput.into(),
        WatchFilter::NoDelete => FilterType::Nodelete.into(),
    };
    let create = pb::WatchCreateRequest {
        key: bytes(&request.key),
        range_end: bytes(&request.range_end),
        start_revision: request.start_revision,
        progress_notify: request.progress_notify,
        filters: request.filters.iter().map(filter).collect(),
        prev_kv: request.prev_kv,
        watch_id: request.watch_id,
        fragment: request.fragment,
    };
    watch(pb::watch_request::RequestUnion::CreateRequest(create))
}

/// The end of a watcher.
pub(super) fn watch_cancel(watch_id: i64) -> pb::WatchRequest {
    let cancel = pb::WatchCancelRequest { watch_id };
    watch(pb::watch_request::RequestUnion::CancelRequest(cancel))
}

/// A manual progress request.
pub(super) fn watch_progress() -> pb::WatchRequest {
    watch(pb::watch_request::RequestUnion::ProgressRequest(pb::WatchProgressRequest {}))
}

fn watch(request: pb::watch_request::RequestUnion) -> pb::WatchRequest {
    pb::WatchRequest { request_union: Some(request) }
}

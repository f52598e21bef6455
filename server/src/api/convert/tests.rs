//! What goes in comes out again, for every request; and the corners of the wire's freedom.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;

use super::*;

/// The wire's message of a request; the way back, for tests only.
trait ToWire {
    type Wire;
    fn wire(&self) -> Self::Wire;
}

impl ToWire for RangeRequest {
    type Wire = pb::RangeRequest;

    fn wire(&self) -> pb::RangeRequest {
        let (target, order) = match self.sort {
            None => (PbSortTarget::Key, PbOrder::None),
            Some((target, order)) => (
                match target {
                    SortTarget::Key => PbSortTarget::Key,
                    SortTarget::Version => PbSortTarget::Version,
                    SortTarget::Create => PbSortTarget::Create,
                    SortTarget::Mod => PbSortTarget::Mod,
                    SortTarget::Value => PbSortTarget::Value,
                },
                match order {
                    SortOrder::None => PbOrder::None,
                    SortOrder::Ascend => PbOrder::Ascend,
                    SortOrder::Descend => PbOrder::Descend,
                },
            ),
        };
        pb::RangeRequest {
            key: self.range.key.clone(),
            range_end: self.range.range_end.clone(),
            limit: self.limit,
            revision: self.revision,
            sort_order: order.into(),
            sort_target: target.into(),
            serializable: self.serializable,
            keys_only: self.keys_only,
            count_only: self.count_only,
            min_mod_revision: self.min_mod_revision,
            max_mod_revision: self.max_mod_revision,
            min_create_revision: self.min_create_revision,
            max_create_revision: self.max_create_revision,
        }
    }
}

impl ToWire for PutRequest {
    type Wire = pb::PutRequest;

    fn wire(&self) -> pb::PutRequest {
        pb::PutRequest {
            key: self.key.clone(),
            value: self.value.clone(),
            lease: self.lease,
            prev_kv: self.prev_kv,
            ignore_value: self.ignore_value,
            ignore_lease: self.ignore_lease,
        }
    }
}

impl ToWire for DeleteRangeRequest {
    type Wire = pb::DeleteRangeRequest;

    fn wire(&self) -> pb::DeleteRangeRequest {
        pb::DeleteRangeRequest {
            key: self.range.key.clone(),
            range_end: self.range.range_end.clone(),
            prev_kv: self.prev_kv,
        }
    }
}

impl ToWire for TxnRequest {
    type Wire = pb::TxnRequest;

    fn wire(&self) -> pb::TxnRequest {
        pb::TxnRequest {
            compare: self.compare.iter().map(ToWire::wire).collect(),
            success: self.success.iter().map(ToWire::wire).collect(),
            failure: self.failure.iter().map(ToWire::wire).collect(),
        }
    }
}

impl ToWire for RequestOp {
    type Wire = pb::RequestOp;

    fn wire(&self) -> pb::RequestOp {
        let request = match self {
            RequestOp::Range(range) => Request::RequestRange(range.wire()),
            RequestOp::Put(put) => Request::RequestPut(put.wire()),
            RequestOp::DeleteRange(delete) => Request::RequestDeleteRange(delete.wire()),
            RequestOp::Txn(txn) => Request::RequestTxn(txn.wire()),
        };
        pb::RequestOp { request: Some(request) }
    }
}

impl ToWire for Compare {
    type Wire = pb::Compare;

    fn wire(&self) -> pb::Compare {
        let result = match self.result {
            CompareResult::Equal => PbResult::Equal,
            CompareResult::Greater => PbResult::Greater,
            CompareResult::Less => PbResult::Less,
            CompareResult::NotEqual => PbResult::NotEqual,
        };
        let (target, union) = match &self.target {
            CompareTarget::Version(v) => (PbTarget::Version, TargetUnion::Version(*v)),
            CompareTarget::Create(v) => (PbTarget::Create, TargetUnion::CreateRevision(*v)),
            CompareTarget::Mod(v) => (PbTarget::Mod, TargetUnion::ModRevision(*v)),
            CompareTarget::Value(v) => (PbTarget::Value, TargetUnion::Value(v.clone())),
            CompareTarget::Lease(v) => (PbTarget::Lease, TargetUnion::Lease(*v)),
        };
        pb::Compare {
            result: result.into(),
            target: target.into(),
            key: self.range.key.clone(),
            range_end: self.range.range_end.clone(),
            target_union: Some(union),
        }
    }
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..4).prop_map(Bytes::from)
}

fn key_range() -> impl Strategy<Value = KeyRange> {
    (bytes(), bytes()).prop_map(|(key, range_end)| KeyRange { key, range_end })
}

fn order() -> impl Strategy<Value = Option<(SortTarget, SortOrder)>> {
    let target = prop::sample::select(vec![
        SortTarget::Key,
        SortTarget::Version,
        SortTarget::Create,
        SortTarget::Mod,
        SortTarget::Value,
    ]);
    let order = prop::sample::select(vec![SortOrder::Ascend, SortOrder::Descend]);
    prop::option::of((target, order))
}

fn range() -> impl Strategy<Value = RangeRequest> {
    let bounds = any::<(i64, i64, i64, i64, i64, i64)>();
    (key_range(), order(), bounds, any::<(bool, bool, bool)>()).prop_map(
        |(range, sort, (limit, revision, a, b, c, d), (serializable, keys_only, count_only))| {
            RangeRequest {
                range,
                limit,
                revision,
                sort,
                serializable,
                keys_only,
                count_only,
                min_mod_revision: a,
                max_mod_revision: b,
                min_create_revision: c,
                max_create_revision: d,
            }
        },
    )
}

fn put() -> impl Strategy<Value = PutRequest> {
    (bytes(), bytes(), any::<(i64, bool, bool, bool)>()).prop_map(
        |(key, value, (lease, prev_kv, ignore_value, ignore_lease))| PutRequest {
            key,
            value,
            lease,
            prev_kv,
            ignore_value,
            ignore_lease,
        },
    )
}

fn compare() -> impl Strategy<Value = Compare> {
    let target = prop_oneof![
        any::<i64>().prop_map(CompareTarget::Version),
        any::<i64>().prop_map(CompareTarget::Create),
        any::<i64>().prop_map(CompareTarget::Mod),
        bytes().prop_map(CompareTarget::Value),
        any::<i64>().prop_map(CompareTarget::Lease),
    ];
    let result = prop::sample::select(vec![
        CompareResult::Equal,
        CompareResult::Greater,
        CompareResult::Less,
        CompareResult::NotEqual,
    ]);
    (key_range(), result, target).prop_map(|(range, result, target)| Compare {
        range,
        result,
        target,
    })
}

fn txn() -> impl Strategy<Value = TxnRequest> {
    let op = prop_oneof![
        range().prop_map(RequestOp::Range),
        put().prop_map(RequestOp::Put),
        (key_range(), any::<bool>())
            .prop_map(|(range, prev_kv)| DeleteRangeRequest { range, prev_kv })
            .prop_map(RequestOp::DeleteRange),
    ];
    let op = op.prop_recursive(3, 24, 4, |op| {
        let ops = prop::collection::vec(op, 0..4);
        (ops.clone(), ops).prop_map(|(success, failure)| {
            RequestOp::Txn(TxnRequest { compare: vec![], success, failure })
        })
    });
    let ops = prop::collection::vec(op, 0..4);
    (prop::collection::vec(compare(), 0..4), ops.clone(), ops)
        .prop_map(|(compare, success, failure)| TxnRequest { compare, success, failure })
}

/// Through the bytes of the wire and back.
fn through_bytes<M: Message + Default>(message: M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #[test]
    fn a_range_request_survives_the_wire(request in range()) {
        prop_assert_eq!(RangeRequest::try_from(through_bytes(request.wire())), Ok(request));
    }

    #[test]
    fn a_put_request_survives_the_wire(request in put()) {
        prop_assert_eq!(PutRequest::from(through_bytes(request.wire())), request);
    }

    #[test]
    fn a_txn_request_survives_the_wire(request in txn()) {
        prop_assert_eq!(TxnRequest::try_from(through_bytes(request.wire())), Ok(request));
    }
}

#[test]
fn no_order_by_anything_but_the_key_means_ascending() {
    assert_eq!(sort(0, 0), Ok(None));
    assert_eq!(sort(3, 0), Ok(Some((SortTarget::Mod, SortOrder::None))));
    assert_eq!(sort(0, 2), Ok(Some((SortTarget::Key, SortOrder::Descend))));
    assert_eq!(sort(5, 0), Err(Refusal::InvalidSortOption));
    assert_eq!(sort(0, 3), Err(Refusal::InvalidSortOption));
}

#[test]
fn a_compare_without_its_value_compares_with_zero() {
    let wire = pb::Compare { target: PbTarget::Mod.into(), ..Default::default() };
    assert_eq!(Compare::try_from(wire).unwrap().target, CompareTarget::Mod(0));
    let wire = pb::Compare {
        target: PbTarget::Value.into(),
        target_union: Some(TargetUnion::Version(7)),
        ..Default::default()
    };
    assert_eq!(Compare::try_from(wire).unwrap().target, CompareTarget::Value(Bytes::new()));
    for wire in [
        pb::Compare { target: 5, ..Default::default() },
        pb::Compare { result: 4, ..Default::default() },
    ] {
        assert_eq!(Compare::try_from(wire), Err(Refusal::InvalidCompare));
    }
}

#[test]
fn an_operation_that_is_none_is_refused_as_etcd_does() {
    let wire = pb::TxnRequest { failure: vec![pb::RequestOp::default()], ..Default::default() };
    assert_eq!(TxnRequest::try_from(wire), Err(Refusal::KeyNotFound));
}

#[test]
fn answers_inside_a_transaction_have_a_revision_and_nothing_else_in_their_header() {
    let kv = KeyValue {
        key: "k".into(),
        value: "v".into(),
        create_revision: 2,
        mod_revision: 3,
        version: 2,
        lease: 9,
    };
    let response = TxnResponse {
        revision: 4,
        succeeded: true,
        responses: vec![
            ResponseOp::Put(PutResponse { revision: 4, prev_kv: Some(kv.clone()) }),
            ResponseOp::Range(RangeResponse { revision: 4, kvs: vec![kv], more: true, count: 7 }),
        ],
    };
    let header = pb::ResponseHeader { cluster_id: 1, member_id: 2, revision: 4, raft_term: 5 };
    let wire = response.under(header);
    assert_eq!(wire.header, Some(header));
    assert!(wire.succeeded);
    let inner = Some(pb::ResponseHeader { revision: 4, ..Default::default() });
    let kv = mettle_api::mvccpb::KeyValue {
        key: "k".into(),
        create_revision: 2,
        mod_revision: 3,
        version: 2,
        value: "v".into(),
        lease: 9,
    };
    let put = pb::PutResponse { header: inner, prev_kv: Some(kv.clone()) };
    let range = pb::RangeResponse { header: inner, kvs: vec![kv], more: true, count: 7 };
    let responses = [Response::ResponsePut(put), Response::ResponseRange(range)];
    assert_eq!(wire.responses, responses.map(|r| pb::ResponseOp { response: Some(r) }));
}

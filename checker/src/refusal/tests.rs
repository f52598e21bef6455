//! Each reason, with a request that earns the refusal and one that does not.

use super::*;
use crate::history::{
    Blob, DeleteRangeRequest, LeaseGrantRequest, PutRequest, PutResponse, RangeRequest, Request,
    RequestOp, TxnRequest,
};

fn put(key: &str, value: &str) -> PutRequest {
    PutRequest { key: key.into(), value: value.into(), ..PutRequest::default() }
}

fn delete(key: &str, range_end: &str) -> RequestOp {
    let (key, range_end) = (key.into(), range_end.into());
    RequestOp::DeleteRange(DeleteRangeRequest { key, range_end, prev_kv: false })
}

fn txn(success: Vec<RequestOp>) -> Request {
    Request::Txn(TxnRequest { success, ..TxnRequest::default() })
}

fn puts(keys: &[&str]) -> Vec<RequestOp> {
    keys.iter().map(|key| RequestOp::Put(put(key, "1"))).collect()
}

fn refused(request: Request, text: &str, settings: &ClusterSettings) -> Option<String> {
    let code = code_of(text).unwrap_or_default().to_owned();
    let error = ErrorAnswer { code, message: text.to_owned() };
    let record = Record::called(1, 1, 1, 10, request).failed(20, error);
    Found::default().look(&record, settings).map(|violation| violation.reason)
}

/// The text that a request earns, found by trying all; an accepted request earns none.
fn earned(request: &Request, settings: &ClusterSettings) -> Vec<&'static str> {
    let texts = Invalid::ALL.map(Invalid::text);
    texts.into_iter().filter(|text| refused(request.clone(), text, settings).is_none()).collect()
}

#[test]
fn a_request_earns_the_first_refusal_and_no_other() {
    let settings = ClusterSettings { max_txn_ops: 3, ..ClusterSettings::default() };
    let range = |key: &str| Request::Range(RangeRequest { key: key.into(), ..Default::default() });
    let own = |put| Request::Put(put);
    let keeps = PutRequest { ignore_value: true, ..put("a", "1") };
    let leased = PutRequest { ignore_lease: true, lease: 7, ..put("a", "") };
    let grant = |ttl| Request::LeaseGrant(LeaseGrantRequest { id: 1, ttl });
    let inner = |ops| RequestOp::Txn(TxnRequest { success: ops, ..TxnRequest::default() });
    let both = TxnRequest { success: puts(&["a"]), failure: puts(&["a"]), ..Default::default() };
    let cases: Vec<(Request, &[&str])> = vec![
        (range("a"), &[]),
        (range(""), &["etcdserver: key is not provided"]),
        (own(put("", "1")), &["etcdserver: key is not provided"]),
        (own(put("a", "1")), &[]),
        (own(keeps), &["etcdserver: value is provided"]),
        (own(leased), &["etcdserver: lease is provided"]),
        (txn(puts(&["a", "b"])), &[]),
        (txn(puts(&["a", "b", "c", "d"])), &["etcdserver: too many operations in txn request"]),
        (txn(puts(&["a", "", "c", "d"])), &["etcdserver: too many operations in txn request"]),
        (txn(puts(&["a", "a"])), &["etcdserver: duplicate key given in txn request"]),
        (txn(vec![inner(puts(&["a"]))]), &[]),
        (
            txn(vec![inner(puts(&["a", "b", "c"]))]),
            &["etcdserver: too many operations in txn request"],
        ),
        (txn(vec![RequestOp::Txn(both.clone())]), &[]),
        (
            txn([vec![RequestOp::Txn(both)], puts(&["a"])].concat()),
            &["etcdserver: duplicate key given in txn request"],
        ),
        (
            txn([puts(&["b"]), vec![delete("a", "c")]].concat()),
            &["etcdserver: duplicate key given in txn request"],
        ),
        (txn([puts(&["c"]), vec![delete("a", "c")]].concat()), &[]),
        (grant(9_000_000_000), &[]),
        (grant(9_000_000_001), &["etcdserver: too large lease TTL"]),
    ];
    for (request, texts) in cases {
        assert_eq!(earned(&request, &settings), texts, "{request:?}");
    }
}

/// Etcd's tree may find the first key of an empty interval; nothing is known for certain.
#[test]
fn an_empty_interval_may_count_or_not() {
    let settings = ClusterSettings::default();
    let request = txn([puts(&["a"]), vec![delete("a", "\0")]].concat());
    assert_eq!(earned(&request, &settings), ["etcdserver: duplicate key given in txn request"]);
    let answer = PutResponse::default();
    let answered = Record::called(1, 1, 1, 10, request).ok(20, Response::Put(answer));
    assert_eq!(Found::default().look(&answered, &settings), None);
}

#[test]
fn a_write_is_too_large_from_its_keys_and_values_on() {
    let settings = ClusterSettings { max_request_bytes: 1_000, ..ClusterSettings::default() };
    let own = |bytes: usize| Request::Put(put("a", &"x".repeat(bytes)));
    let too_large = ["etcdserver: request is too large"];
    assert!(earned(&own(100), &settings).is_empty());
    assert_eq!(earned(&own(990), &settings), too_large, "the wire may add more than ten bytes");
    let answered = |bytes| {
        let record = Record::called(1, 1, 1, 10, own(bytes));
        let record = record.ok(20, Response::Put(PutResponse::default()));
        Found::default().look(&record, &settings).map(|violation| violation.reason)
    };
    assert_eq!(answered(990), None);
    let reason = answered(1_001).unwrap_or_default();
    assert!(reason.contains("it has more than 1000 bytes: it had to be refused"), "{reason}");
    let key = Blob::from("x".repeat(2_000));
    let read = Request::Range(RangeRequest { key, ..RangeRequest::default() });
    assert!(earned(&read, &settings).is_empty(), "a read is not written to the log");
}

#[test]
fn a_setting_is_believed_only_where_the_cluster_has_it() {
    let believing =
        ClusterSettings { auth: true, quota: true, corrupt: true, ..ClusterSettings::default() };
    let space = "etcdserver: mvcc: database space exceeded";
    let texts = [
        space,
        "etcdserver: permission denied",
        "etcdserver: user name is empty",
        "etcdserver: invalid auth token",
        "etcdserver: corrupt cluster",
    ];
    for text in texts {
        let own = || Request::Put(put("a", "1"));
        assert!(refused(own(), text, &ClusterSettings::default()).is_some(), "{text}");
        assert_eq!(refused(own(), text, &believing), None, "{text}");
    }
    let read = Request::Range(RangeRequest { key: "a".into(), ..RangeRequest::default() });
    assert!(refused(read, space, &believing).is_some(), "a read needs no space");
}

#[test]
fn a_refusal_needs_something_to_refuse() {
    let settings = ClusterSettings::default();
    let own = |put: PutRequest| Request::Put(put);
    let missing = "etcdserver: key not found";
    let lease = "etcdserver: requested lease not found";
    let keeps = PutRequest { ignore_value: true, ..put("a", "") };
    assert_eq!(refused(own(keeps), missing, &settings), None, "the order of writes decides");
    assert!(refused(own(put("a", "1")), missing, &settings).is_some());
    assert_eq!(refused(own(PutRequest { lease: 7, ..put("a", "1") }), lease, &settings), None);
    assert!(refused(own(put("a", "1")), lease, &settings).is_some());
    assert_eq!(refused(own(put("a", "1")), "never sent", &settings), None);
    let error = ErrorAnswer { code: "Internal".to_owned(), message: lease.to_owned() };
    let leased = own(PutRequest { lease: 7, ..put("a", "1") });
    let record = Record::called(1, 1, 1, 10, leased).failed(20, error);
    let reason = Found::default().look(&record, &settings).map(|violation| violation.reason);
    assert!(reason.is_some_and(|reason| reason.contains("the code Internal")));
}

//! The model against small stories of etcd's behaviour.

use super::*;
use crate::history::CompareResult::{Equal, Greater, Less, NotEqual};
use crate::history::*;

fn put(key: &str, value: &str) -> PutRequest {
    PutRequest { key: key.into(), value: value.into(), prev_kv: true, ..Default::default() }
}

fn delete(key: &str, end: &str) -> DeleteRangeRequest {
    DeleteRangeRequest { key: key.into(), range_end: end.into(), prev_kv: true }
}

fn get(key: &str, end: &str) -> RangeRequest {
    RangeRequest { key: key.into(), range_end: end.into(), ..Default::default() }
}

fn run(store: &mut Store, request: Request) -> Response {
    store.execute(&request).expect("not refused")
}

fn keys(response: &Response) -> Vec<String> {
    let Response::Range(range) = response else { panic!("a range") };
    range.kvs.iter().map(|kv| kv.key.to_string()).collect()
}

fn filled() -> Store {
    let mut store = Store::default();
    for (key, value) in [("a", "3"), ("b", "1"), ("c", "2"), ("a", "4")] {
        run(&mut store, Request::Put(put(key, value)));
    }
    store
}

#[test]
fn versions_revisions_and_the_past() {
    let mut store = filled();
    assert_eq!(store.revision(), 5);
    let a = store.now().get(b"a").unwrap().clone();
    assert_eq!((a.create_revision, a.mod_revision, a.version), (2, 5, 2));
    let response = run(&mut store, Request::DeleteRange(delete("a", "c")));
    let Response::DeleteRange(deleted) = response else { panic!() };
    assert_eq!((deleted.deleted, deleted.prev_kvs.len(), store.revision()), (2, 2, 6));
    run(&mut store, Request::Put(put("a", "5")));
    let a = store.now().get(b"a").unwrap();
    assert_eq!((a.create_revision, a.mod_revision, a.version), (7, 7, 1));
    assert_eq!(store.at(6).within(&Span::everything()).len(), 1);
    assert_eq!(store.at(5).get(b"a").unwrap().version, 2);
    assert!(store.at(1).get(b"a").is_none());
    let changed: Vec<_> = store.changes(6).map(|change| change.kv().key.to_string()).collect();
    assert_eq!(changed, ["a", "b"]);
    store.undo_to(4);
    assert_eq!(store.revision(), 4);
    assert_eq!(store.now().get(b"a").unwrap().version, 1);
    assert_eq!(store.now().within(&Span::everything()).len(), 3);
    store.undo_to(1);
    assert!(store.now().within(&Span::everything()).is_empty() && store.all.is_empty());
}

#[test]
fn nothing_deleted_is_no_revision() {
    let mut store = filled();
    run(&mut store, Request::DeleteRange(delete("x", "")));
    run(&mut store, Request::DeleteRange(delete("c", "b")));
    run(&mut store, Request::Txn(TxnRequest::default()));
    assert_eq!(store.revision(), 5);
}

#[test]
fn range_options() {
    let mut store = filled();
    let all = get("a", "\0");
    let limited = RangeRequest { limit: 2, ..all.clone() };
    let Response::Range(range) = run(&mut store, Request::Range(limited)) else { panic!() };
    assert_eq!((range.kvs.len(), range.more, range.count), (2, true, 3));
    let sorted = RangeRequest {
        sort_order: SortOrder::Descend,
        sort_target: SortTarget::Value,
        limit: 2,
        ..all.clone()
    };
    assert_eq!(keys(&run(&mut store, Request::Range(sorted))), ["a", "c"]);
    let young = RangeRequest { min_create_revision: 3, max_mod_revision: 3, ..all.clone() };
    let response = run(&mut store, Request::Range(young));
    assert_eq!(keys(&response), ["b"]);
    let Response::Range(range) = response else { panic!() };
    assert_eq!(range.count, 3);
    let counted = RangeRequest { count_only: true, limit: 1, ..all.clone() };
    let Response::Range(range) = run(&mut store, Request::Range(counted)) else { panic!() };
    assert_eq!((range.kvs.len(), range.more, range.count), (0, false, 3));
    let past = RangeRequest { revision: 3, ..all.clone() };
    assert_eq!(keys(&run(&mut store, Request::Range(past))), ["a", "b"]);
    let future = RangeRequest { revision: 6, ..all };
    assert_eq!(store.execute(&Request::Range(future)), Err(Refusal::FutureRevision));
}

#[test]
fn inner_transactions_decide_before_anything_is_done() {
    let mut store = filled();
    let is = |version| Compare {
        key: "a".into(),
        range_end: Blob::default(),
        result: Equal,
        operand: Operand::Version(version),
    };
    let inner = TxnRequest {
        compare: vec![is(2)],
        success: vec![RequestOp::Range(get("a", ""))],
        failure: vec![],
    };
    let outer = TxnRequest {
        compare: vec![is(2)],
        success: vec![
            RequestOp::Range(get("a", "")),
            RequestOp::Put(put("a", "6")),
            RequestOp::Txn(inner),
        ],
        failure: vec![],
    };
    let Response::Txn(answer) = run(&mut store, Request::Txn(outer)) else { panic!() };
    assert!(answer.succeeded);
    let ResponseOp::Txn(inner) = &answer.responses[2] else { panic!() };
    assert!(inner.succeeded, "the inner condition is weighed on the state before");
    let ResponseOp::Range(range) = &inner.responses[0] else { panic!() };
    assert_eq!((range.kvs[0].version, range.kvs[0].mod_revision), (3, 6));
    let ResponseOp::Range(range) = &answer.responses[0] else { panic!() };
    assert_eq!((range.kvs[0].version, range.header.unwrap().revision), (2, 5));
    assert_eq!(store.revision(), 6);
}

#[test]
fn conditions() {
    let store = filled();
    let check = |key: &str, end: &str, result, operand| {
        let compare = Compare { key: key.into(), range_end: end.into(), result, operand };
        holds(store.now(), &compare)
    };
    assert!(check("a", "\0", Greater, Operand::Version(0)));
    assert!(!check("a", "\0", Greater, Operand::Version(1)));
    assert!(check("x", "", Equal, Operand::CreateRevision(0)));
    assert!(!check("x", "", NotEqual, Operand::Value("v".into())), "no value to compare");
    assert!(check("a", "c", Less, Operand::Value("5".into())));
    assert!(check("b", "", NotEqual, Operand::Lease(7)));
}

#[test]
fn puts_that_keep_what_is_there() {
    let mut store = filled();
    let keep = PutRequest { ignore_value: true, lease: 9, ..put("a", "") };
    run(&mut store, Request::Put(keep.clone()));
    let a = store.now().get(b"a").unwrap();
    assert_eq!((a.value.to_string().as_str(), a.lease, a.version), ("4", 9, 3));
    let missing = PutRequest { key: "x".into(), ..keep };
    let txn = TxnRequest {
        success: vec![RequestOp::Put(put("b", "9")), RequestOp::Put(missing.clone())],
        ..Default::default()
    };
    assert_eq!(store.execute(&Request::Put(missing)), Err(Refusal::KeyNotFound));
    assert_eq!(store.execute(&Request::Txn(txn)), Err(Refusal::KeyNotFound));
    assert_eq!(store.revision(), 6);
}

#[test]
fn every_field_is_compared() {
    let mut store = filled();
    let request = Request::Range(get("a", "\0"));
    let right = run(&mut store, request.clone());
    let check = |change: &dyn Fn(&mut RangeResponse)| {
        let Response::Range(mut range) = right.clone() else { panic!() };
        change(&mut range);
        let wrong = differ(&request, &right, &Response::Range(range));
        wrong.map_err(|mismatch| mismatch.to_string()).expect_err("must differ")
    };
    assert_eq!(check(&|range| range.count = 2), "count is 2, must be 3");
    assert_eq!(check(&|range| range.more = true), "more is true, must be false");
    assert_eq!(check(&|range| range.kvs[1].version = 7), "kvs[1].version is 7, must be 1");
    assert_eq!(check(&|range| range.kvs[0].lease = 7), "kvs[0].lease is 7, must be 0");
    assert_eq!(check(&|range| range.kvs[0].value = "x".into()), "kvs[0].value is x, must be 4");
    let text = check(&|range| drop(range.kvs.pop()));
    assert_eq!(text, "kvs is without it, must be c=2 (mod_revision 4)");
    assert_eq!(check(&|range| range.kvs.swap(0, 1)), "kvs[0].key is b, must be a");
}

#[test]
fn ties_may_come_in_any_order() {
    let mut store = filled();
    let by_version = RangeRequest {
        sort_target: SortTarget::Version,
        sort_order: SortOrder::Ascend,
        ..get("a", "\0")
    };
    let request = Request::Range(by_version.clone());
    let expected = run(&mut store, request.clone());
    assert_eq!(keys(&expected), ["b", "c", "a"]);
    let swapped = |first, second| {
        let Response::Range(mut range) = expected.clone() else { panic!() };
        range.kvs.swap(first, second);
        differ(&request, &expected, &Response::Range(range))
    };
    assert!(swapped(0, 1).is_ok());
    assert!(swapped(1, 2).is_err());
    let request = Request::Range(RangeRequest { limit: 1, ..by_version });
    let expected = run(&mut store, request.clone());
    let Response::Range(mut other) = expected.clone() else { panic!() };
    let c = store.now().get(b"c").unwrap();
    other.kvs[0] = c.of(&"c".into());
    assert!(differ(&request, &expected, &Response::Range(other)).is_ok());
}

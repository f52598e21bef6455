//! Tables of what is refused and with which text.

use proptest::prelude::*;

use mettle_api::etcdserverpb::Compare;

use super::*;

const OPS_MAX: usize = 128;

fn put_of(key: &str) -> PutRequest {
    PutRequest { key: key.to_owned().into(), value: "v".into(), ..Default::default() }
}

fn delete_of(key: &str, end: &str) -> DeleteRangeRequest {
    let (key, range_end) = (key.to_owned().into(), end.to_owned().into());
    DeleteRangeRequest { key, range_end, prev_kv: false }
}

fn op(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

fn p(key: &str) -> RequestOp {
    op(Request::RequestPut(put_of(key)))
}

fn d(key: &str, end: &str) -> RequestOp {
    op(Request::RequestDeleteRange(delete_of(key, end)))
}

fn t(success: Vec<RequestOp>, failure: Vec<RequestOp>) -> RequestOp {
    op(Request::RequestTxn(TxnRequest { compare: vec![], success, failure }))
}

fn check(success: Vec<RequestOp>) -> Result<(), Refusal> {
    txn(&TxnRequest { compare: vec![], success, failure: vec![] }, OPS_MAX)
}

#[test]
fn a_key_must_be_given() {
    assert_eq!(put(&put_of("")), Err(Refusal::EmptyKey));
    assert_eq!(delete_range(&delete_of("", "z")), Err(Refusal::EmptyKey));
    assert_eq!(check(vec![p("")]), Err(Refusal::EmptyKey));
    assert_eq!(check(vec![t(vec![], vec![d("", "z")])]), Err(Refusal::EmptyKey));
    let compare = Compare::default();
    let request = TxnRequest { compare: vec![compare], success: vec![], failure: vec![] };
    assert_eq!(txn(&request, OPS_MAX), Err(Refusal::EmptyKey));
}

#[test]
fn what_is_kept_must_not_be_given() {
    let kept = PutRequest { ignore_value: true, ..put_of("a") };
    assert_eq!(put(&kept), Err(Refusal::ValueProvided));
    assert_eq!(put(&PutRequest { value: Bytes::new(), ..kept }), Ok(()));
    let kept = PutRequest { ignore_lease: true, ..put_of("a") };
    assert_eq!(put(&kept), Ok(()));
    assert_eq!(put(&PutRequest { lease: 7, ..kept }), Err(Refusal::LeaseProvided));
}

#[test]
fn an_operation_that_is_none_is_refused_in_its_turn() {
    let none = RequestOp::default;
    assert_eq!(check(vec![none()]), Err(Refusal::KeyNotFound));
    assert_eq!(check(vec![p(""), none()]), Err(Refusal::EmptyKey));
    assert_eq!(check(vec![none(); 129]), Err(Refusal::TooManyOps));
}

#[test]
fn a_transaction_is_as_long_as_its_longest_list_and_all_outside_it() {
    let keys = |from: usize, to: usize| (from..to).map(|n| p(&format!("{n:03}"))).collect();
    assert_eq!(check(keys(0, 128)), Ok(()));
    assert_eq!(check(keys(0, 129)), Err(Refusal::TooManyOps));
    // 27 and the transaction itself outside leave 100 inside.
    let nested = |inside: usize| {
        let mut ops: Vec<RequestOp> = keys(200, 227);
        ops.push(t(keys(0, inside), vec![]));
        check(ops)
    };
    assert_eq!(nested(100), Ok(()));
    assert_eq!(nested(101), Err(Refusal::TooManyOps));
}

#[test]
fn a_key_changes_once() {
    let twice = Err(Refusal::DuplicateKey);
    for (ops, expected) in [
        (vec![p("a"), p("b")], Ok(())),
        (vec![p("a"), p("a")], twice),
        (vec![p("a"), d("a", "")], twice),
        (vec![d("a", ""), p("a")], twice),
        (vec![d("a", "c"), p("b")], twice),
        (vec![d("a", "c"), p("c")], Ok(())),
        (vec![d("a", "c"), d("b", "d"), d("d", "e"), p("d")], twice),
        (vec![d("a", "c"), d("b", "d"), p("d")], Ok(())),
        // Deletes may meet each other.
        (vec![d("a", ""), d("a", ""), d("a", "c")], Ok(())),
        // An inverted interval deletes nothing; so does, to this check, one without an end.
        (vec![d("c", "a"), p("b")], Ok(())),
        (vec![d("a", "\0"), p("b")], Ok(())),
        // Branches exclude each other, siblings do not.
        (vec![t(vec![p("a")], vec![p("a")])], Ok(())),
        (vec![t(vec![p("a")], vec![d("a", "")])], Ok(())),
        (vec![t(vec![p("a")], vec![]), t(vec![], vec![p("a")])], twice),
        (vec![t(vec![d("a", "")], vec![]), t(vec![], vec![p("a")])], twice),
        (vec![t(vec![], vec![p("a")]), t(vec![d("a", "")], vec![])], Ok(())),
        (vec![t(vec![p("a")], vec![]), p("a")], twice),
        (vec![t(vec![p("a")], vec![]), d("a", "")], twice),
        (vec![t(vec![d("a", "c")], vec![]), p("b")], twice),
        (vec![t(vec![t(vec![p("a")], vec![])], vec![]), p("a")], twice),
    ] {
        assert_eq!(check(ops.clone()), expected, "{ops:?}");
    }
}

#[test]
fn both_branches_are_checked_and_exclude_each_other() {
    let of = |success, failure| txn(&TxnRequest { compare: vec![], success, failure }, OPS_MAX);
    assert_eq!(of(vec![p("a")], vec![p("a")]), Ok(()));
    assert_eq!(of(vec![], vec![p("a"), p("a")]), Err(Refusal::DuplicateKey));
}

proptest! {
    /// The merged intervals touch what the single ones touch.
    #[test]
    fn merged_deletes_touch_what_single_ones_touch(
        ranges in prop::collection::vec((0_u8..12, 0_u8..12, any::<bool>()), 0..12),
        key in 0_u8..12,
    ) {
        let ranges: Vec<DeleteRangeRequest> = ranges
            .into_iter()
            .map(|(key, end, single)| DeleteRangeRequest {
                key: vec![key].into(),
                range_end: if single { Bytes::new() } else { vec![end].into() },
                prev_kv: false,
            })
            .collect();
        let naive = ranges.iter().any(|range| {
            if range.range_end.is_empty() {
                range.key == [key][..]
            } else {
                range.key <= [key][..] && [key][..] < range.range_end[..]
            }
        });
        let mut deletes = Deletes::default();
        for range in &ranges {
            deletes.add(range);
        }
        prop_assert_eq!(deletes.touch(&[key]), naive);
    }
}

//! A transaction that is answered after a compaction has read what its branch reads, and nothing else.

use mettle_checker::history::{
    Blob, CompactRequest, CompactResponse, Compare, CompareResult, Header, History, Operand,
    Origin, PutRequest, PutResponse, RangeRequest, RangeResponse, Record, Request, RequestOp,
    Response, ResponseOp, TxnRequest, TxnResponse,
};
use mettle_checker::{Options, Verdict, check};

fn header(revision: i64) -> Header {
    Header { revision, ..Header::default() }
}

fn record(id: u64, request: Request, response: Response) -> Record {
    Record::called(id, 1, 1, 10 * id, request).ok(10 * id + 5, response)
}

fn get(revision: i64) -> RequestOp {
    RequestOp::Range(RangeRequest { key: Blob::from("k"), revision, ..RangeRequest::default() })
}

/// Three puts, a compaction at revision 4, and a transaction that holds nothing in its failure.
fn verdict(success: Vec<RequestOp>, failure: Vec<RequestOp>) -> Verdict {
    let mut records: Vec<Record> = (0..3)
        .map(|number| {
            let (key, value) = (Blob::from("k"), Blob::from(format!("{number}")));
            let put = PutRequest { key, value, ..PutRequest::default() };
            let answer = PutResponse { header: Some(header(number + 2)), prev_kv: None };
            record(number as u64, Request::Put(put), Response::Put(answer))
        })
        .collect();
    let compact = CompactRequest { revision: 4, physical: false };
    let compacted = CompactResponse { header: Some(header(4)) };
    records.push(record(3, Request::Compact(compact), Response::Compact(compacted)));
    let compare = Compare {
        key: Blob::from("none"),
        range_end: Blob::default(),
        result: CompareResult::Greater,
        operand: Operand::Version(0),
    };
    let empty = RangeResponse { header: Some(header(4)), ..RangeResponse::default() };
    let answer = TxnResponse {
        header: Some(header(4)),
        succeeded: false,
        responses: failure.iter().map(|_| ResponseOp::Range(empty.clone())).collect(),
    };
    let txn = Request::Txn(TxnRequest { compare: vec![compare], success, failure });
    records.push(record(4, txn, Response::Txn(answer)));
    let origin = Origin { start_revision: Some(1), ..Origin::default() };
    check(&History { origin, records }, &Options::default()).verdict
}

#[test]
fn a_branch_that_is_not_taken_reads_nothing() {
    assert_eq!(verdict(vec![get(2)], Vec::new()), Verdict::Legal);
}

#[test]
fn a_branch_that_is_taken_had_to_be_refused() {
    let Verdict::Broken(violation) = verdict(Vec::new(), vec![get(2)]) else {
        panic!("a compacted revision was read")
    };
    assert!(violation.reason.contains("revision 2"), "{}", violation.reason);
}

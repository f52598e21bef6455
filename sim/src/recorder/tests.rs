//! What is recorded, what traffic goes by, and what counts as an effect of a fault.

use mettle_checker::history::{
    Blob, CompactRequest, Event, EventType, Header, KeyValue, Op, PutRequest, PutResponse,
};

use super::*;

const M1: Member = Member::new(1);
const M2: Member = Member::new(2);

fn put() -> Request {
    let key = Blob::from("k");
    Request::Put(PutRequest { key, ..PutRequest::default() })
}

fn answered(revision: i64) -> CallResult {
    let header = Some(Header { revision, ..Header::default() });
    CallResult::Answered(Response::Put(PutResponse { header, prev_kv: None }))
}

fn error(code: &str, message: &str) -> ErrorAnswer {
    ErrorAnswer { code: code.to_owned(), message: message.to_owned() }
}

#[test]
fn ids_follow_the_calls_and_an_outcome_is_open_until_the_answer() {
    let recorder = Recorder::default();
    let (first, second) = (recorder.process(), recorder.process());
    assert_eq!((first, second), (1, 2));
    let one = recorder.called(first, M1, 10, put());
    let two = recorder.called(second, M2, 11, put());
    recorder.connected(two, 77);
    assert_eq!(recorder.ended(two, 15, &answered(2)), Outcome::Ok);
    let records = recorder.take();
    assert_eq!(records.iter().map(|record| record.id).collect::<Vec<_>>(), [one, two]);
    assert_eq!((records[0].outcome, records[0].return_ns), (Outcome::Unknown, None));
    let seen = (records[1].process, records[1].member, records[1].connection);
    assert_eq!(seen, (second, 2, 77));
    assert_eq!((records[1].call_ns, records[1].return_ns), (11, Some(15)));
    assert!(recorder.take().is_empty(), "the history is handed over once");
}

#[test]
fn only_what_certainly_did_not_happen_is_a_failure() {
    let recorder = Recorder::default();
    let end = |result: CallResult| {
        let id = recorder.called(1, M1, 0, put());
        recorder.ended(id, 1, &result)
    };
    let lost = error("Unavailable", "connection reset");
    assert_eq!(end(CallResult::NeverSent(lost.clone())), Outcome::Fail);
    assert_eq!(end(CallResult::Refused(lost)), Outcome::Unknown);
    let refused = error("InvalidArgument", "etcdserver: key is not provided");
    assert_eq!(end(CallResult::Refused(refused)), Outcome::Fail);
    assert_eq!(end(answered(2)), Outcome::Ok);
    let count = recorder.operations();
    assert_eq!((count.ok, count.fail, count.unknown), (1, 2, 1));
}

#[test]
fn a_compaction_counts_when_it_was_not_in_the_future() {
    let recorder = Recorder::default();
    let compact = |revision| Request::Compact(CompactRequest { revision, physical: false });
    let id = recorder.called(1, M1, 0, put());
    recorder.ended(id, 1, &answered(9));
    recorder.called(1, M1, 2, compact(10));
    assert_eq!((recorder.revision(), recorder.compacted()), (9, 0));
    recorder.called(1, M1, 3, compact(7));
    recorder.called(1, M1, 4, compact(5));
    assert_eq!(recorder.compacted(), 7);
}

#[test]
fn watchers_tell_how_far_the_store_is_and_where_it_deleted() {
    let recorder = Recorder::default();
    let on = WatchStream { process: 1, member: M1, stream: recorder.stream() };
    let event = |kind, mod_revision| {
        let kv = KeyValue { mod_revision, ..KeyValue::default() };
        Event { kind, kv, prev_kv: None, is_create: None }
    };
    let header = Header { revision: 12, ..Header::default() };
    let events = vec![event(EventType::Put, 8), event(EventType::Delete, 9)];
    let response = WatchResponse { header, events, ..WatchResponse::default() };
    recorder.arrived(on, 5, response);
    recorder.stream_over(on, 6, None);
    assert_eq!(recorder.revision(), 12);
    assert_eq!(recorder.deleted_between(7, 12), Some(9));
    assert_eq!(recorder.deleted_between(9, 12), None, "above the first bound");
    assert_eq!(recorder.operations(), Operations::default(), "a watch is no operation");
    let ops: Vec<Op> = recorder.take().iter().map(|record| record.request.op()).collect();
    assert_eq!(ops, [Op::WatchResponse, Op::WatchEnd]);
}

#[test]
fn delivery_never_goes_back() {
    let recorder = Recorder::default();
    recorder.delivered(M1, 7);
    recorder.delivered(M1, 4);
    assert_eq!((recorder.delivered_by(M1), recorder.delivered_by(M2)), (7, 0));
}

#[test]
fn a_member_has_served_when_a_later_call_was_answered() {
    let recorder = Recorder::default();
    let early = recorder.called(1, M1, 10, put());
    recorder.ended(early, 30, &answered(2));
    assert!(recorder.served_since(M1, 10));
    assert!(!recorder.served_since(M1, 20), "it was called before");
    let late = recorder.called(2, M1, 25, put());
    assert!(!recorder.served_since(M1, 20), "it is not answered yet");
    recorder.ended(late, 40, &answered(3));
    assert!(recorder.served_since(M1, 20) && !recorder.served_since(M2, 20));
}

#[test]
fn somebody_missed_a_member_when_a_call_in_that_time_had_no_answer() {
    let recorder = Recorder::default();
    recorder.called(1, M1, 10, put());
    let answered_one = recorder.called(2, M1, 20, put());
    recorder.ended(answered_one, 21, &answered(2));
    assert!(recorder.unanswered_between(M1, 10, 15));
    assert!(!recorder.unanswered_between(M1, 11, 30), "what was called then was answered");
    assert!(!recorder.unanswered_between(M2, 0, 100));
}

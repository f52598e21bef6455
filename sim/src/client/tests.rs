//! What goes over the wire and comes back is what the history says, and what a watcher was given.

use bytes::Bytes;
use mettle_api::{etcdserverpb as pb, mvccpb};
use mettle_checker::history::{
    Blob, Compare, CompareResult, Event, EventType, Header, KeyValue, Operand, PutRequest,
    RangeRequest, RequestOp, SortOrder, SortTarget, TxnRequest, WatchCreateRequest, WatchFilter,
    WatchResponse,
};

use super::watching::{Heard, WatchOver, Watching};
use super::*;
use crate::recorder::Values;

fn header(revision: i64) -> pb::ResponseHeader {
    pb::ResponseHeader { cluster_id: 7, member_id: 8, revision, raft_term: 3 }
}

fn kv(key: &[u8]) -> mvccpb::KeyValue {
    mvccpb::KeyValue {
        key: Bytes::copy_from_slice(key),
        value: Bytes::from_static(b"v"),
        create_revision: 2,
        mod_revision: 5,
        version: 3,
        lease: 0,
    }
}

#[test]
fn an_answer_is_recorded_with_every_field() {
    let answer =
        pb::RangeResponse { header: Some(header(9)), kvs: vec![kv(b"a")], more: true, count: 4 };
    let range = from_wire::range(answer, &Values::default());
    let expected = Header { cluster_id: 7, member_id: 8, revision: 9, raft_term: 3 };
    assert_eq!((range.header, range.more, range.count), (Some(expected), true, 4));
    let pair = &range.kvs[0];
    assert_eq!((&pair.key[..], &pair.value[..]), (&b"a"[..], &b"v"[..]));
    assert_eq!((pair.create_revision, pair.mod_revision, pair.version), (2, 5, 3));
}

#[test]
fn a_transaction_with_an_empty_answer_is_no_answer() {
    let put = pb::response_op::Response::ResponsePut(pb::PutResponse::default());
    let answer = |response| pb::TxnResponse {
        header: Some(header(2)),
        succeeded: true,
        responses: vec![pb::ResponseOp { response }],
    };
    assert!(
        from_wire::txn(answer(Some(put)), &Values::default())
            .is_some_and(|txn| txn.responses.len() == 1)
    );
    assert_eq!(from_wire::txn(answer(None), &Values::default()), None);
}

#[test]
fn a_request_is_sent_with_every_field() {
    let read = RangeRequest {
        key: Blob::from("a"),
        range_end: Blob::from("b"),
        limit: 3,
        sort_order: SortOrder::Descend,
        sort_target: SortTarget::Mod,
        max_mod_revision: 6,
        ..RangeRequest::default()
    };
    let sent = to_wire::range(&read);
    assert_eq!((&sent.key[..], &sent.range_end[..], sent.limit), (&b"a"[..], &b"b"[..], 3));
    assert_eq!(sent.sort_order(), pb::range_request::SortOrder::Descend);
    assert_eq!(sent.sort_target(), pb::range_request::SortTarget::Mod);
    assert_eq!((sent.max_mod_revision, sent.min_mod_revision), (6, 0));
    let inner = TxnRequest {
        compare: vec![Compare {
            key: Blob::from("a"),
            range_end: Blob::default(),
            result: CompareResult::Less,
            operand: Operand::ModRevision(4),
        }],
        success: vec![RequestOp::Put(PutRequest { lease: 9, ..PutRequest::default() })],
        failure: vec![RequestOp::Range(read)],
    };
    let outer = TxnRequest { success: vec![RequestOp::Txn(inner)], ..TxnRequest::default() };
    let sent = to_wire::txn(&outer);
    let Some(pb::request_op::Request::RequestTxn(inner)) = &sent.success[0].request else {
        panic!("a transaction in a transaction: {sent:?}")
    };
    assert_eq!(inner.compare[0].result(), pb::compare::CompareResult::Less);
    let operand = Some(pb::compare::TargetUnion::ModRevision(4));
    assert_eq!(inner.compare[0].target_union, operand);
    assert_eq!((inner.success.len(), inner.failure.len()), (1, 1));
}

#[test]
fn a_watch_is_asked_for_with_its_filters() {
    let request = WatchCreateRequest {
        start_revision: 4,
        filters: vec![WatchFilter::NoDelete],
        prev_kv: true,
        ..WatchCreateRequest::default()
    };
    let sent = to_wire::watch_create(&request).request_union;
    let Some(pb::watch_request::RequestUnion::CreateRequest(sent)) = sent else {
        panic!("no create request: {sent:?}")
    };
    let filters = [i32::from(pb::watch_create_request::FilterType::Nodelete)];
    assert_eq!((sent.start_revision, sent.prev_kv), (4, true));
    assert_eq!(sent.filters, filters);
}

#[test]
fn a_failed_call_says_why_and_an_answered_one_does_not() {
    let status = Status::unavailable("no leader");
    let called =
        Called { outcome: Outcome::Unknown, ending: CallResult::Refused(error_answer(&status)) };
    assert_eq!(called.error().as_deref(), Some("Unavailable: no leader"));
    assert!(called.response().is_none());
}

fn response(created: bool, revision: i64, events: &[i64]) -> WatchResponse {
    let event = |mod_revision: &i64| Event {
        kind: EventType::Put,
        kv: KeyValue { mod_revision: *mod_revision, ..KeyValue::default() },
        prev_kv: None,
        is_create: None,
    };
    WatchResponse {
        header: Header { revision, ..Header::default() },
        created,
        events: events.iter().map(event).collect(),
        ..WatchResponse::default()
    }
}

#[test]
fn a_watcher_has_what_events_and_progress_notices_say() {
    let mut heard = Heard::default();
    heard.take_in(&response(true, 9, &[]));
    assert_eq!((heard.created, heard.revision), (true, 0), "made, and nothing delivered yet");
    heard.take_in(&response(false, 9, &[7, 8]));
    assert_eq!((heard.events, heard.revision), (2, 8), "up to the last event, not the header");
    heard.take_in(&response(false, 12, &[]));
    assert_eq!((heard.events, heard.revision), (2, 12), "a progress notice covers its revision");
}

#[test]
fn a_cancelled_watcher_is_given_nothing_more() {
    let mut heard = Heard { revision: 5, ..Heard::default() };
    let mut canceled = response(false, 20, &[]);
    (canceled.canceled, canceled.compact_revision) = (true, 11);
    heard.take_in(&canceled);
    assert_eq!((heard.over, heard.revision), (WatchOver::Canceled(11), 5));
}

fn of(watch_id: i64, mut answer: WatchResponse) -> WatchResponse {
    answer.watch_id = watch_id;
    answer
}

#[test]
fn each_watcher_of_a_stream_is_given_its_own() {
    let mut watching = Watching::default();
    (0..3).for_each(|_| watching.asked());
    watching.take_in(&of(7, response(true, 3, &[])));
    watching.take_in(&of(0, response(true, 3, &[])));
    watching.take_in(&of(0, response(false, 5, &[4, 5])));
    let revisions =
        |watching: &Watching| watching.heard.iter().map(|heard| heard.revision).collect::<Vec<_>>();
    assert_eq!(revisions(&watching), [0, 5, 0], "the second has the id 0");
    watching.take_in(&of(-1, response(false, 9, &[])));
    assert_eq!(revisions(&watching), [9, 9, 0], "the third is not made yet");
    assert_eq!((watching.cancels(0), watching.cancels(0)), (Some(7), None), "once");
    assert_eq!(watching.cancels(2), None, "it has no id yet");
    let mut over = of(7, response(false, 9, &[]));
    over.canceled = true;
    watching.take_in(&over);
    let overs: Vec<WatchOver> = watching.heard.iter().map(|heard| heard.over).collect();
    assert_eq!(overs, [WatchOver::Left, WatchOver::Broken, WatchOver::Broken]);
}

#[test]
fn a_part_of_a_response_leaves_its_last_revision_open() {
    let mut heard = Heard::default();
    let mut part = response(false, 9, &[7, 8]);
    part.fragment = true;
    heard.take_in(&part);
    assert_eq!(heard.revision, 7);
    heard.take_in(&response(false, 9, &[8]));
    assert_eq!(heard.revision, 8);
}

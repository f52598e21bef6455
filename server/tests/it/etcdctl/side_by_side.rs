//! The same random requests to `mettled` and to a real etcd: answer for answer, event for event.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::compare::TargetUnion;
use mettle_api::etcdserverpb::kv_client::KvClient;
use mettle_api::etcdserverpb::request_op::Request;
use mettle_api::etcdserverpb::watch_client::WatchClient;
use mettle_api::etcdserverpb::watch_request::RequestUnion;
use mettle_api::mvccpb;
use mettle_server::platform::{Clock, Platform, real, timeout};
use mettle_server::transport::Channel;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;

use super::cluster::{Cluster, Program, etcd_missing};

const CALLS: usize = 1_500;
/// How long an answer to a wish may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Highest revision asked for; a run changes more often than that.
const REVISION_MAX: i64 = 400;

#[derive(Clone, Debug)]
enum Call {
    Range(pb::RangeRequest),
    Put(pb::PutRequest),
    DeleteRange(pb::DeleteRangeRequest),
    Txn(pb::TxnRequest),
    Compact(pb::CompactionRequest),
}

/// An answer without what differs between clusters: who answered, and in which term.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Range(pb::RangeResponse),
    Put(pb::PutResponse),
    DeleteRange(pb::DeleteRangeResponse),
    Txn(pb::TxnResponse),
    Compact(pb::CompactionResponse),
    Refused(i32, String),
}

fn key() -> impl Strategy<Value = Bytes> {
    let keys: Vec<&str> = vec!["a", "ab", "b", "c", "d", "e"];
    prop_oneof![40 => prop::sample::select(keys), 1 => Just("")].prop_map(Bytes::from)
}

fn range_end() -> impl Strategy<Value = Bytes> {
    let ends: Vec<&str> = vec!["b", "d", "z", "\0", "a"];
    prop_oneof![3 => Just(""), 2 => prop::sample::select(ends)].prop_map(Bytes::from)
}

fn revision() -> impl Strategy<Value = i64> {
    prop_oneof![6 => Just(0), 3 => 1..REVISION_MAX, 1 => Just(-1_i64)]
}

fn bound() -> impl Strategy<Value = i64> {
    prop_oneof![8 => Just(0), 1 => 1..REVISION_MAX]
}

fn range() -> impl Strategy<Value = pb::RangeRequest> {
    let which = (key(), range_end(), -1_i64..4, revision());
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.1), 0..3, 0..5);
    let bounds = (bound(), bound(), bound(), bound());
    (which, flags, bounds).prop_map(|(which, flags, bounds)| pb::RangeRequest {
        key: which.0,
        range_end: which.1,
        limit: which.2,
        revision: which.3,
        serializable: flags.0,
        keys_only: flags.1,
        count_only: flags.2,
        sort_order: flags.3,
        sort_target: flags.4,
        min_mod_revision: bounds.0,
        max_mod_revision: bounds.1,
        min_create_revision: bounds.2,
        max_create_revision: bounds.3,
    })
}

fn put() -> impl Strategy<Value = pb::PutRequest> {
    let rare = || prop::bool::weighted(0.1);
    let lease = prop_oneof![20 => Just(0), 1 => Just(7_i64)];
    let value = prop::sample::select(vec!["", "1", "2", "3"]);
    (key(), value, lease, any::<bool>(), rare(), rare()).prop_map(
        |(key, value, lease, prev_kv, ignore_value, ignore_lease)| pb::PutRequest {
            key,
            value: value.into(),
            lease,
            prev_kv,
            ignore_value,
            ignore_lease,
        },
    )
}

fn delete_range() -> impl Strategy<Value = pb::DeleteRangeRequest> {
    (key(), range_end(), any::<bool>())
        .prop_map(|(key, range_end, prev_kv)| pb::DeleteRangeRequest { key, range_end, prev_kv })
}

fn compare() -> impl Strategy<Value = pb::Compare> {
    let union = prop_oneof![
        (0_i64..4).prop_map(TargetUnion::Version),
        (0..REVISION_MAX).prop_map(TargetUnion::CreateRevision),
        (0..REVISION_MAX).prop_map(TargetUnion::ModRevision),
        prop::sample::select(vec!["", "1", "2"]).prop_map(|v| TargetUnion::Value(v.into())),
        (0_i64..2).prop_map(TargetUnion::Lease),
    ];
    // Now and then the value does not belong to the target.
    let target = prop::option::weighted(0.1, 0..5);
    (key(), range_end(), 0..4, union, target).prop_map(|(key, range_end, result, union, target)| {
        let fitting = match union {
            TargetUnion::Version(_) => 0,
            TargetUnion::CreateRevision(_) => 1,
            TargetUnion::ModRevision(_) => 2,
            TargetUnion::Value(_) => 3,
            TargetUnion::Lease(_) => 4,
        };
        let target = target.unwrap_or(fitting);
        pb::Compare { result, target, key, range_end, target_union: Some(union) }
    })
}

fn txn() -> impl Strategy<Value = pb::TxnRequest> {
    let op = prop_oneof![
        8 => range().prop_map(|r| Some(Request::RequestRange(r))),
        8 => put().prop_map(|r| Some(Request::RequestPut(r))),
        4 => delete_range().prop_map(|r| Some(Request::RequestDeleteRange(r))),
        1 => Just(None),
    ];
    let op = op.prop_map(|request| pb::RequestOp { request });
    let op = op.prop_recursive(2, 8, 3, |op| {
        let ops = || prop::collection::vec(op.clone(), 0..3);
        let compare = prop::collection::vec(compare(), 0..2);
        (compare, ops(), ops()).prop_map(|(compare, success, failure)| {
            let txn = pb::TxnRequest { compare, success, failure };
            pb::RequestOp { request: Some(Request::RequestTxn(txn)) }
        })
    });
    let ops = || prop::collection::vec(op.clone(), 0..4);
    (prop::collection::vec(compare(), 0..3), ops(), ops())
        .prop_map(|(compare, success, failure)| pb::TxnRequest { compare, success, failure })
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        30 => range().prop_map(Call::Range),
        30 => put().prop_map(Call::Put),
        10 => delete_range().prop_map(Call::DeleteRange),
        40 => txn().prop_map(Call::Txn),
        1 => (-1..REVISION_MAX, any::<bool>())
            .prop_map(|(revision, physical)| pb::CompactionRequest { revision, physical })
            .prop_map(Call::Compact),
    ]
}

fn anonymous(header: &mut Option<pb::ResponseHeader>) {
    let header = header.as_mut().expect("every answer has a header");
    assert!(header.cluster_id != 0 && header.member_id != 0 && header.raft_term != 0);
    *header = pb::ResponseHeader { revision: header.revision, ..Default::default() };
}

async fn ask(channel: &Channel, call: Call) -> Answer {
    let mut client = KvClient::new(channel.clone());
    macro_rules! answer {
        ($method:ident, $request:ident, $kind:ident) => {
            client.$method($request).await.map(|response| {
                let mut response = response.into_inner();
                anonymous(&mut response.header);
                Answer::$kind(response)
            })
        };
    }
    let answer = match call {
        Call::Range(request) => answer!(range, request, Range),
        Call::Put(request) => answer!(put, request, Put),
        Call::DeleteRange(request) => answer!(delete_range, request, DeleteRange),
        Call::Txn(request) => answer!(txn, request, Txn),
        Call::Compact(request) => answer!(compact, request, Compact),
    };
    answer.unwrap_or_else(|status: Status| {
        Answer::Refused(status.code().into(), status.message().to_owned())
    })
}

/// Everything a new watcher is told up to `revision`.
async fn watch(
    channel: &Channel,
    create: pb::WatchCreateRequest,
    revision: i64,
) -> Vec<mvccpb::Event> {
    let (wishes, requests) = mpsc::unbounded_channel();
    let wish = |union| pb::WatchRequest { request_union: Some(union) };
    wishes.send(wish(RequestUnion::CreateRequest(create))).unwrap();
    let mut client = WatchClient::new(channel.clone());
    let mut answers =
        client.watch(UnboundedReceiverStream::new(requests)).await.unwrap().into_inner();
    let created = answers.message().await.unwrap().unwrap();
    assert!(created.created && !created.canceled, "{created:?}");
    let mut events = Vec::new();
    let mut last = 0;
    while last < revision {
        let answer = answers.message().await.unwrap().unwrap();
        assert!(!answer.canceled, "{answer:?}");
        events.extend(answer.events);
        last = events.last().and_then(|e| e.kv.as_ref()).map_or(last, |kv| kv.mod_revision);
    }
    events
}

async fn compare_watches(channels: &[Channel; 2], first: i64) {
    let [mettled, etcd] = channels;
    // A last change that every watcher is told of.
    let put = pb::PutRequest { key: "e".into(), value: "end".into(), ..Default::default() };
    let answers =
        [ask(mettled, Call::Put(put.clone())).await, ask(etcd, Call::Put(put.clone())).await];
    let Answer::Put(pb::PutResponse { header: Some(header), .. }) = answers[0] else {
        panic!("{answers:?}");
    };
    for prev_kv in [false, true] {
        for filters in [vec![], vec![1]] {
            let create = pb::WatchCreateRequest {
                key: "a".into(),
                range_end: "z".into(),
                start_revision: first,
                filters,
                prev_kv,
                ..Default::default()
            };
            let ours = watch(mettled, create.clone(), header.revision).await;
            let theirs = watch(etcd, create.clone(), header.revision).await;
            assert!(ours.len() > 1);
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert_eq!(ours, theirs, "{create:?}");
            }
            assert_eq!(ours.len(), theirs.len(), "{create:?}");
        }
    }
}

/// What a stream of wishes is answered; each wish with so many answers before the next.
async fn watch_answers(
    channel: &Channel,
    clock: &dyn Clock,
    wishes: &[(RequestUnion, usize)],
) -> Vec<pb::WatchResponse> {
    let (sender, requests) = mpsc::unbounded_channel();
    let send = |wish: &RequestUnion| {
        sender.send(pb::WatchRequest { request_union: Some(wish.clone()) }).unwrap();
    };
    // etcd sends the head of its response only with the first answer.
    send(&wishes[0].0);
    let mut client = WatchClient::new(channel.clone());
    let mut answers =
        client.watch(UnboundedReceiverStream::new(requests)).await.unwrap().into_inner();
    let mut all = Vec::new();
    for (number, (wish, count)) in wishes.iter().enumerate() {
        if number > 0 {
            send(wish);
        }
        for _ in 0..*count {
            let answer = timeout(clock, ANSWER_TIMEOUT, answers.message()).await;
            let Ok(answer) = answer else { panic!("no answer to {wish:?} after {all:#?}") };
            let mut answer = answer.unwrap().unwrap();
            anonymous(&mut answer.header);
            all.push(answer);
        }
    }
    all
}

#[tokio::test]
async fn watch_requests_are_answered_as_etcd_does() {
    if etcd_missing() {
        return;
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("watch-{}", std::process::id()));
    let Platform { net, clock, .. } = real::platform(&dir).unwrap();
    let create = |key: &'static str, range_end: &'static str, start_revision, watch_id| {
        RequestUnion::CreateRequest(pb::WatchCreateRequest {
            key: key.into(),
            range_end: range_end.into(),
            start_revision,
            watch_id,
            ..Default::default()
        })
    };
    let cancel = |watch_id| RequestUnion::CancelRequest(pb::WatchCancelRequest { watch_id });
    let wishes = [
        (create("a", "", 0, 0), 1),
        (create("a", "z", 100, 7), 1),
        (create("a", "z", 0, 7), 1),
        (create("", "", 0, 0), 1),
        (create("b", "a", 0, 0), 1),
        (create("b", "b", 0, 0), 1),
        (create("b", "\0", 0, 0), 1),
        (cancel(7), 1),
        (cancel(7), 0),
        (cancel(99), 0),
        (create("a", "", 5, 7), 2),
        (create("a", "", 2, 0), 2),
        (create("a", "", 4, 0), 2),
    ];
    let mut answers = Vec::new();
    for program in [Program::Mettled, Program::Etcd] {
        let cluster = Cluster::start(program, 1);
        let channel = cluster.channel(0, &net, &clock);
        for value in ["1", "2", "3", "4"] {
            let put = pb::PutRequest { key: "a".into(), value: value.into(), ..Default::default() };
            ask(&channel, Call::Put(put)).await;
        }
        let compact = pb::CompactionRequest { revision: 4, physical: true };
        ask(&channel, Call::Compact(compact)).await;
        answers.push(watch_answers(&channel, &*clock, &wishes).await);
    }
    for (ours, theirs) in answers[0].iter().zip(&answers[1]) {
        assert_eq!(ours, theirs);
    }
    let _ = std::fs::remove_dir_all(dir);
}

#[tokio::test]
async fn random_requests_are_answered_as_etcd_does() {
    if etcd_missing() {
        return;
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("side-{}", std::process::id()));
    let Platform { net, clock, .. } = real::platform(&dir).unwrap();
    let clusters = [Program::Mettled, Program::Etcd].map(|program| Cluster::start(program, 1));
    let channels = [0, 1].map(|n: usize| clusters[n].channel(0, &net, &clock));
    let mut random = TestRunner::deterministic();
    let calls = call();
    let mut compacted = 0;
    for number in 0..CALLS {
        let call = calls.new_tree(&mut random).unwrap().current();
        let ours = ask(&channels[0], call.clone()).await;
        let theirs = ask(&channels[1], call.clone()).await;
        assert_eq!(ours, theirs, "call {number}: {call:#?}");
        if let (Call::Compact(request), Answer::Compact(_)) = (&call, &ours) {
            compacted = request.revision;
        }
    }
    compare_watches(&channels, compacted + 1).await;
    drop(clusters);
    let _ = std::fs::remove_dir_all(dir);
}

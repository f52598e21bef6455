//! Requests around the limits of size, to `mettled` and to a real etcd: the same code and words.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::kv_client::KvClient;
use mettle_api::etcdserverpb::maintenance_client::MaintenanceClient;
use mettle_api::etcdserverpb::request_op::Request;
use mettle_api::etcdserverpb::watch_client::WatchClient;
use mettle_api::etcdserverpb::watch_request::RequestUnion;
use mettle_server::platform::{Clock, Platform, real, timeout};
use mettle_server::transport::Channel;
use prost::Message as _;
use tonic::Status;

use super::cluster::{Cluster, Program, etcd_missing, etcdctl_missing};

/// The default of `--max-request-bytes`.
const LIMIT: usize = 1_572_864;
/// Above it, a message is not even read.
const MESSAGE_LIMIT: usize = LIMIT + (512 << 10);
/// What a proposal may have beyond its request.
const PROPOSAL: usize = 64;
/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

fn bytes(length: usize) -> Bytes {
    vec![b'v'; length].into()
}

/// A put whose message has this length.
fn put(length: usize) -> pb::PutRequest {
    let with = |value| pb::PutRequest { key: "k".into(), value, ..Default::default() };
    // The key and the heads of the fields; near enough for the value's length to be as long.
    let near = length - 8;
    let put = with(bytes(length - (with(bytes(near)).encoded_len() - near)));
    assert_eq!(put.encoded_len(), length);
    put
}

/// Each call by its name, and its answer.
async fn answers(channel: &Channel, clock: &dyn Clock) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut told = |name: String, answer: Result<(), Status>| {
        let answer = match answer {
            Ok(()) => "ok".to_owned(),
            Err(status) => format!("{:?}: {}", status.code(), status.message()),
        };
        all.push((name, answer));
    };
    let mut kv = KvClient::new(channel.clone());
    let sizes = [
        LIMIT - PROPOSAL,
        LIMIT,
        LIMIT + 1,
        1_600_000,
        MESSAGE_LIMIT,
        MESSAGE_LIMIT + 1,
        2_200_000,
        9_000_000,
    ];
    for size in sizes {
        told(format!("put of {size}"), kv.put(put(size)).await.map(drop));
        let request = Some(Request::RequestPut(put(size - 16)));
        let success = vec![pb::RequestOp { request }];
        let txn = pb::TxnRequest { success, ..Default::default() };
        told(format!("txn of about {size}"), kv.txn(txn).await.map(drop));
    }
    for size in [1_600_000, 2_200_000] {
        let range = pb::RangeRequest { key: bytes(size), ..Default::default() };
        told(format!("range of {size}"), kv.range(range).await.map(drop));
        let delete = pb::DeleteRangeRequest { key: bytes(size), ..Default::default() };
        told(format!("delete of {size}"), kv.delete_range(delete).await.map(drop));
        let create = pb::WatchCreateRequest { key: bytes(size), ..Default::default() };
        told(format!("watch of {size}"), watch(channel, clock, create).await);
    }
    // A connection that refused is still a connection.
    let status = MaintenanceClient::new(channel.clone()).status(pb::StatusRequest {}).await;
    told("status".to_owned(), status.map(drop));
    all
}

/// The first answer of a watch.
async fn watch(
    channel: &Channel,
    clock: &dyn Clock,
    create: pb::WatchCreateRequest,
) -> Result<(), Status> {
    let wish = pb::WatchRequest { request_union: Some(RequestUnion::CreateRequest(create)) };
    let mut client = WatchClient::new(channel.clone());
    let first = async {
        let wishes = tokio_stream::iter([wish]);
        let wishes = tokio_stream::StreamExt::chain(wishes, tokio_stream::pending());
        client.watch(wishes).await?.into_inner().message().await
    };
    timeout(clock, ANSWER_TIMEOUT, first).await.expect("a watch is answered").map(drop)
}

/// By how many bytes the largest put that is taken stays below the limit; etcd counts the id of a
/// proposal too, whose length goes by the member's.
async fn slack(channel: &Channel) -> usize {
    let mut kv = KvClient::new(channel.clone());
    let first = kv.put(put(100)).await.unwrap().into_inner();
    let member_id = first.header.expect("every answer has a header").member_id;
    let id = prost::encoding::encoded_len_varint((member_id & 0xffff) << 48 | 1 << 47);
    let (mut taken, mut refused) = (LIMIT - PROPOSAL, LIMIT);
    while refused - taken > 1 {
        let middle = taken.midpoint(refused);
        match kv.put(put(middle)).await {
            Ok(_) => taken = middle,
            Err(_) => refused = middle,
        }
    }
    LIMIT - taken - id
}

/// Calls a cluster of one member of a program.
async fn of<T>(program: Program, calls: impl AsyncFnOnce(Channel, Arc<dyn Clock>) -> T) -> T {
    let name = format!("size-{program:?}-{}", std::process::id());
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let Platform { net, clock, .. } = real::platform(&dir).unwrap();
    let cluster = Cluster::start(program, 1);
    let answer = calls(cluster.channel(0, &net, &clock), clock).await;
    drop(cluster);
    let _ = std::fs::remove_dir_all(dir);
    answer
}

#[tokio::test]
async fn what_is_too_large_is_refused_as_etcd_does() {
    if etcdctl_missing() {
        return;
    }
    let all = async |channel: Channel, clock: Arc<dyn Clock>| answers(&channel, &*clock).await;
    let ours = of(Program::Mettled, all).await;
    let said = |name: &str| &ours.iter().find(|(call, _)| call == name).unwrap().1;
    assert_eq!(said("put of 1572800"), "ok");
    assert_eq!(said("put of 1600000"), "InvalidArgument: etcdserver: request is too large");
    assert_eq!(
        said("put of 2097153"),
        "ResourceExhausted: grpc: received message larger than max (2097153 vs. 2097152)"
    );
    if etcd_missing() {
        return;
    }
    let theirs = of(Program::Etcd, all).await;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
}

#[tokio::test]
async fn the_largest_put_is_the_same_to_the_byte() {
    if etcd_missing() {
        return;
    }
    let of_one = async |channel: Channel, _| slack(&channel).await;
    assert_eq!(of(Program::Mettled, of_one).await, of(Program::Etcd, of_one).await);
}

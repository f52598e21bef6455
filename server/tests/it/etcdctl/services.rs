//! What etcdctl does not ask for: sizes at the limit, health, and services that are not served yet.

use std::path::{Path, PathBuf};

use mettle_api::etcdserverpb as pb;
use mettle_api::etcdserverpb::kv_client::KvClient;
use mettle_api::etcdserverpb::lease_client::LeaseClient;
use mettle_api::health::HealthCheckRequest;
use mettle_api::health::health_check_response::ServingStatus;
use mettle_api::health::health_client::HealthClient;
use mettle_server::platform::real;
use mettle_server::transport::Channel;
use tonic::Code;

use super::cluster::{Cluster, Program, etcdctl_missing};

const MIB: usize = 1 << 20;

fn start(name: &str) -> (Cluster, Channel, PathBuf) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let platform = real::platform(&dir).unwrap();
    let cluster = Cluster::start(Program::Mettled, 1);
    let channel = cluster.channel(0, &platform.net, &platform.clock);
    (cluster, channel, dir)
}

#[tokio::test]
async fn requests_are_bounded_and_answers_are_not() {
    if etcdctl_missing() {
        return;
    }
    let (cluster, channel, dir) = start("sizes");
    let mut client = KvClient::new(channel).max_decoding_message_size(usize::MAX);
    let put = |key: String, bytes: usize| pb::PutRequest {
        key: key.into(),
        value: vec![b'v'; bytes].into(),
        ..Default::default()
    };
    // The whole request counts, so that a value of the full size is too large.
    let refused = client.put(put("k".into(), 3 * MIB / 2)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.message(), "etcdserver: request is too large");
    for number in 0..12 {
        client.put(put(format!("k{number:02}"), 3 * MIB / 2 - 64)).await.unwrap();
    }
    let all = pb::RangeRequest { key: "k".into(), range_end: "l".into(), ..Default::default() };
    let found = client.range(all).await.unwrap().into_inner();
    assert_eq!(found.count, 12);
    assert!(found.kvs.iter().all(|kv| kv.value.len() == 3 * MIB / 2 - 64));
    drop(cluster);
    let _ = std::fs::remove_dir_all(dir);
}

#[tokio::test]
async fn a_member_is_healthy_and_says_what_it_cannot_do() {
    if etcdctl_missing() {
        return;
    }
    let (cluster, channel, dir) = start("services");
    let mut health = HealthClient::new(channel.clone());
    let whole = HealthCheckRequest::default();
    let answer = health.check(whole.clone()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
    let mut told = health.watch(whole).await.unwrap().into_inner();
    assert_eq!(told.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let part = HealthCheckRequest { service: "etcdserverpb.Lease".into() };
    assert_eq!(health.check(part).await.unwrap_err().code(), Code::NotFound);
    let grant = pb::LeaseGrantRequest { ttl: 10, id: 0 };
    let refused = LeaseClient::new(channel).lease_grant(grant).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert_eq!(refused.message(), "unknown service etcdserverpb.Lease");
    drop(cluster);
    let _ = std::fs::remove_dir_all(dir);
}

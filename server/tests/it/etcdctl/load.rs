//! No acknowledged write is lost: not when the leader is killed under load, not when all are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mettle_api::etcdserverpb::kv_client::KvClient;
use mettle_api::etcdserverpb::{PutRequest, RangeRequest};
use mettle_server::platform::{Platform, real};
use mettle_server::transport::Channel;
use tonic::Request;

use super::cluster::{Cluster, Program, etcdctl_missing};

const WRITERS: usize = 4;
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// What the writers know.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

fn key(writer: usize, number: usize) -> String {
    format!("w{writer}/{number:06}")
}

/// Puts one key after the other until told to stop; returns the numbers that were acknowledged.
async fn write(writer: usize, channels: Vec<Channel>, progress: Arc<Progress>) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    let mut at = writer;
    for number in 0.. {
        if progress.stop.load(Ordering::Relaxed) {
            break;
        }
        let mut client = KvClient::new(channels[at % channels.len()].clone());
        let key = key(writer, number);
        let put = PutRequest { value: key.clone().into(), key: key.into(), ..Default::default() };
        let mut request = Request::new(put);
        request.set_timeout(CALL_TIMEOUT);
        match client.put(request).await {
            Ok(_) => {
                acknowledged.push(number);
                progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            // It may have happened; the next member takes the next key.
            Err(_) => at += 1,
        }
    }
    acknowledged
}

/// Waits until so many more writes are acknowledged.
async fn more_writes(progress: &Progress, count: usize, platform: &Platform) {
    let goal = progress.acknowledged.load(Ordering::Relaxed) + count;
    let mut waited = 0;
    while progress.acknowledged.load(Ordering::Relaxed) < goal {
        platform.clock.sleep(Duration::from_millis(20)).await;
        waited += 1;
        assert!(waited < 3_000, "the cluster takes no writes any more");
    }
}

async fn all_keys(cluster: &Cluster, n: usize, platform: &Platform) -> BTreeMap<String, String> {
    let channel = cluster.channel(n, &platform.net, &platform.clock);
    let mut client = KvClient::new(channel).max_decoding_message_size(usize::MAX);
    let everything =
        RangeRequest { key: "\0".into(), range_end: "\0".into(), ..Default::default() };
    let found = client.range(everything).await.unwrap().into_inner();
    assert_eq!(found.count, found.kvs.len() as i64);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    found.kvs.iter().map(|kv| (text(&kv.key), text(&kv.value))).collect()
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_when_members_are_killed() {
    if etcdctl_missing() {
        return;
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}", std::process::id()));
    let platform = real::platform(&dir).unwrap();
    let mut cluster = Cluster::start(Program::Mettled, 3);
    let channels: Vec<Channel> =
        (0..3).map(|n| cluster.channel(n, &platform.net, &platform.clock)).collect();
    let progress = Arc::new(Progress::default());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(writer, channels.clone(), progress.clone())))
        .collect();

    more_writes(&progress, 200, &platform).await;
    let leader = cluster.leader();
    cluster.kill(leader);
    more_writes(&progress, 200, &platform).await;
    cluster.start_member(leader);
    more_writes(&progress, 200, &platform).await;
    for n in 0..3 {
        cluster.kill(n);
    }
    progress.stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for (writer, written) in writers.into_iter().enumerate() {
        let numbers = written.await.unwrap();
        acknowledged.extend(numbers.into_iter().map(|number| key(writer, number)));
    }
    for n in 0..3 {
        cluster.start_member(n);
    }
    cluster.wait_until_serving();

    let first = all_keys(&cluster, 0, &platform).await;
    for key in &acknowledged {
        assert_eq!(first.get(key), Some(key), "an acknowledged write is lost");
    }
    for n in 1..3 {
        assert_eq!(all_keys(&cluster, n, &platform).await, first);
    }
    drop(cluster);
    let _ = std::fs::remove_dir_all(dir);
}

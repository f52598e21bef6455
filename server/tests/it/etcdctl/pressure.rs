//! Many clients at once: nobody is refused, nobody hangs, and a killed leader costs one election.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mettle_api::etcdserverpb::kv_client::KvClient;
use mettle_api::etcdserverpb::{PutRequest, RangeRequest};
use mettle_server::platform::{Platform, real};
use mettle_server::transport::Channel;
use tonic::{Request, Status};

use super::cluster::{Cluster, Program, etcdctl_missing};

const CLIENTS: usize = 64;
/// Longer than a member lets a request wait.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What came of one client's puts.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    refused: Vec<Status>,
    slowest: Duration,
}

/// Puts key after key through one member until told to stop, and reads every tenth.
#[expect(clippy::disallowed_methods, reason = "real processes take real time")]
async fn work(client: usize, channel: Channel, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    let mut kv = KvClient::new(channel);
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("c{client:02}/{number:06}");
        let put =
            PutRequest { value: key.clone().into(), key: key.clone().into(), ..Default::default() };
        let mut request = Request::new(put);
        request.set_timeout(CALL_TIMEOUT);
        let began = Instant::now();
        match kv.put(request).await {
            Ok(_) => told.acknowledged.push(key.clone()),
            Err(status) => told.refused.push(status),
        }
        if number % 10 == 0 {
            let mut request = Request::new(RangeRequest { key: key.into(), ..Default::default() });
            request.set_timeout(CALL_TIMEOUT);
            told.refused.extend(kv.range(request).await.err());
        }
        told.slowest = told.slowest.max(began.elapsed());
    }
    told
}

struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<Told>>,
}

impl Load {
    fn start(cluster: &Cluster, platform: &Platform) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |client: usize| {
            let member = client % cluster.size();
            let channel = cluster.channel(member, &platform.net, &platform.clock);
            tokio::spawn(work(client, channel, stop.clone()))
        };
        let clients = (0..CLIENTS).map(start).collect();
        Load { stop, clients }
    }

    /// By client.
    async fn end(self) -> Vec<Told> {
        self.stop.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        for client in self.clients {
            told.push(client.await.unwrap());
        }
        told
    }
}

fn platform(name: &str) -> Platform {
    let name = format!("{name}-{}", std::process::id());
    real::platform(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)).unwrap()
}

#[tokio::test]
async fn sixty_four_clients_lose_no_request() {
    if etcdctl_missing() {
        return;
    }
    let platform = platform("pressure");
    let cluster = Cluster::start(Program::Mettled, 3);
    let load = Load::start(&cluster, &platform);
    platform.clock.sleep(Duration::from_secs(5)).await;
    let told = load.end().await;
    let refused: Vec<&Status> = told.iter().flat_map(|told| &told.refused).collect();
    assert!(refused.is_empty(), "{} of them: {:?}", refused.len(), refused[0]);
    let acknowledged: usize = told.iter().map(|told| told.acknowledged.len()).sum();
    assert!(acknowledged > CLIENTS, "{acknowledged} puts");
}

#[tokio::test]
async fn a_killed_leader_under_load_costs_one_election() {
    if etcdctl_missing() {
        return;
    }
    let platform = platform("pressure-kill");
    let mut cluster = Cluster::start(Program::Mettled, 3);
    let load = Load::start(&cluster, &platform);
    platform.clock.sleep(Duration::from_secs(2)).await;
    let leader = cluster.leader();
    cluster.kill(leader);
    platform.clock.sleep(Duration::from_secs(6)).await;
    let told = load.end().await;
    for (client, told) in told.iter().enumerate() {
        if client % cluster.size() == leader {
            continue;
        }
        // The proposals that waited went to the next leader, and the clients heard of nothing.
        assert!(told.refused.is_empty(), "client {client}: {:?}", told.refused[0]);
        // An election takes up to two timeouts of a second, and a split vote one more.
        assert!(told.slowest < Duration::from_secs(5), "client {client}: {:?}", told.slowest);
    }
    cluster.start_member(leader);
    cluster.wait_until_serving();
    let channel = cluster.channel(leader, &platform.net, &platform.clock);
    let mut kv = KvClient::new(channel).max_decoding_message_size(usize::MAX);
    let all = RangeRequest { key: "c".into(), range_end: "d".into(), ..Default::default() };
    let found = kv.range(all).await.unwrap().into_inner();
    let found: std::collections::BTreeMap<_, _> =
        found.kvs.into_iter().map(|kv| (kv.key, kv.value)).collect();
    for key in told.iter().flat_map(|told| &told.acknowledged) {
        assert_eq!(found.get(key.as_bytes()).map(|v| &v[..]), Some(key.as_bytes()), "it is lost");
    }
}

//! What a member makes of the files it finds when it starts, in the real world.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use mettle_api::etcdserverpb::{PutRequest, kv_client::KvClient};
use mettle_server::config::Config;
use mettle_server::flags::Flags;
use mettle_server::node::Fatal;
use mettle_server::platform::real;
use mettle_server::server;
use mettle_server::transport::{Channel, Settings};
use tokio::sync::oneshot;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn free_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn config(client: SocketAddr, peer: SocketAddr) -> Config {
    let (client, peer) = (format!("http://{client}"), format!("http://{peer}"));
    let flags = [
        ["--listen-client-urls", &client],
        ["--listen-peer-urls", &peer],
        ["--initial-advertise-peer-urls", &peer],
        ["--heartbeat-interval", "10"],
        ["--election-timeout", "50"],
    ];
    let flags = std::iter::once("mettled").chain(flags.into_iter().flatten());
    Flags::parse_from(flags).config().unwrap()
}

/// Starts a member on `dir`, puts `count` keys through it and stops it.
async fn put_and_stop(dir: &Path, config: Config, count: usize) {
    let (stop, stopped) = oneshot::channel::<()>();
    let to = config.listen_client[0];
    let platform = real::platform(dir).unwrap();
    let (net, clock) = (platform.net.clone(), platform.clock.clone());
    let member = tokio::spawn(server::run(config, platform, async move {
        let _ = stopped.await;
    }));
    let mut client = KvClient::new(Channel::new(net, clock.clone(), to, Settings::client_api()));
    let mut done = 0;
    while done < count {
        let key = format!("k{done}").into();
        match client.put(PutRequest { key, ..PutRequest::default() }).await {
            Ok(_) => done += 1,
            Err(_) => clock.sleep(Duration::from_millis(20)).await,
        }
    }
    stop.send(()).unwrap();
    member.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_member_whose_log_was_lost_refuses_to_start() {
    let dir = folder("log-lost");
    let mut config = config(free_addr(), free_addr());
    put_and_stop(&dir, config.clone(), 20).await;
    // Elsewhere, since tasks of the first member may still hold its directory and its ports.
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    (config.listen_client, config.listen_peer) = (vec![any], vec![any]);
    let left = folder("log-lost-after");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::copy(dir.join("state.redb"), left.join("state.redb")).unwrap();
    let platform = real::platform(&left).unwrap();
    let ended = server::run(config, platform, std::future::pending()).await;
    assert!(matches!(ended, Err(Fatal::LogBehindState { last: 0, .. })), "{ended:?}");
}

#[tokio::test]
async fn a_member_whose_port_is_taken_leaves_no_identity_behind() {
    let dir = folder("port-taken");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = config(taken.local_addr().unwrap(), free_addr());
    let platform = real::platform(&dir).unwrap();
    let ended = server::run(config, platform, std::future::pending()).await;
    assert!(matches!(ended, Err(Fatal::Io { .. })), "{ended:?}");
    assert!(!dir.join("wal").exists());
}

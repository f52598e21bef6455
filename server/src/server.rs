//! Puts a member together and runs it until it is stopped or cannot go on.
//!
//! Order matters: the data directory is locked and the ports are bound before anything is written,
//! log and state are read and checked, the core is built from both, and only then is anybody served.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};

use mettle_api::peer::peer_server::PeerServer;
use tokio::sync::{Notify, mpsc};

use crate::config::Config;
use crate::consensus::types::{AppendBatch, AppendToken, Membership, Stored};
use crate::consensus::{self, Core};
use crate::identity::Identity;
use crate::mvcc::Store;
use crate::node::event::Event;
use crate::node::event_loop::{EventLoop, election_ticks};
use crate::node::handle::Shared;
use crate::node::{Fatal, Handle, Member, NodeStatus, applier, snapshot, watchers, writer};
use crate::peer::{PeerService, Peers};
use crate::platform::{Listener, Platform};
use crate::transport::{Settings, serve};
use crate::wal::{self, Recovered, Wal};
use crate::watch::Hub;

/// Where the log lies in the data directory.
const WAL_DIR: &str = "wal";

/// Runs a member. Returns `Ok` after `stop` completes and everything is durable.
///
/// # Errors
/// [`Fatal`] when it cannot start, or must not go on.
pub async fn run(
    config: Config,
    platform: Platform,
    stop: impl Future<Output = ()>,
) -> Result<(), Fatal> {
    let identity = config.identity()?;
    platform.disk.lock().await.map_err(Fatal::io("lock the data directory"))?;
    let listeners = Listeners::bind(&config, &platform).await?;
    let buffer_bytes = config.limits.wal_buffer_bytes;
    let options = wal::Options { segment_bytes: config.wal_segment_bytes, buffer_bytes };
    let (mut wal, recovered) = Wal::open(platform.disk.clone(), WAL_DIR, identity, options).await?;
    let store = snapshot::open_state(&platform, identity, config.limits.store).await?;
    let stored = stored(&config, recovered, &store, &mut wal).await?;
    let core = Core::new(core_config(&config, &platform, identity), stored);
    let member = Running::start(config, platform, identity, wal, store, core);
    member.serve(listeners);
    let Running { event_loop, inbox, handle } = member;
    let mut running = std::pin::pin!(event_loop.run(inbox));
    tokio::select! {
        biased;
        ended = &mut running => return ended,
        () = stop => {}
    }
    tracing::info!("stopping");
    let _ = handle.shared().inbox.send(Event::Stop).await;
    running.await
}

/// What storage had, as the core wants it.
///
/// Log and state meet unless a snapshot was put in its place and the log did not learn of it
/// before the end: then the log is told now, and begins after the state. A log that ends before a
/// state which grew from it has lost what it promised, votes included: the member refuses.
async fn stored(
    config: &Config,
    recovered: Recovered,
    store: &Store,
    wal: &mut Wal,
) -> Result<Stored, Fatal> {
    let applied = store.applied();
    let mut voters: Vec<u64> = config.initial_cluster.iter().map(|m| config.member_id(m)).collect();
    voters.sort_unstable();
    let Recovered { hard_state, mut snapshot, entries, .. } = recovered;
    snapshot.membership = Membership { voters, ..Membership::default() };
    let start = snapshot.index;
    let last = entries.last().map_or(start, |entry| entry.index);
    if applied.index < start {
        return Err(Fatal::StateBehindLog { applied: applied.index, start });
    }
    let stored = Stored { hard_state, snapshot, entries, applied: 0 };
    let stored = stored.settle(applied.index, applied.term)?;
    assert_eq!(stored.applied, applied.index, "the core goes on where the state stands");
    if stored.snapshot.index != start {
        if store.installed() != applied.index {
            return Err(Fatal::LogBehindState { applied: applied.index, last });
        }
        crate::probe!("log restarts after the installed snapshot");
        let snapshot = Some(stored.snapshot.clone());
        let token = AppendToken(0);
        wal.append(&AppendBatch { token, hard_state: None, entries: vec![], snapshot }).await?;
        wal.sync().await?;
    }
    Ok(stored)
}

fn core_config(
    config: &Config,
    platform: &Platform,
    identity: Identity,
) -> consensus::types::Config {
    consensus::types::Config {
        id: identity.member_id,
        election_timeout_ticks: election_ticks(config),
        heartbeat_ticks: 1,
        append_bytes_max: config.limits.append_bytes,
        inflight_max: config.limits.inflight_appends,
        seed: platform.entropy.next_u64(),
    }
}

/// A member whose tasks run.
struct Running {
    event_loop: EventLoop,
    inbox: mpsc::Receiver<Event>,
    handle: Handle,
}

impl Running {
    fn start(
        config: Config,
        platform: Platform,
        identity: Identity,
        wal: Wal,
        store: Store,
        core: Core,
    ) -> Running {
        let (sender, inbox) = mpsc::channel(config.limits.inbox_events);
        let peers = Peers::start(
            identity,
            &platform,
            &peer_addrs(&config, identity),
            config.limits.outbox_messages,
        );
        let (writer, writer_jobs) = mpsc::unbounded_channel();
        let (applier, applier_jobs) = mpsc::unbounded_channel();
        tokio::spawn(writer::run(wal, platform.clone(), writer_jobs, sender.clone()));
        let shared = Arc::new(Shared {
            identity,
            members: members(&config),
            hub: Arc::new(Mutex::new(Hub::with_limits(store.revision(), config.limits.watch))),
            hub_work: Notify::new(),
            store: RwLock::new(Arc::new(store)),
            status: RwLock::new(NodeStatus::default()),
            sequence: AtomicU64::new(platform.entropy.next_u64()),
            inbox: sender,
            config,
            platform,
        });
        tokio::spawn(applier::run(shared.clone(), applier_jobs));
        let event_loop = EventLoop::new(core, shared.clone(), peers, writer, applier);
        Running { event_loop, inbox, handle: Handle::new(shared) }
    }

    fn serve(&self, listeners: Listeners) {
        let shared = self.handle.shared();
        let clock = &shared.platform.clock;
        let peer = PeerService::new(shared.identity, shared.inbox.clone());
        let peer = PeerServer::new(peer).max_decoding_message_size(usize::MAX);
        for listener in listeners.peer {
            let routes = tonic::service::Routes::new(peer.clone());
            tokio::spawn(serve(listener, routes, clock.clone(), Settings::peer()));
        }
        for listener in listeners.client {
            let routes = crate::api::routes(&self.handle);
            tokio::spawn(serve(listener, routes, clock.clone(), Settings::client_api()));
        }
        tokio::spawn(watchers::run(self.handle.clone()));
        tokio::spawn(self.handle.clone().publish());
    }
}

struct Listeners {
    client: Vec<Box<dyn Listener>>,
    peer: Vec<Box<dyn Listener>>,
}

impl Listeners {
    async fn bind(config: &Config, platform: &Platform) -> Result<Listeners, Fatal> {
        let client = bind_all(platform, &config.listen_client, "client").await?;
        let peer = bind_all(platform, &config.listen_peer, "peer").await?;
        Ok(Listeners { client, peer })
    }
}

async fn bind_all(
    platform: &Platform,
    addrs: &[SocketAddr],
    whose: &str,
) -> Result<Vec<Box<dyn Listener>>, Fatal> {
    let mut bound = Vec::new();
    for &addr in addrs {
        let listener = platform.net.listen(addr).await.map_err(Fatal::io(format!(
            "listen for {whose} traffic on {addr} (is another process using the port?)"
        )))?;
        tracing::info!(address = %listener.local_addr().unwrap_or(addr), "listening for {whose} traffic");
        bound.push(listener);
    }
    Ok(bound)
}

fn peer_addrs(config: &Config, own: Identity) -> BTreeMap<u64, SocketAddr> {
    config
        .initial_cluster
        .iter()
        .map(|member| (config.member_id(member), member.peer_addr))
        .filter(|(id, _)| *id != own.member_id)
        .collect()
}

fn members(config: &Config) -> Vec<Member> {
    let mut members: Vec<Member> = config
        .initial_cluster
        .iter()
        .map(|member| Member {
            id: config.member_id(member),
            name: member.name.clone(),
            peer_urls: member.peer_urls.clone(),
            client_urls: Vec::new(),
            is_learner: false,
        })
        .collect();
    members.sort_by_key(|member| member.id);
    members
}

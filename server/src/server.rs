//! Puts a member together and runs it until it is stopped or cannot go on.
//!
//! Order matters: the data directory is locked and the ports are bound before anything is written,
//! log and state are read and checked, a member without a log asks its peers whether it may begin, the
//! core is built from log and state, and only then is anybody served.

mod opened;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use mettle_api::peer::peer_server::PeerServer;
use tokio::sync::{Notify, mpsc, watch};

use crate::config::Config;
use crate::consensus;
use crate::identity::Identity;
use crate::node::event::Event;
use crate::node::event_loop::{EventLoop, election_ticks};
use crate::node::handle::Shared;
use crate::node::{Fatal, Handle, Member, NodeStatus, Tasks, applier, bootstrap, watchers, writer};
use crate::peer::{PeerService, Peers, Register, Speaker};
use crate::platform::{BoxFuture, Listener, Platform, timeout};
use crate::transport::{Settings, serve};
use crate::watch::Hub;
use opened::{Opened, Storage};

/// A member that is asked to stop ends within this, whatever its disk does.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

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
    let opened = Opened::open(&config, &platform, identity).await?;
    let (tasks, mut lost) = Tasks::new();
    let (sender, inbox) = mpsc::channel(config.limits.inbox_events);
    let register = Arc::new(opened.register());
    let service =
        PeerService::new(identity, register.clone(), platform.clock.clone(), sender.clone());
    serve_peers(listeners.peer, service, &platform, &tasks);
    let mut stop = std::pin::pin!(stop);
    tokio::select! {
        biased;
        may_begin = may_begin(&opened, &config, &platform, identity) => may_begin?,
        Some(fatal) = lost.recv() => return Err(fatal),
        () = &mut stop => return Ok(()),
    }
    let storage = opened.begin(core_config(&config, &platform, identity), &platform).await?;
    let equipment = Equipment { config, platform, identity, register, tasks, inbox: sender };
    let member = Running::start(equipment, storage);
    member.serve_clients(listeners.client);
    let Running { event_loop, handle, .. } = member;
    let mut running = std::pin::pin!(event_loop.run(inbox));
    tokio::select! {
        biased;
        ended = &mut running => return ended,
        Some(fatal) = lost.recv() => return Err(fatal),
        () = &mut stop => {}
    }
    tracing::info!("stopping");
    let shared = handle.shared();
    let stopped = async {
        // The loop makes room in its inbox meanwhile.
        let asked = async {
            let _ = shared.inbox.send(Event::Stop).await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            ended = &mut running => ended,
            Some(fatal) = lost.recv() => Err(fatal),
            () = asked => Ok(()),
        }
    };
    let ended = timeout(&*shared.platform.clock, STOP_TIMEOUT, stopped).await;
    ended.unwrap_or(Err(Fatal::NotStopped(STOP_TIMEOUT)))
}

/// Waits until a member with an empty log may begin; any other may at once.
async fn may_begin(
    opened: &Opened,
    config: &Config,
    platform: &Platform,
    identity: Identity,
) -> Result<(), Fatal> {
    if !opened.is_fresh() {
        return Ok(());
    }
    bootstrap::ask(platform, identity, &peer_addrs(config, identity)).await
}

fn serve_peers(
    listeners: Vec<Box<dyn Listener>>,
    service: PeerService<mpsc::Sender<Event>>,
    platform: &Platform,
    tasks: &Tasks,
) {
    let service = PeerServer::new(service).max_decoding_message_size(usize::MAX);
    for listener in listeners {
        let routes = tonic::service::Routes::new(service.clone());
        let served = serve(listener, routes, platform.clock.clone(), Settings::peer());
        tasks.spawn("listener for peers", ok(served));
    }
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

/// What every part of a member is given.
struct Equipment {
    config: Config,
    platform: Platform,
    identity: Identity,
    register: Arc<Register>,
    tasks: Tasks,
    inbox: mpsc::Sender<Event>,
}

/// A member whose tasks run.
struct Running {
    tasks: Tasks,
    event_loop: EventLoop,
    handle: Handle,
}

impl Running {
    fn start(equipment: Equipment, storage: Storage) -> Running {
        let Equipment { config, platform, identity, register, tasks, inbox } = equipment;
        let Storage { wal, store, core, beginning } = storage;
        let spawn = |way: BoxFuture<'static, ()>| tasks.spawn("way to a peer", ok(way));
        let own = Speaker { identity, beginning };
        let (addrs, outbox) = (peer_addrs(&config, identity), config.limits.outbox_messages);
        let peers = Peers::start(own, &platform, &addrs, outbox, &inbox, &spawn);
        let (writer, writer_jobs) = mpsc::unbounded_channel();
        let (applier, applier_jobs) = mpsc::unbounded_channel();
        let writes = writer::run(wal, platform.clone(), writer_jobs, inbox.clone());
        tasks.spawn("log writer", writes);
        let shared = Arc::new(Shared {
            identity,
            beginning,
            register,
            members: members(&config),
            hub: Arc::new(Mutex::new(Hub::with_limits(store.revision(), config.limits.watch))),
            hub_work: Notify::new(),
            store: RwLock::new(Arc::new(store)),
            status: RwLock::new(NodeStatus::default()),
            serves: watch::Sender::new(false),
            sequence: AtomicU64::new(1),
            inbox,
            config,
            platform,
        });
        let applies = applier::run(shared.clone(), applier_jobs, tasks.clone());
        tasks.spawn("applier", applies);
        let event_loop = EventLoop::new(core, shared.clone(), peers, writer, applier);
        Running { tasks, event_loop, handle: Handle::new(shared) }
    }

    fn serve_clients(&self, listeners: Vec<Box<dyn Listener>>) {
        let clock = &self.handle.platform().clock;
        for listener in listeners {
            let routes = crate::api::routes(&self.handle);
            let served = serve(listener, routes, clock.clone(), Settings::client_api());
            self.tasks.spawn("listener for clients", ok(served));
        }
        self.tasks.spawn("pump of the watchers", watchers::run(self.handle.clone()));
        self.tasks.spawn("publication", ok(self.handle.clone().publish()));
    }
}

/// A task that cannot fail but by a panic.
async fn ok(work: impl Future<Output = ()>) -> Result<(), Fatal> {
    work.await;
    Ok(())
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

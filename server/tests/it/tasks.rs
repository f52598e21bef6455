//! A member is never half alive: a task that is gone ends it, and it stops though its disk hangs.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use mettle_api::etcdserverpb::{PutRequest, kv_client::KvClient};
use mettle_server::flags::Flags;
use mettle_server::node::Fatal;
use mettle_server::platform::{BoxFuture, Disk, File, Open, Platform, real};
use mettle_server::server;
use mettle_server::transport::{Channel, Settings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const FINE: u8 = 0;
/// The next work of the store panics.
const STORE_PANICS: u8 = 1;
/// The store's work never ends.
const STORE_HANGS: u8 = 2;
/// The next sync of the log panics.
const SYNC_PANICS: u8 = 3;

/// A real disk that does as it is told.
struct Trap {
    disk: Arc<dyn Disk>,
    mode: Arc<AtomicU8>,
}

impl Disk for Trap {
    fn list<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, std::io::Result<Vec<String>>> {
        self.disk.list(dir)
    }
    fn create_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, std::io::Result<()>> {
        self.disk.create_dir(dir)
    }
    fn open<'a>(
        &'a self,
        path: &'a str,
        mode: Open,
    ) -> BoxFuture<'a, std::io::Result<Arc<dyn File>>> {
        Box::pin(async move {
            let file = self.disk.open(path, mode).await?;
            Ok(Arc::new(TrapFile { file, mode: self.mode.clone() }) as Arc<dyn File>)
        })
    }
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, std::io::Result<()>> {
        self.disk.rename(from, to)
    }
    fn remove<'a>(&'a self, path: &'a str) -> BoxFuture<'a, std::io::Result<()>> {
        self.disk.remove(path)
    }
    fn sync_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, std::io::Result<()>> {
        self.disk.sync_dir(dir)
    }
    fn lock(&self) -> BoxFuture<'_, std::io::Result<()>> {
        self.disk.lock()
    }
    fn backend(&self, path: &str) -> std::io::Result<Box<dyn redb::StorageBackend>> {
        self.disk.backend(path)
    }
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        match self.mode.load(Ordering::Relaxed) {
            STORE_PANICS => self.disk.run(Box::new(|| panic!("planted: the store's work panics"))),
            STORE_HANGS => Box::pin(std::future::pending()),
            _ => self.disk.run(work),
        }
    }
}

struct TrapFile {
    file: Arc<dyn File>,
    mode: Arc<AtomicU8>,
}

impl File for TrapFile {
    fn len(&self) -> BoxFuture<'_, std::io::Result<u64>> {
        self.file.len()
    }
    fn read_at(&self, offset: u64, len: usize) -> BoxFuture<'_, std::io::Result<Vec<u8>>> {
        self.file.read_at(offset, len)
    }
    fn write_at(&self, offset: u64, bytes: Bytes) -> BoxFuture<'_, std::io::Result<()>> {
        self.file.write_at(offset, bytes)
    }
    fn set_len(&self, len: u64) -> BoxFuture<'_, std::io::Result<()>> {
        self.file.set_len(len)
    }
    fn sync_data(&self) -> BoxFuture<'_, std::io::Result<()>> {
        assert!(self.mode.load(Ordering::Relaxed) != SYNC_PANICS, "planted: a sync panics");
        self.file.sync_data()
    }
}

struct Served {
    mode: Arc<AtomicU8>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), Fatal>>,
    platform: Platform,
    client: SocketAddr,
}

/// A member alone that has served a put.
async fn serve(name: &str) -> Served {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (client, peer) = (free(), free());
    let (client_url, peer_url) = (format!("http://{client}"), format!("http://{peer}"));
    let flags = [
        ["--listen-client-urls", &client_url],
        ["--listen-peer-urls", &peer_url],
        ["--initial-advertise-peer-urls", &peer_url],
        ["--heartbeat-interval", "10"],
        ["--election-timeout", "50"],
    ];
    let flags = std::iter::once("mettled").chain(flags.into_iter().flatten());
    let config = Flags::parse_from(flags).config().unwrap();
    let mode = Arc::new(AtomicU8::new(FINE));
    let mut platform = real::platform(&dir).unwrap();
    platform.disk = Arc::new(Trap { disk: platform.disk.clone(), mode: mode.clone() });
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server::run(config, platform.clone(), async move {
        let _ = stopped.await;
    }));
    let served = Served { mode, stop, ended, platform, client };
    while served.put().await.is_err() {
        served.platform.clock.sleep(Duration::from_millis(20)).await;
    }
    served
}

impl Served {
    async fn put(&self) -> Result<(), tonic::Status> {
        let Platform { net, clock, .. } = self.platform.clone();
        let mut kv = KvClient::new(Channel::new(net, clock, self.client, Settings::client_api()));
        let mut request =
            tonic::Request::new(PutRequest { key: "a".into(), ..PutRequest::default() });
        request.set_timeout(Duration::from_secs(2));
        kv.put(request).await.map(|_| ())
    }

    async fn lost_task(self) -> &'static str {
        let _ = self.put().await;
        match self.ended.await.unwrap() {
            Err(Fatal::TaskLost { task }) => task,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_panic_in_the_applier_ends_the_member() {
    let served = serve("applier-panics").await;
    served.mode.store(STORE_PANICS, Ordering::Relaxed);
    assert_eq!(served.lost_task().await, "applier");
}

#[tokio::test]
async fn a_panic_in_the_log_writer_ends_the_member() {
    let served = serve("writer-panics").await;
    served.mode.store(SYNC_PANICS, Ordering::Relaxed);
    assert_eq!(served.lost_task().await, "log writer");
}

#[tokio::test]
async fn a_member_whose_disk_hangs_stops_all_the_same() {
    let served = serve("disk-hangs").await;
    served.mode.store(STORE_HANGS, Ordering::Relaxed);
    let _ = served.put().await;
    served.stop.send(()).unwrap();
    let ended = served.ended.await.unwrap();
    assert!(matches!(ended, Err(Fatal::NotStopped(_))), "{ended:?}");
}

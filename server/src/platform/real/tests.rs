//! The real platform on a temporary directory and loopback.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::consensus::types::{AppendBatch, AppendToken, Entry, Payload};
use crate::identity::Identity;
use crate::platform::{Open, Platform, blocking, timeout};
use crate::wal::{Options, Wal};

/// A directory that is removed when the test ends.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> TempDir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mettle-platform-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&path));
        TempDir(path)
    }

    fn platform(&self) -> Platform {
        super::platform(&self.0).unwrap()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[tokio::test]
async fn files_are_written_read_cut_renamed_and_listed() {
    let dir = TempDir::new();
    let disk = dir.platform().disk;
    assert_eq!(disk.list("a").await.err().unwrap().kind(), io::ErrorKind::NotFound);
    disk.create_dir("a/b").await.unwrap();
    disk.create_dir("a/b").await.unwrap();
    let absent = disk.open("a/b/f", Open::Existing).await;
    assert_eq!(absent.err().unwrap().kind(), io::ErrorKind::NotFound);
    let file = disk.open("a/b/f", Open::Create).await.unwrap();
    file.write_at(3, Bytes::from_static(b"hello")).await.unwrap();
    file.sync_data().await.unwrap();
    assert_eq!(file.len().await.unwrap(), 8);
    assert_eq!(file.read_at(0, 5).await.unwrap(), b"\0\0\0he");
    assert_eq!(file.read_at(6, usize::MAX).await.unwrap(), b"lo");
    assert_eq!(file.read_at(9, 4).await.unwrap(), b"");
    file.set_len(5).await.unwrap();
    disk.rename("a/b/f", "a/g").await.unwrap();
    disk.sync_dir("a").await.unwrap();
    assert_eq!(disk.list("a").await.unwrap(), ["b", "g"]);
    let again = disk.open("a/g", Open::Existing).await.unwrap();
    assert_eq!(again.read_at(3, 9).await.unwrap(), b"he");
    disk.open("a/g", Open::Truncate).await.unwrap();
    assert_eq!(again.len().await.unwrap(), 0);
    disk.remove("a/g").await.unwrap();
    disk.sync_dir("").await.unwrap();
    assert_eq!(disk.list("").await.unwrap(), ["a"]);
}

#[tokio::test]
async fn paths_out_of_the_directory_are_refused() {
    let dir = TempDir::new();
    let disk = dir.platform().disk;
    for path in ["../x", "/etc/passwd", "a/../../x", "./x"] {
        let refused = disk.open(path, Open::Create).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{path}");
    }
}

#[tokio::test]
async fn a_second_server_does_not_get_the_lock() {
    let dir = TempDir::new();
    let (first, second) = (dir.platform().disk, dir.platform().disk);
    first.lock().await.unwrap();
    first.lock().await.unwrap();
    let refused = second.lock().await.err().unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
    assert!(refused.to_string().contains("another server uses this directory"), "{refused}");
    drop(first);
    second.lock().await.unwrap();
}

#[tokio::test]
async fn blocking_work_runs_in_order_and_returns_its_value() {
    let dir = TempDir::new();
    let disk = dir.platform().disk;
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let jobs = (0..10).map(|number| {
        let order = Arc::clone(&order);
        blocking(&disk, move || {
            order.lock().unwrap().push(number);
            number * 2
        })
    });
    let values = futures_util::future::join_all(jobs).await;
    assert_eq!(values, (0..10).map(|number| number * 2).collect::<Vec<_>>());
    assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_panic_in_blocking_work_reaches_the_caller() {
    let dir = TempDir::new();
    let disk = dir.platform().disk;
    let task = tokio::spawn(disk.run(Box::new(|| panic!("halt"))));
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(blocking(&disk, || 7).await, 7, "the thread goes on");
}

#[tokio::test]
async fn the_backend_keeps_what_the_store_writes() {
    let dir = TempDir::new();
    let disk = dir.platform().disk;
    let backend = disk.backend("store").unwrap();
    assert_eq!(backend.len().unwrap(), 0);
    backend.set_len(8192).unwrap();
    backend.write(4096, b"page").unwrap();
    backend.sync_data().unwrap();
    backend.close().unwrap();
    drop(backend);
    let again = disk.backend("store").unwrap();
    let mut bytes = [0; 5];
    again.read(4096, &mut bytes).unwrap();
    assert_eq!((again.len().unwrap(), &bytes), (8192, b"page\0"));
}

#[tokio::test]
async fn the_log_lives_on_the_real_disk() {
    let dir = TempDir::new();
    let identity = Identity { cluster_id: 1, member_id: 2 };
    let options = Options { segment_bytes: 64 * 1024, ..Options::default() };
    let entry = |index| Entry { term: 1, index, payload: Payload::Command(vec![7; 900].into()) };
    let (mut wal, recovered) =
        Wal::open(dir.platform().disk, "wal", identity, options).await.unwrap();
    assert!(recovered.is_fresh());
    for index in 1..=100 {
        let entries = vec![entry(index)];
        let append =
            AppendBatch { token: AppendToken(index), hard_state: None, entries, snapshot: None };
        wal.append(&append).await.unwrap();
        if index % 3 == 0 {
            wal.sync().await.unwrap();
        }
    }
    wal.sync().await.unwrap();
    drop(wal);
    let (_, recovered) = Wal::open(dir.platform().disk, "wal", identity, options).await.unwrap();
    assert_eq!(recovered.entries, (1..=100).map(entry).collect::<Vec<_>>());
    assert!(dir.platform().disk.list("wal").await.unwrap().len() > 1);
}

#[tokio::test]
async fn a_full_disk_is_reported_as_such() {
    let dir = TempDir::new();
    let disk = dir.platform().disk;
    // The device that is always full stands in for a disk.
    std::os::unix::fs::symlink("/dev/full", dir.0.join("file")).unwrap();
    let file = disk.open("file", Open::Existing).await.unwrap();
    let error = file.write_at(0, Bytes::from_static(b"x")).await.err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn streams_carry_bytes_and_a_taken_port_is_named() {
    let dir = TempDir::new();
    let net = dir.platform().net;
    let mut listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let taken = net.listen(addr).await.err().unwrap();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    assert!(taken.to_string().contains(&addr.to_string()), "{taken}");
    let mut client = net.connect(addr).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(b"ping").await.unwrap();
    let mut bytes = [0; 4];
    server.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
    drop(listener);
    assert!(net.connect(addr).await.is_err());
}

#[tokio::test]
async fn timers_fire_move_and_bound_other_work() {
    let dir = TempDir::new();
    let clock = dir.platform().clock;
    let before = clock.now();
    clock.sleep(Duration::from_millis(2)).await;
    assert!(clock.now() - before >= Duration::from_millis(2));
    let mut timer = clock.sleep(Duration::from_hours(1));
    timer.as_mut().reset(before);
    timer.await;
    let never = timeout(&*clock, Duration::from_millis(1), std::future::pending::<()>());
    assert!(never.await.is_err());
}

#[test]
fn entropy_does_not_repeat() {
    let dir = TempDir::new();
    let entropy = dir.platform().entropy;
    assert_ne!(entropy.next_u64(), entropy.next_u64());
}

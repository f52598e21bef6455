//! The one seam to the world: disk, network, clock and entropy, given to the server at start.
//!
//! The server never asks whether it is simulated. Whoever starts it builds a [`Platform`]: `mettled`
//! from [`real`], the simulator from its own rooms. Dynamic dispatch happens at these edges only.
//!
//! **Disk** has two faces. The *async face* ([`Disk`], [`File`]) serves the log, snapshots and
//! directories: every operation is a future. The *sync face* is redb's `StorageBackend`
//! ([`Disk::backend`]): it never waits; all redb work runs inside [`blocking`], which returns
//! only when the time the disk asks for it has passed.
//!
//! **Time**: [`Clock::now`] is the member's own monotonic clock, [`Clock::wall`] its wall clock.

#[cfg(not(madsim))]
pub mod real;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

/// A boxed future, as every method of the seam returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything the server knows of the outside.
#[derive(Clone)]
pub struct Platform {
    /// The member's file system, rooted at its data directory.
    pub disk: Arc<dyn Disk>,
    /// The member's sockets.
    pub net: Arc<dyn Net>,
    /// The member's clocks and timers.
    pub clock: Arc<dyn Clock>,
    /// The member's randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A member's file system. Paths are relative to the data directory and separated by `/`.
pub trait Disk: Send + Sync + 'static {
    /// Names (not paths) of the entries of a directory, sorted. A missing directory is `NotFound`.
    fn list<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>>;
    /// Creates a directory and its parents; present is fine.
    fn create_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>>;
    /// Opens a file for reading and writing.
    fn open<'a>(&'a self, path: &'a str, mode: Open) -> BoxFuture<'a, io::Result<Arc<dyn File>>>;
    /// Renames a file over another; durable only after [`Disk::sync_dir`].
    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, io::Result<()>>;
    /// Removes a file; durable only after [`Disk::sync_dir`].
    fn remove<'a>(&'a self, path: &'a str) -> BoxFuture<'a, io::Result<()>>;
    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>>;
    /// Takes the data directory's lock for the life of the process; `WouldBlock` when it is taken.
    fn lock(&self) -> BoxFuture<'_, io::Result<()>>;
    /// Opens (or creates) a file for redb. The sync face: never waits.
    fn backend(&self, path: &str) -> io::Result<Box<dyn redb::StorageBackend>>;
    /// Runs synchronous storage work and completes when its time on the disk has passed.
    ///
    /// One job at a time and in order of submission. Prefer [`blocking`], which returns a value.
    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It must be there.
    Existing,
    /// Created empty when absent.
    Create,
    /// Created, or cut to length 0.
    Truncate,
}

/// One open file.
#[allow(clippy::len_without_is_empty, reason = "it costs a call; nobody asks for emptiness alone")]
pub trait File: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> BoxFuture<'_, io::Result<u64>>;
    /// Reads up to `len` bytes at `offset`; shorter only at the end of the file.
    fn read_at(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Vec<u8>>>;
    /// Writes all bytes at `offset`, growing the file (with zeros) when needed.
    fn write_at(&self, offset: u64, bytes: Bytes) -> BoxFuture<'_, io::Result<()>>;
    /// Cuts or grows (with zeros) the file.
    fn set_len(&self, len: u64) -> BoxFuture<'_, io::Result<()>>;
    /// `fdatasync`: contents and length are durable when this returns `Ok`.
    fn sync_data(&self) -> BoxFuture<'_, io::Result<()>>;
}

/// Runs `work` through [`Disk::run`] and returns its value.
pub async fn blocking<T: Send + 'static>(
    disk: &Arc<dyn Disk>,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (tx, rx) = tokio::sync::oneshot::channel();
    disk.run(Box::new(move || drop(tx.send(work())))).await;
    match rx.await {
        Ok(value) => value,
        // The storage thread is gone: the process is ending. Wait for that end.
        Err(_) => std::future::pending().await,
    }
}

/// A member's sockets.
pub trait Net: Send + Sync + 'static {
    /// Binds a listener. Port 0 asks for a free one.
    fn listen(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>>;
    /// Connects; may hang as long as TCP does, so callers bring a deadline.
    fn connect(&self, addr: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
    /// Passes one peer message just before it is written to `to`: the messages to write now, in
    /// order. The real world answers with the message itself; the simulator may hold or copy it.
    fn peer_message(&self, to: SocketAddr, message: Bytes) -> Vec<Bytes> {
        let _ = to;
        vec![message]
    }
}

/// A bound listener.
pub trait Listener: Send {
    /// Waits for the next connection.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn Stream>, SocketAddr)>>;
    /// The address really bound.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// One connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A member's clocks.
pub trait Clock: Send + Sync + 'static {
    /// The member's monotonic clock.
    fn now(&self) -> Instant;
    /// The member's wall clock.
    fn wall(&self) -> SystemTime;
    /// A timer on the member's monotonic clock.
    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>>;
    /// A timer from now.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }
}

/// A timer that can be moved without being made anew.
pub trait Sleep: Future<Output = ()> + Send + Sync {
    /// Moves the deadline.
    fn reset(self: Pin<&mut Self>, deadline: Instant);
}

/// A deadline passed before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("deadline passed")]
pub struct Elapsed;

/// Waits for `work`, at most `limit` by the member's clock.
pub async fn timeout<T>(
    clock: &dyn Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    let timer = clock.sleep(limit);
    tokio::select! {
        biased;
        value = work => Ok(value),
        () = timer => Err(Elapsed),
    }
}

/// A member's randomness.
pub trait Entropy: Send + Sync + 'static {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;
}

//! A member's disk as its process sees it.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;

use bytes::Bytes;
use madsim::time::TimeHandle;
use mettle_server::platform::{self, BoxFuture, Open};
use tokio::sync::{mpsc, oneshot};

use super::handle::with;
use super::{Caller, Completion, DiskHandle, FileId, IoMode, StateFile, Volume, Wait};
use crate::clock::{Alarm, Now};
use crate::member::Member;

/// The disk of one incarnation of a member's process.
#[derive(Clone)]
pub struct SimDisk(Arc<DiskSession>);

/// What every handle of one process shares.
struct DiskSession {
    volume: Arc<Mutex<Volume>>,
    now: Now,
    time: TimeHandle,
    incarnation: u64,
    /// The storage jobs, in order of submission.
    jobs: OnceLock<mpsc::UnboundedSender<StorageJob>>,
}

struct StorageJob {
    work: Box<dyn FnOnce() + Send>,
    done: oneshot::Sender<()>,
}

impl DiskSession {
    fn with<T>(&self, work: impl FnOnce(&mut Volume, u64) -> T) -> T {
        with(&self.volume, &self.now, work)
    }

    /// Calls an operation now.
    fn call<T>(&self, operation: impl FnOnce(&mut Volume, Caller) -> T) -> T {
        let incarnation = self.incarnation;
        self.with(|volume, now_ns| {
            operation(volume, Caller { now_ns, incarnation, mode: IoMode::Waiting })
        })
    }

    /// Waits until a moment of the device's time has come and the disk is not stalled.
    async fn wait(&self, due_ns: u64) {
        let mut alarm = Alarm::default();
        poll_fn(|cx| match self.with(|volume, now_ns| volume.wait(now_ns, due_ns, cx.waker())) {
            Wait::Over => Poll::Ready(()),
            Wait::Stalled => Poll::Pending,
            Wait::Until(at_ns) => alarm.poll(&self.time, at_ns, cx).0,
        })
        .await;
    }

    async fn finish<T>(&self, done: Completion<T>) -> io::Result<T> {
        self.wait(done.due_ns).await;
        done.result
    }
}

impl SimDisk {
    /// The disk of a process that [`DiskHandle::boot`] has let in.
    pub fn new(disks: &DiskHandle, member: Member, incarnation: u64) -> SimDisk {
        SimDisk(Arc::new(DiskSession {
            volume: disks.volume(member),
            now: disks.now(),
            time: TimeHandle::current(),
            incarnation,
            jobs: OnceLock::new(),
        }))
    }

    /// The member's storage thread: one job at a time, each for as long as the device needs.
    async fn work(session: Arc<DiskSession>, mut jobs: mpsc::UnboundedReceiver<StorageJob>) {
        while let Some(StorageJob { work, done }) = jobs.recv().await {
            if !session.with(|volume, _| volume.admits(session.incarnation)) {
                // The process is dead; its tasks will not be polled again.
                return std::future::pending().await;
            }
            session.with(|volume, _| volume.begin_job());
            work();
            let due_ns = session.with(|volume, now_ns| now_ns + volume.end_job());
            session.wait(due_ns).await;
            // Whoever submitted it may have stopped waiting.
            let _ = done.send(());
        }
    }
}

impl platform::Disk for SimDisk {
    fn list<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        let session = &self.0;
        Box::pin(async move {
            session.finish(session.call(|volume, caller| volume.list(caller, dir))).await
        })
    }

    fn create_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let session = &self.0;
        Box::pin(async move {
            session.finish(session.call(|volume, caller| volume.create_dir(caller, dir))).await
        })
    }

    fn open<'a>(
        &'a self,
        path: &'a str,
        mode: Open,
    ) -> BoxFuture<'a, io::Result<Arc<dyn platform::File>>> {
        let session = &self.0;
        Box::pin(async move {
            let opened = session.call(|volume, caller| volume.open(caller, path, mode));
            let file = session.finish(opened).await?;
            Ok(Arc::new(SimFile { session: Arc::clone(session), file }) as Arc<dyn platform::File>)
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let session = &self.0;
        Box::pin(async move {
            session.finish(session.call(|volume, caller| volume.rename(caller, from, to))).await
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let session = &self.0;
        Box::pin(async move {
            session.finish(session.call(|volume, caller| volume.remove(caller, path))).await
        })
    }

    fn sync_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let session = &self.0;
        Box::pin(async move {
            session.finish(session.call(|volume, caller| volume.sync_dir(caller, dir))).await
        })
    }

    fn lock(&self) -> BoxFuture<'_, io::Result<()>> {
        let session = &self.0;
        Box::pin(async move { session.finish(session.call(Volume::lock)).await })
    }

    fn backend(&self, path: &str) -> io::Result<Box<dyn redb::StorageBackend>> {
        let DiskSession { volume, now, incarnation, .. } = &*self.0;
        Ok(Box::new(StateFile::open(volume, now, *incarnation, path)?))
    }

    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let jobs = self.0.jobs.get_or_init(|| {
            let (jobs, queue) = mpsc::unbounded_channel();
            tokio::spawn(SimDisk::work(Arc::clone(&self.0), queue));
            jobs
        });
        let (done, finished) = oneshot::channel();
        let sent = jobs.send(StorageJob { work, done });
        Box::pin(async move {
            if sent.is_err() || finished.await.is_err() {
                // The storage thread died with its process, and so did whoever asks.
                std::future::pending::<()>().await;
            }
        })
    }
}

/// One open file.
struct SimFile {
    session: Arc<DiskSession>,
    file: FileId,
}

impl platform::File for SimFile {
    fn len(&self) -> BoxFuture<'_, io::Result<u64>> {
        let len = self.session.call(|volume, caller| volume.len(caller, self.file));
        Box::pin(std::future::ready(len))
    }

    fn read_at(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        let SimFile { session, file } = self;
        Box::pin(async move {
            let read = session.call(|volume, caller| volume.read(caller, *file, offset, len));
            session.finish(read).await.map(Vec::from)
        })
    }

    fn write_at(&self, offset: u64, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        let SimFile { session, file } = self;
        Box::pin(async move {
            session
                .finish(session.call(|volume, caller| volume.write(caller, *file, offset, bytes)))
                .await
        })
    }

    fn set_len(&self, len: u64) -> BoxFuture<'_, io::Result<()>> {
        let SimFile { session, file } = self;
        Box::pin(async move {
            session.finish(session.call(|volume, caller| volume.set_len(caller, *file, len))).await
        })
    }

    fn sync_data(&self) -> BoxFuture<'_, io::Result<()>> {
        let SimFile { session, file } = self;
        Box::pin(async move {
            session.finish(session.call(|volume, caller| volume.sync(caller, *file))).await
        })
    }
}

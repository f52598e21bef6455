//! A member's disk as its process sees it.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;

use bytes::Bytes;
use madsim::time::TimeHandle;
use mettle_server::platform::{self, BoxFuture, Open};
use tokio::sync::{mpsc, oneshot};

use super::world::with;
use super::{DiskWorld, Done, Face, FileId, StateFile, Volume, Wait};
use crate::clock::{Alarm, Now};

/// The disk of one incarnation of a member's process.
#[derive(Clone)]
pub struct SimDisk(Arc<Seat>);

/// What every handle of one process shares.
struct Seat {
    volume: Arc<Mutex<Volume>>,
    now: Now,
    time: TimeHandle,
    incarnation: u64,
    /// The storage jobs, in order of submission.
    jobs: OnceLock<mpsc::UnboundedSender<Job>>,
}

struct Job {
    work: Box<dyn FnOnce() + Send>,
    done: oneshot::Sender<()>,
}

impl Seat {
    fn with<T>(&self, work: impl FnOnce(&mut Volume, u64) -> T) -> T {
        with(&self.volume, &self.now, work)
    }

    fn user(&self) -> (u64, Face) {
        (self.incarnation, Face::Waiting)
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

    async fn finish<T>(&self, done: Done<T>) -> io::Result<T> {
        self.wait(done.due_ns).await;
        done.result
    }
}

impl SimDisk {
    /// The disk of a process that [`DiskWorld::boot`] has let in.
    pub fn new(world: &DiskWorld, member: u8, incarnation: u64) -> SimDisk {
        SimDisk(Arc::new(Seat {
            volume: world.volume(member),
            now: world.now(),
            time: TimeHandle::current(),
            incarnation,
            jobs: OnceLock::new(),
        }))
    }

    /// The member's storage thread: one job at a time, each for as long as the device needs.
    async fn work(seat: Arc<Seat>, mut jobs: mpsc::UnboundedReceiver<Job>) {
        while let Some(Job { work, done }) = jobs.recv().await {
            if !seat.with(|volume, _| volume.admits(seat.incarnation)) {
                // The process is dead; its tasks will not be polled again.
                return std::future::pending().await;
            }
            seat.with(|volume, _| volume.begin_job());
            work();
            let due_ns = seat.with(|volume, now_ns| now_ns + volume.end_job());
            seat.wait(due_ns).await;
            // Whoever submitted it may have stopped waiting.
            let _ = done.send(());
        }
    }
}

impl platform::Disk for SimDisk {
    fn list<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        let seat = &self.0;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.list(now, seat.incarnation, dir))).await
        })
    }

    fn create_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let seat = &self.0;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.create_dir(now, seat.incarnation, dir)))
                .await
        })
    }

    fn open<'a>(
        &'a self,
        path: &'a str,
        mode: Open,
    ) -> BoxFuture<'a, io::Result<Arc<dyn platform::File>>> {
        let seat = &self.0;
        Box::pin(async move {
            let how = (mode != Open::Existing, mode == Open::Truncate);
            let opened = seat.with(|volume, now| volume.open(now, seat.incarnation, path, how));
            let file = seat.finish(opened).await?;
            Ok(Arc::new(SimFile { seat: Arc::clone(seat), file }) as Arc<dyn platform::File>)
        })
    }

    fn rename<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let seat = &self.0;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.rename(now, seat.incarnation, from, to)))
                .await
        })
    }

    fn remove<'a>(&'a self, path: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let seat = &self.0;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.remove(now, seat.incarnation, path))).await
        })
    }

    fn sync_dir<'a>(&'a self, dir: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let seat = &self.0;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.sync_dir(now, seat.incarnation, dir))).await
        })
    }

    fn lock(&self) -> BoxFuture<'_, io::Result<()>> {
        let seat = &self.0;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.lock(now, seat.incarnation))).await
        })
    }

    fn backend(&self, path: &str) -> io::Result<Box<dyn redb::StorageBackend>> {
        let Seat { volume, now, incarnation, .. } = &*self.0;
        Ok(Box::new(StateFile::open(volume, now, *incarnation, path)?))
    }

    fn run(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let jobs = self.0.jobs.get_or_init(|| {
            let (jobs, queue) = mpsc::unbounded_channel();
            tokio::spawn(SimDisk::work(Arc::clone(&self.0), queue));
            jobs
        });
        let (done, finished) = oneshot::channel();
        let sent = jobs.send(Job { work, done });
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
    seat: Arc<Seat>,
    file: FileId,
}

impl platform::File for SimFile {
    fn len(&self) -> BoxFuture<'_, io::Result<u64>> {
        let len = self.seat.with(|volume, _| volume.len(self.seat.incarnation, self.file));
        Box::pin(std::future::ready(len))
    }

    fn read_at(&self, offset: u64, len: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        let SimFile { seat, file } = self;
        Box::pin(async move {
            let range = (offset, len);
            let read = seat.with(|volume, now| volume.read(now, seat.user(), *file, range));
            seat.finish(read).await.map(Vec::from)
        })
    }

    fn write_at(&self, offset: u64, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        let SimFile { seat, file } = self;
        Box::pin(async move {
            let bytes = (offset, bytes);
            seat.finish(seat.with(|volume, now| volume.write(now, seat.user(), *file, bytes))).await
        })
    }

    fn set_len(&self, len: u64) -> BoxFuture<'_, io::Result<()>> {
        let SimFile { seat, file } = self;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.set_len(now, seat.user(), *file, len))).await
        })
    }

    fn sync_data(&self) -> BoxFuture<'_, io::Result<()>> {
        let SimFile { seat, file } = self;
        Box::pin(async move {
            seat.finish(seat.with(|volume, now| volume.sync(now, seat.user(), *file))).await
        })
    }
}

//! A thread that runs jobs in order, and futures that complete when theirs is done.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

use crate::platform::BoxFuture;

type Job = Box<dyn FnOnce() + Send>;

/// Hands jobs to one thread; the thread ends with the last clone of this.
#[derive(Clone)]
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
}

impl Worker {
    #[expect(clippy::disallowed_methods, reason = "the real world's disk has a thread")]
    pub(super) fn start(name: &str) -> io::Result<Worker> {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            for job in queue {
                job();
            }
        })?;
        Ok(Worker { jobs })
    }

    /// Queues `work` at once; the future completes with its value. A panic in `work` goes on in
    /// whoever awaits the future.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> BoxFuture<'static, T> {
        let (done, value) = oneshot::channel();
        let job = move || {
            // Nobody waits any more: the value is dropped, the work is done all the same.
            drop(done.send(catch_unwind(AssertUnwindSafe(work))));
        };
        self.jobs.send(Box::new(job)).expect("the thread lives as long as its sender");
        Box::pin(async move {
            match value.await.expect("the thread runs every job it was given") {
                Ok(value) => value,
                Err(panic) => resume_unwind(panic),
            }
        })
    }
}

//! The log writer: a task of its own that makes appends durable, several with one sync.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Fatal;
use super::event::Event;
use crate::consensus::types::{AppendBatch, AppendToken, SnapshotMark};
use crate::platform::Platform;
use crate::wal::Wal;

/// After so long without an append the log seals itself, so that its end can be judged at boot.
const SEAL_AFTER: Duration = Duration::from_millis(500);

/// What the loop asks of the writer.
pub enum Job {
    /// Make this durable and say so.
    Append(AppendBatch),
    /// Entries up to here are not needed any more.
    Cut(SnapshotMark),
}

/// Works until the loop is gone.
///
/// # Errors
/// When storage fails.
pub async fn run(
    wal: Wal,
    platform: Platform,
    jobs: mpsc::UnboundedReceiver<Job>,
    inbox: mpsc::Sender<Event>,
) -> Result<(), Fatal> {
    Writer { wal, platform, jobs, inbox, sealed: true }.work().await
}

struct Writer {
    wal: Wal,
    platform: Platform,
    jobs: mpsc::UnboundedReceiver<Job>,
    inbox: mpsc::Sender<Event>,
    /// Nothing was appended since the log sealed itself.
    sealed: bool,
}

impl Writer {
    async fn work(&mut self) -> Result<(), Fatal> {
        while let Some(first) = self.next().await? {
            let (token, cut) = self.write(first).await?;
            if let Some(token) = token {
                self.sealed = false;
                let _ = self.inbox.send(Event::Persisted(token)).await;
            }
            // Nobody waits for a cut: what is durable was said first.
            if let Some(mark) = cut {
                self.wal.cut(&mark).await?;
            }
        }
        Ok(())
    }

    /// The next job; seals the log when none comes for a while.
    async fn next(&mut self) -> Result<Option<Job>, Fatal> {
        if !self.sealed {
            let timer = self.platform.clock.sleep(SEAL_AFTER);
            tokio::select! {
                biased;
                job = self.jobs.recv() => return Ok(job),
                () = timer => {}
            }
            self.wal.seal().await?;
            self.sealed = true;
        }
        Ok(self.jobs.recv().await)
    }

    /// Writes all that waits and syncs once: the last token now durable, and where to cut.
    async fn write(
        &mut self,
        first: Job,
    ) -> Result<(Option<AppendToken>, Option<SnapshotMark>), Fatal> {
        let (mut token, mut cut) = (None, None);
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Append(batch) => {
                    self.wal.append(&batch).await?;
                    token = Some(batch.token);
                }
                Job::Cut(mark) => cut = Some(mark),
            }
            next = self.jobs.try_recv().ok();
        }
        if token.is_some() {
            self.wal.sync().await?;
        }
        Ok((token, cut))
    }
}

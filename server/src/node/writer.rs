//! The log writer: a task of its own that makes appends durable, several with one sync.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Fatal;
use super::shell::Event;
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

/// Works until the loop is gone or storage fails.
pub async fn run(
    mut wal: Wal,
    platform: Platform,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    inbox: mpsc::Sender<Event>,
) {
    let mut sealed = true;
    loop {
        let first = if sealed {
            jobs.recv().await
        } else {
            let timer = platform.clock.sleep(SEAL_AFTER);
            tokio::select! {
                biased;
                job = jobs.recv() => job,
                () = timer => {
                    sealed = true;
                    if let Err(error) = wal.seal().await {
                        let _ = inbox.send(Event::Fatal(error.into())).await;
                        return;
                    }
                    continue;
                }
            }
        };
        let Some(first) = first else { return };
        match write(&mut wal, first, &mut jobs).await {
            Ok(Some(token)) => {
                sealed = false;
                if inbox.send(Event::Persisted(token)).await.is_err() {
                    return;
                }
            }
            Ok(None) => {}
            Err(error) => {
                let _ = inbox.send(Event::Fatal(error)).await;
                return;
            }
        }
    }
}

/// Writes all that waits, syncs once, and names the last token that is now durable.
async fn write(
    wal: &mut Wal,
    first: Job,
    jobs: &mut mpsc::UnboundedReceiver<Job>,
) -> Result<Option<AppendToken>, Fatal> {
    let mut token = None;
    let mut cut = None;
    let mut next = Some(first);
    while let Some(job) = next {
        match job {
            Job::Append(batch) => {
                wal.append(&batch).await?;
                token = Some(batch.token);
            }
            Job::Cut(mark) => cut = Some(mark),
        }
        next = jobs.try_recv().ok();
    }
    if token.is_some() {
        wal.sync().await?;
    }
    if let Some(mark) = cut {
        wal.cut(&mark).await?;
    }
    Ok(token)
}

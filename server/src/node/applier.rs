//! The applier: a task of its own that turns committed entries into state, and feeds the watchers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::event::Event;
use super::handle::Shared;
use super::{Fatal, Tasks, snapshot};
use crate::apply;
use crate::command::Applied;
use crate::consensus::types::{Entry, Membership, Message, MessageBody, NodeId, Term};
use crate::mvcc::{AppliedMark, Store};
use crate::peer::Peers;
use crate::platform::blocking;
use crate::probe;

/// The state becomes durable this long after a change, whether or not the log wants to be cut: it
/// bounds what a restart applies again.
const FLUSH_AFTER: Duration = Duration::from_secs(2);

/// What the loop asks of the applier, done strictly in order.
pub enum Job {
    /// Apply these.
    Apply(Vec<Entry>),
    /// Make the state durable.
    Flush,
    /// Read a snapshot and send it to a follower.
    Export(Export),
    /// Replace the state by a snapshot.
    Install {
        /// The message it belongs to.
        message: Message,
        /// The state.
        chunks: Vec<Bytes>,
        /// Told whether it was installed.
        reply: oneshot::Sender<bool>,
    },
    /// Make the state durable and end.
    Stop,
}

/// A snapshot for a follower.
pub struct Export {
    /// To whom.
    pub to: NodeId,
    /// In which term.
    pub term: Term,
    /// Who belongs to the cluster: the state knows only of changes, and there may have been none.
    pub membership: Membership,
    /// The way there.
    pub peers: Peers,
}

/// Works until it is stopped or the loop is gone.
///
/// # Errors
/// When storage fails.
pub(crate) async fn run(
    shared: Arc<Shared>,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    tasks: Tasks,
) -> Result<(), Fatal> {
    let shared = &shared;
    let clock = shared.platform.clock.clone();
    let mut flush_at = None;
    loop {
        let job = match flush_at {
            None => jobs.recv().await,
            Some(at) => {
                let timer = clock.sleep_until(at);
                tokio::select! {
                    biased;
                    () = timer => Some(Job::Flush),
                    job = jobs.recv() => job,
                }
            }
        };
        let Some(job) = job else { return Ok(()) };
        match job {
            Job::Apply(entries) => {
                apply_entries(shared, entries).await?;
                flush_at.get_or_insert(clock.now() + FLUSH_AFTER);
            }
            Job::Flush => {
                flush_at = None;
                flush(shared).await?;
            }
            Job::Export(wanted) => export(shared, wanted, &tasks).await?,
            Job::Install { message, chunks, reply } => {
                install(shared, message, chunks, reply).await?;
            }
            Job::Stop => {
                flush(shared).await?;
                let _ = shared.inbox.send(Event::Stopped).await;
                return Ok(());
            }
        }
    }
}

fn store(shared: &Shared) -> Arc<Store> {
    shared.store.read().expect("no holder panics").clone()
}

async fn apply_entries(shared: &Arc<Shared>, entries: Vec<Entry>) -> Result<(), Fatal> {
    let Some(index) = entries.last().map(|entry| entry.index) else { return Ok(()) };
    let state = store(shared);
    let outcome =
        blocking(&shared.platform.disk, move || apply::apply_batch(&state, &entries)).await?;
    {
        let mut hub = shared.hub.lock().expect("no holder panics");
        for (revision, events) in outcome.events {
            hub.notify(revision, events);
        }
    }
    shared.hub_work.notify_one();
    if outcome.answers.iter().any(|(_, answer)| matches!(answer, Ok(Applied::Publish(())))) {
        shared.register.publish(store(shared).cluster().lives());
    }
    let _ = shared.inbox.send(Event::Applied { index, answers: outcome.answers }).await;
    Ok(())
}

async fn flush(shared: &Arc<Shared>) -> Result<(), Fatal> {
    let state = store(shared);
    let mark = blocking(&shared.platform.disk, move || state.flush()).await?;
    let _ = shared.inbox.send(Event::Flushed(mark.index)).await;
    Ok(())
}

async fn export(shared: &Arc<Shared>, wanted: Export, tasks: &Tasks) -> Result<(), Fatal> {
    let Export { to, term, membership, peers } = wanted;
    let state = store(shared);
    let (mut mark, chunks) = blocking(&shared.platform.disk, move || state.export()).await?;
    mark.membership = membership;
    let inbox = shared.inbox.clone();
    tasks.spawn("sender of a snapshot", async move {
        let ok = peers.send_snapshot(to, term, mark, chunks).await;
        tracing::info!(to = format_args!("{to:x}"), ok, "snapshot sent");
        let _ = inbox.send(Event::SnapshotSent { to, ok }).await;
        Ok(())
    });
    Ok(())
}

async fn install(
    shared: &Arc<Shared>,
    message: Message,
    chunks: Vec<Bytes>,
    reply: oneshot::Sender<bool>,
) -> Result<(), Fatal> {
    let state = match snapshot::install(shared, chunks).await {
        Err(Fatal::Store(error)) if error.is_of_snapshot() => {
            probe!("snapshot refused");
            tracing::warn!(from = format_args!("{:x}", message.from), %error, "snapshot refused");
            let _ = shared.inbox.send(Event::SnapshotRefused { reply }).await;
            return Ok(());
        }
        installed => installed?,
    };
    if let MessageBody::Snapshot { mark } = &message.body {
        let applied = state.applied();
        let expected = AppliedMark { index: mark.index, term: mark.term };
        assert_eq!(applied, expected, "the installed state stands where its message says");
    }
    tracing::info!(index = state.applied().index, "snapshot installed");
    shared.register.publish(state.cluster().lives());
    shared.hub.lock().expect("no holder panics").restore(&state);
    shared.hub_work.notify_one();
    let _ = shared.inbox.send(Event::SnapshotInstalled { message, reply }).await;
    Ok(())
}

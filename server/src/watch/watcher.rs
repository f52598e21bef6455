//! A watcher: the request that made it, and the next revision to be told.

use super::message::WatchRequest;
use crate::mvcc::{Event, EventKind};

#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) request: WatchRequest,
    /// Everything before this revision was queued, nothing from it on.
    pub(crate) next: i64,
    /// Given each revision as it comes.
    pub(crate) synced: bool,
    /// Nothing was queued since the last round of periodic progress.
    pub(crate) quiet: bool,
}

impl Watcher {
    /// What of an event the watcher is told.
    pub(crate) fn filter(&self, event: &Event) -> Option<Event> {
        let unwanted = match event.kind {
            EventKind::Put => self.request.no_put,
            EventKind::Delete => self.request.no_delete,
        };
        (!unwanted).then(|| Event {
            kind: event.kind,
            kv: event.kv.clone(),
            prev_kv: event.prev_kv.clone().filter(|_| self.request.prev_kv),
        })
    }

    /// Whether progress at the hub's `revision` would be true, and not ahead of the watcher's
    /// start.
    ///
    /// # Source
    /// etcd #20221: a watcher that starts in the future is told of no revision before its start.
    pub(crate) fn may_progress(&self, revision: i64) -> bool {
        self.synced && self.request.start_revision <= revision
    }
}

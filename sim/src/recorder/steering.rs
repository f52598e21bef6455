//! Steering: the revisions that traffic depends on (seen, compacted, deleted at, delivered).

use std::collections::{BTreeMap, BTreeSet};

use crate::member::Member;
use mettle_checker::history::{EventType, Request, Response, WatchResponse};

/// What is known of the store so far.
#[derive(Debug, Default)]
pub(super) struct Steering {
    /// Highest revision of which each member's evidence watcher has delivered everything.
    delivered: BTreeMap<Member, i64>,
    /// Highest revision seen in any answer.
    revision: i64,
    /// Highest revision somebody asked to compact.
    compacted: i64,
    /// Requests that may have made a revision.
    writes: i64,
    /// Revisions that watchers saw to delete something.
    deletions: BTreeSet<i64>,
}

impl Steering {
    /// Takes in a request that is about to be sent.
    pub(super) fn asked(&mut self, request: &Request) {
        let writes = matches!(request, Request::Put(_) | Request::DeleteRange(_) | Request::Txn(_));
        self.writes += i64::from(writes);
        // A compaction in the future is refused.
        if let Request::Compact(compact) = request
            && compact.revision <= self.revision
        {
            self.compacted = self.compacted.max(compact.revision);
        }
    }

    /// Takes in an answer.
    pub(super) fn answered(&mut self, response: &Response) {
        let revision = response.header().map_or(0, |header| header.revision);
        self.revision = self.revision.max(revision);
    }

    /// Takes in what a watcher was given.
    pub(super) fn watched(&mut self, response: &WatchResponse) {
        self.revision = self.revision.max(response.header.revision);
        let deletions = response.events.iter().filter(|event| event.kind == EventType::Delete);
        self.deletions.extend(deletions.map(|event| event.kv.mod_revision));
    }

    /// The evidence watcher at `member` has delivered everything up to `revision`.
    pub(super) fn delivered(&mut self, member: Member, revision: i64) {
        let delivered = self.delivered.entry(member).or_default();
        *delivered = (*delivered).max(revision);
    }

    /// Up to where the evidence watcher at `member` has delivered.
    pub(super) fn delivered_by(&self, member: Member) -> i64 {
        self.delivered.get(&member).copied().unwrap_or(0)
    }

    /// The last revision above `after` and up to `to` that is known to delete something.
    pub(super) fn deleted_between(&self, after: i64, to: i64) -> Option<i64> {
        self.deletions.range(after + 1..=to).next_back().copied()
    }

    /// Highest revision seen by anybody.
    pub(super) fn revision(&self) -> i64 {
        self.revision
    }

    /// How many requests may have made a revision.
    pub(super) fn writes(&self) -> i64 {
        self.writes
    }

    /// Highest revision anybody asked to compact.
    pub(super) fn compacted(&self) -> i64 {
        self.compacted
    }
}

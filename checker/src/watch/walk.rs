//! A walk over one watcher's responses: the evidence it is checked against, and the words of a violation.

use std::fmt::Write as _;

use super::compactions::Compaction;
use super::reach::Reach;
use crate::cluster_settings::ClusterSettings;
use crate::history::{EXPIRY_PROCESS, Event, EventType, KeyValue, Record, Recorded};
use crate::linearizability::kind_of;
use crate::linearizability::ops::Ops;
use crate::model::{Change, Store};
use crate::streams::Watcher;
use crate::verdict::Violation;
use crate::words;

/// What the watchers' promises came to.
pub(crate) struct Watched {
    /// What is wrong, the first for each watcher.
    pub(crate) wrong: Vec<Violation>,
    /// For how many watchers and create requests it was due that all had come.
    pub(crate) due: u64,
}

pub(super) type Found<T = ()> = Result<T, Box<Violation>>;

/// A watcher, and the evidence that its responses are checked against.
pub(super) struct Walk<'a, 'b> {
    pub(super) watcher: &'b Watcher<'a>,
    pub(super) ops: &'b Ops<'a>,
    pub(super) store: &'b Store,
    pub(super) compactions: &'b [Compaction<'a>],
    pub(super) reach: &'b Reach,
    /// Writes of unknown outcome that took a revision.
    pub(super) placed: &'b [(i64, u32)],
    pub(super) recorded: Recorded,
    pub(super) settings: &'b ClusterSettings,
}

/// Where a walk over a watcher's responses is.
#[derive(Clone, Copy)]
pub(super) struct Position {
    /// Every change up to this revision came, or the watcher did not want it.
    pub(super) done: i64,
    /// Whether the last response was a fragment whose other parts did not come.
    pub(super) open: bool,
}

impl Walk<'_, '_> {
    pub(super) fn wrong<T>(
        &self,
        checker: &'static str,
        revision: i64,
        what: String,
        at: &Record,
    ) -> Found<T> {
        self.wrong_with(checker, revision, what, &[at])
    }

    /// The same with several records to show. The write of the revision is named and shown too.
    pub(super) fn wrong_with<T>(
        &self,
        checker: &'static str,
        revision: i64,
        what: String,
        at: &[&Record],
    ) -> Found<T> {
        let mut what = what;
        let mut evidence: Vec<u64> = at.iter().map(|record| record.id).collect();
        evidence.push(self.watcher.create.id);
        if let Some(writer) = self.ops.mutator(revision) {
            let writer = self.ops.record(writer);
            let when = match (writer.return_ns, at.first()) {
                (Some(done), Some(told)) if done <= told.call_ns => {
                    format!(", acknowledged {} before", words::duration(told.call_ns - done))
                }
                _ => String::new(),
            };
            let _ = write!(what, "; {} made revision {revision}{when}", words::describe(writer));
            evidence.push(writer.id);
        } else if let Some((_, guess)) = self.placed.iter().find(|placed| placed.0 == revision) {
            let guess = self.ops.record(*guess);
            let who = words::describe(guess);
            let _ = write!(
                what,
                "; in the order found {who}, never answered, made revision {revision}"
            );
            if guess.process != EXPIRY_PROCESS {
                evidence.push(guess.id);
            }
        }
        evidence.dedup();
        self.broken(checker, revision, what, evidence, at[0])
    }

    /// The same with the evidence as it is; `at` says when.
    pub(super) fn broken<T>(
        &self,
        checker: &'static str,
        revision: i64,
        what: String,
        evidence: Vec<u64>,
        at: &Record,
    ) -> Found<T> {
        let when = match at.request.op() {
            op if op.is_watch() => format!("at {} ", words::time(at.call_ns)),
            _ => String::new(),
        };
        let reason = format!("{}: {when}{what}", words::describe(self.watcher.create));
        Err(Box::new(Violation { checker, reason, evidence, revision: Some(revision) }))
    }

    /// Whether a past revision may have been compacted away by the time of a record.
    pub(super) fn forgotten(&self, revision: i64, record: &Record) -> bool {
        self.compactions.iter().any(|compaction| {
            compaction.revision > revision && compaction.record.call_ns <= record.call_ns
        })
    }

    /// Whether the watcher wants to hear of a change.
    pub(super) fn wants(&self, change: &Change<'_>) -> bool {
        self.watcher.wants(change.key, kind_of(change))
    }

    /// The first change that the watcher wants, after a revision and up to another.
    pub(super) fn first_missing(&self, after: i64, up_to: i64) -> Option<(i64, Change<'_>)> {
        let wants = |change: &Change<'_>| self.watcher.wants(change.key, kind_of(change));
        let first = after.max(self.store.floor()).saturating_add(1);
        let mut revisions = first..=up_to.min(self.store.revision());
        revisions.find_map(|revision| {
            self.store.changes(revision).find(wants).map(|change| (revision, change))
        })
    }
}

/// `put /a=v7`
pub(super) fn shown(event: &Event) -> String {
    match event.kind {
        EventType::Put => {
            format!("put {}={}", words::short(&event.kv.key), words::short(&event.kv.value))
        }
        EventType::Delete => format!("delete {}", words::short(&event.kv.key)),
    }
}

/// The first field in which two keys differ.
pub(super) fn difference(expected: &KeyValue, got: &KeyValue) -> Option<String> {
    let number = |field: &str, expected: i64, got: i64| {
        (expected != got).then(|| format!("{field} {got}, must be {expected}"))
    };
    if expected.value != got.value {
        return Some(format!(
            "value {}, must be {}",
            words::short(&got.value),
            words::short(&expected.value)
        ));
    }
    number("create_revision", expected.create_revision, got.create_revision)
        .or_else(|| number("mod_revision", expected.mod_revision, got.mod_revision))
        .or_else(|| number("version", expected.version, got.version))
        .or_else(|| number("lease", expected.lease, got.lease))
}

/// When the first of these arrived, seen from the second.
pub(super) fn since(at: &[&Record]) -> String {
    match at {
        [record, earlier, ..] => words::since(record, earlier),
        _ => "after".to_owned(),
    }
}

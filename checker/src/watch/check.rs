//! Walks over what each watcher heard, first by itself, then along the replay.

use std::fmt::Write as _;

use super::change::shown;
use super::compaction::{Compaction, compactions};
use super::live::Due;
use super::reach::Reach;
use super::{BOOKMARKABLE, EVENT, RANGE, RELIABLE, RESUMABLE};
use crate::history::{EXPIRY_PROCESS, Event, Record, Recorded};
use crate::model::{Change, Store};
use crate::revision::ops::Ops;
use crate::revision::{Placement, kind_of};
use crate::streams::{Arrival, Streams, Watcher, is_progress};
use crate::verdict::Violation;
use crate::words;

/// What the watchers' promises came to.
pub(crate) struct Watched {
    /// What is wrong, the first for each watcher.
    pub(crate) wrong: Vec<Violation>,
    /// For how many watchers and create requests it was due that all had come.
    pub(crate) due: u64,
}

/// Checks all watchers of a history.
pub(crate) fn watches(ops: &Ops<'_>, streams: &Streams<'_>, placement: &Placement) -> Watched {
    let compactions = compactions(ops.records);
    let reach = Reach::new(ops, placement);
    let due = Due::new(ops, streams);
    let mut watched = Watched { wrong: streams.wrong.clone(), due: 0 };
    for watcher in &streams.watchers {
        let walk = Walk {
            watcher,
            ops,
            store: &placement.store,
            compactions: &compactions,
            reach: &reach,
            placed: &placement.placed,
            recorded: ops.recorded,
        };
        let mut done = walk.alone().and_then(|()| walk.along());
        if let Some(owed) = due.of(watcher) {
            watched.due += 1;
            done = done.and_then(|position| walk.live(position, &owed).map(|()| position));
        }
        watched.wrong.extend(done.err().map(|found| *found));
    }
    due.unanswered(streams, &mut watched);
    watched
}

pub(super) type Found<T = ()> = Result<T, Box<Violation>>;

/// One watcher, and what it is held against.
pub(super) struct Walk<'a, 'b> {
    pub(super) watcher: &'b Watcher<'a>,
    pub(super) ops: &'b Ops<'a>,
    pub(super) store: &'b Store,
    pub(super) compactions: &'b [Compaction<'a>],
    pub(super) reach: &'b Reach,
    /// Writes of unknown outcome that took a revision.
    pub(super) placed: &'b [(i64, u32)],
    pub(super) recorded: Recorded,
}

/// Where a walk over a watcher's responses is.
#[derive(Clone, Copy)]
pub(super) struct Position {
    /// All up to here was owed and came, or was not wanted.
    pub(super) done: i64,
    /// Whether the last response was a part, and its rest did not come.
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
        self.broken(checker, revision, (what, evidence), at[0])
    }

    /// The same with the evidence as it is; `at` says when.
    pub(super) fn broken<T>(
        &self,
        checker: &'static str,
        revision: i64,
        (what, evidence): (String, Vec<u64>),
        at: &Record,
    ) -> Found<T> {
        let when = match at.request.op() {
            op if op.is_watch() => format!("at {} ", words::time(at.call_ns)),
            _ => String::new(),
        };
        let reason = format!("{}: {when}{what}", words::describe(self.watcher.create));
        Err(Box::new(Violation { checker, reason, evidence, revision: Some(revision) }))
    }

    /// Along the replay: everything owed comes, nothing else does, and it is what was written.
    fn along(&self) -> Found<Position> {
        let mut position = Position { done: self.watcher.start.saturating_sub(1), open: false };
        self.reached(self.watcher.created)?;
        self.not_compacted()?;
        for group in self.watcher.groups() {
            let arrival = group[0];
            let response = arrival.response;
            self.reached(arrival)?;
            if response.canceled {
                self.canceled(arrival, &position)?;
            } else if is_progress(response) {
                let notice = response.header.revision;
                self.nothing_missing(&mut position, notice, (arrival.record, true))?;
            } else {
                self.events(group, &mut position)?;
            }
        }
        Ok(position)
    }

    fn events(&self, group: &[Arrival<'_>], position: &mut Position) -> Found {
        let all = group.iter().flat_map(|arrival| {
            arrival.response.events.iter().map(|event| (arrival.record, event))
        });
        let all: Vec<(&Record, &Event)> = all.collect();
        position.open = group.last().is_some_and(|arrival| arrival.response.fragment);
        let mut left = all.len();
        for events in all.chunk_by(|a, b| a.1.kv.mod_revision == b.1.kv.mod_revision) {
            left -= events.len();
            let (record, first) = events[0];
            let revision = first.kv.mod_revision;
            self.wanted(events)?;
            if revision < self.watcher.start {
                let what = format!(
                    "{} of revision {revision} came, which is before the revision {} that it starts \
                     with",
                    shown(first),
                    self.watcher.start
                );
                return self.wrong(RESUMABLE, revision, what, record);
            }
            if revision > self.store.revision() {
                let what = format!(
                    "{} of revision {revision} came, but no write made that revision: the last is \
                     {}",
                    shown(first),
                    self.store.revision()
                );
                return self.wrong(EVENT, revision, what, record);
            }
            if revision <= self.store.floor() {
                position.done = position.done.max(revision);
                continue; // nobody recorded what was written there
            }
            self.nothing_missing(position, revision - 1, (record, false))?;
            let partial = left == 0 && position.open;
            self.one_revision(events, (revision, partial))?;
            position.done = position.done.max(revision - i64::from(partial));
        }
        Ok(())
    }

    /// Only what the watcher asked for.
    fn wanted(&self, events: &[(&Record, &Event)]) -> Found {
        let strange =
            |(_, event): &&(&Record, &Event)| !self.watcher.wants(&event.kv.key, event.kind);
        match events.iter().find(strange) {
            Some((record, event)) => {
                let what = format!(
                    "{} of revision {} came, which {}",
                    shown(event),
                    event.kv.mod_revision,
                    if self.watcher.span.contains(&event.kv.key) {
                        "its filters leave out"
                    } else {
                        "is a key that it does not watch"
                    }
                );
                self.wrong(RANGE, event.kv.mod_revision, what, record)
            }
            None => Ok(()),
        }
    }

    /// Everything wanted up to a revision has come.
    fn nothing_missing(
        &self,
        position: &mut Position,
        up_to: i64,
        (record, notice): (&Record, bool),
    ) -> Found {
        if let Some((revision, change)) = self.first_missing(position.done, up_to) {
            let later = self.watcher.events().any(|(_, event)| event.kv.mod_revision == revision);
            let beyond = self.watcher.events().any(|(_, event)| event.kv.mod_revision > revision);
            let (checker, came) = if notice && (later || !beyond) {
                (BOOKMARKABLE, format!("a progress notice of revision {up_to} came"))
            } else if position.done < self.watcher.start && self.watcher.request.start_revision > 0
            {
                (RESUMABLE, format!("its first event was of revision {}", up_to.saturating_add(1)))
            } else {
                (RELIABLE, format!("the next event was of revision {}", up_to.saturating_add(1)))
            };
            let kind = if change.now.is_deletion() { "deletion" } else { "put" };
            let what = format!(
                "{came}, but the {kind} of {} at revision {revision} had not come",
                words::short(change.key)
            );
            return self.wrong(checker, revision, what, record);
        }
        position.done = position.done.max(up_to);
        Ok(())
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

//! Walks over what each watcher heard, first by itself, then along the replay.

use std::collections::BTreeSet;

use super::streams::{Arrival, Streams, Watcher, is_progress};
use super::{
    ATOMIC, BOOKMARKABLE, COMPACTED, EVENT, HEADER, ORDERED, PREV_KV, RANGE, RELIABLE, RESUMABLE,
    UNIQUE,
};
use crate::history::{Blob, Event, EventType, KeyValue, Outcome, Record, Recorded, Request};
use crate::model::{Change, Store};
use crate::revision::kind_of;
use crate::revision::ops::Ops;
use crate::verdict::Violation;
use crate::words;

/// A compaction that was done or perhaps done.
#[derive(Clone, Copy, Debug)]
struct Compaction<'a> {
    record: &'a Record,
    revision: i64,
}

/// Everything that is wrong with the watchers of a history, the first for each watcher.
pub(crate) fn watches(ops: &Ops<'_>, streams: &Streams<'_>, store: &Store) -> Vec<Violation> {
    let mut compactions: Vec<Compaction<'_>> = Vec::new();
    for record in ops.records {
        if let Request::Compact(compact) = &record.request
            && record.outcome != Outcome::Fail
        {
            compactions.push(Compaction { record, revision: compact.revision });
        }
    }
    let mut wrong = streams.wrong.clone();
    for watcher in &streams.watchers {
        let walk = Walk { watcher, store, compactions: &compactions, recorded: ops.recorded };
        wrong.extend(walk.alone().and_then(|()| walk.along()).err().map(|found| *found));
    }
    wrong
}

type Found = Result<(), Box<Violation>>;

struct Walk<'a, 'b> {
    watcher: &'b Watcher<'a>,
    store: &'b Store,
    compactions: &'b [Compaction<'a>],
    recorded: Recorded,
}

/// Where a walk over a watcher's responses is.
struct Position {
    /// All up to here was owed and came, or was not wanted.
    done: i64,
    /// Whether the last response was a fragment of `done`'s revision.
    open: bool,
    /// The revision of the last progress notice, 0 for none.
    noticed: i64,
}

impl Walk<'_, '_> {
    fn wrong(&self, checker: &'static str, revision: i64, what: String, at: &Record) -> Found {
        let create = self.watcher.create;
        Err(Box::new(Violation {
            checker,
            reason: format!("{}: {what}", words::describe(create)),
            evidence: vec![at.id, create.id],
            revision: Some(revision),
        }))
    }

    /// What needs no replay: order, repetition, splitting, and what comes after a notice.
    fn alone(&self) -> Found {
        let mut last = 0;
        let mut open = false;
        let mut noticed = 0;
        // Keys of the last revision.
        let mut seen: BTreeSet<&Blob> = BTreeSet::new();
        for Arrival { record, response } in &self.watcher.arrivals {
            if is_progress(response) {
                noticed = noticed.max(response.header.revision);
                continue;
            }
            let header = response.header.revision;
            for (place, event) in response.events.iter().enumerate() {
                let revision = event.kv.mod_revision;
                let key = &event.kv.key;
                if revision > last {
                    seen.clear();
                }
                let again = if revision < last {
                    let events = self.watcher.events().map(|(_, other)| other);
                    let mut before = events.take_while(|other| !std::ptr::eq(*other, event));
                    before.any(|other| other.kv.mod_revision == revision && other.kv.key == *key)
                } else {
                    !seen.insert(key)
                };
                if again {
                    let what = format!("{} of revision {revision} came twice", shown(event));
                    return self.wrong(UNIQUE, revision, what, record);
                }
                if revision < last {
                    let what = format!(
                        "{} of revision {revision} came after an event of revision {last}",
                        shown(event)
                    );
                    return self.wrong(ORDERED, revision, what, record);
                }
                if revision == last && place == 0 && !open {
                    let what = format!("the events of revision {revision} came in two responses");
                    return self.wrong(ATOMIC, revision, what, record);
                }
                if revision <= noticed {
                    let what = format!(
                        "{} of revision {revision} came after a progress notice of revision \
                         {noticed}",
                        shown(event)
                    );
                    return self.wrong(BOOKMARKABLE, revision, what, record);
                }
                if revision > header {
                    let what =
                        format!("a response of revision {header} tells of revision {revision}");
                    return self.wrong(HEADER, revision, what, record);
                }
                last = revision;
            }
            open = response.fragment;
        }
        Ok(())
    }

    /// Along the replay: everything owed comes, nothing else does, and it is what was written.
    fn along(&self) -> Found {
        let mut position =
            Position { done: self.watcher.start.saturating_sub(1), open: false, noticed: 0 };
        self.not_compacted()?;
        for arrival in &self.watcher.arrivals {
            let response = arrival.response;
            if response.canceled {
                self.canceled(*arrival, &position)?;
            } else if is_progress(response) {
                let notice = response.header.revision;
                self.nothing_missing(&mut position, notice, (arrival.record, true))?;
                position.noticed = notice;
            } else {
                self.events(*arrival, &mut position)?;
            }
        }
        Ok(())
    }

    fn events(&self, arrival: Arrival<'_>, position: &mut Position) -> Found {
        let Arrival { record, response } = arrival;
        let mut rest = &response.events[..];
        while let Some(first) = rest.first() {
            let revision = first.kv.mod_revision;
            let same = rest.iter().take_while(|event| event.kv.mod_revision == revision).count();
            let (events, later) = rest.split_at(same);
            rest = later;
            self.wanted(events, record)?;
            if revision < self.watcher.start {
                let what = format!(
                    "{} of revision {revision} came, before the start at {}",
                    shown(first),
                    self.watcher.start
                );
                return self.wrong(RESUMABLE, revision, what, record);
            }
            if revision > self.store.revision() {
                let what = format!(
                    "{} of revision {revision} came, but no write made that revision",
                    shown(first)
                );
                return self.wrong(EVENT, revision, what, record);
            }
            if revision <= self.store.floor() {
                position.done = position.done.max(revision);
                continue; // nobody recorded what was written there
            }
            self.nothing_missing(position, revision - 1, (record, false))?;
            let more = rest.is_empty() && response.fragment;
            self.one_revision(events, record, (revision, more || position.open))?;
            position.open = more;
            position.done = position.done.max(revision);
        }
        Ok(())
    }

    /// Only what the watcher asked for.
    fn wanted(&self, events: &[Event], record: &Record) -> Found {
        match events.iter().find(|event| !self.watcher.wants(&event.kv.key, event.kind)) {
            Some(event) => {
                let what = format!("{} came, which it does not watch", shown(event));
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
        let last = up_to.min(self.store.revision());
        let first = position.done.max(self.store.floor()).saturating_add(1);
        for revision in first..=last {
            let mut changes = self.store.changes(revision);
            let wants = |change: &Change<'_>| self.watcher.wants(change.key, kind_of(change));
            let Some(change) = changes.find(wants) else { continue };
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
            let what =
                format!("{came}, but the {kind} of {} at revision {revision} had not", change.key);
            return self.wrong(checker, revision, what, record);
        }
        position.done = position.done.max(up_to);
        Ok(())
    }

    /// The events of one revision are what its write did, in its order.
    fn one_revision(
        &self,
        events: &[Event],
        record: &Record,
        (revision, partial): (i64, bool),
    ) -> Found {
        let changes: Vec<Change<'_>> = self.store.changes(revision).collect();
        let mut place = 0;
        for event in events {
            let found = changes[place..].iter().position(|change| *change.key == event.kv.key);
            let Some(ahead) = found else {
                let known = changes.iter().any(|change| *change.key == event.kv.key);
                let (checker, what) = if known {
                    (ORDERED, "came out of the order of its transaction")
                } else {
                    (EVENT, "came, but that revision did not change it")
                };
                let what = format!("{} of revision {revision} {what}", shown(event));
                return self.wrong(checker, revision, what, record);
            };
            for skipped in &changes[place..place + ahead] {
                if events.iter().any(|event| event.kv.key == *skipped.key) {
                    let what = format!(
                        "{} of revision {revision} came before that of {}, out of the order of its \
                         transaction",
                        shown(event),
                        skipped.key
                    );
                    return self.wrong(ORDERED, revision, what, record);
                }
            }
            if !partial {
                self.none_between(&changes[place..place + ahead], revision, record)?;
            }
            place += ahead;
            self.same(event, &changes[place], record)?;
            place += 1;
        }
        if partial { Ok(()) } else { self.none_between(&changes[place..], revision, record) }
    }

    fn none_between(&self, changes: &[Change<'_>], revision: i64, record: &Record) -> Found {
        let wants = |change: &&Change<'_>| self.watcher.wants(change.key, kind_of(change));
        match changes.iter().find(wants) {
            Some(change) => {
                let elsewhere = self.watcher.events().any(|(_, event)| {
                    event.kv.mod_revision == revision && event.kv.key == *change.key
                });
                let checker = if elsewhere { ATOMIC } else { RELIABLE };
                let what = format!(
                    "the change of {} at revision {revision} did not come with the others of that \
                     revision",
                    change.key
                );
                self.wrong(checker, revision, what, record)
            }
            None => Ok(()),
        }
    }

    /// An event is what happened to its key.
    fn same(&self, event: &Event, change: &Change<'_>, record: &Record) -> Found {
        let revision = event.kv.mod_revision;
        if kind_of(change) != event.kind {
            let what = format!("{} of revision {revision} came, but it was not so", shown(event));
            return self.wrong(EVENT, revision, what, record);
        }
        let mut expected = change.kv();
        self.recorded.fade_kv(&mut expected);
        if let Some(difference) = difference(&expected, &event.kv) {
            let what = format!("{} of revision {revision} came with {difference}", shown(event));
            return self.wrong(EVENT, revision, what, record);
        }
        let mut before = change.prev_kv();
        if let Some(kv) = &mut before {
            self.recorded.fade_kv(kv);
        }
        let what = match (&event.prev_kv, &before) {
            (Some(_), _) if !self.watcher.request.prev_kv => "prev_kv was not asked for".to_owned(),
            (Some(_), None) => "prev_kv is there, but the key was not".to_owned(),
            (Some(got), Some(before)) => match difference(before, got) {
                Some(difference) => format!("in prev_kv {difference}"),
                None => return Ok(()),
            },
            (None, Some(_)) if self.watcher.request.prev_kv => {
                if self.forgotten(revision - 1, record) {
                    return Ok(());
                }
                "prev_kv is missing".to_owned()
            }
            (None, _) => return Ok(()),
        };
        self.wrong(
            PREV_KV,
            revision,
            format!("{} of revision {revision}: {what}", shown(event)),
            record,
        )
    }

    /// Whether a past revision may have been compacted away by the time of a record.
    fn forgotten(&self, revision: i64, record: &Record) -> bool {
        self.compactions.iter().any(|compaction| {
            compaction.revision > revision && compaction.record.call_ns <= record.call_ns
        })
    }

    /// A watcher that starts below what its member had compacted hears of nothing.
    ///
    /// That the member answered the compaction itself is no proof: it may have restarted since and
    /// stand further back in the log, with the history still whole. But the compaction was applied
    /// before the write that made the revision after its answer's; a member whose answer to the
    /// create request knows that write has compacted, whichever member was asked to.
    fn not_compacted(&self) -> Found {
        let watcher = self.watcher;
        if watcher.request.start_revision == 0 {
            return Ok(());
        }
        let known = self.compactions.iter().find(|compaction| {
            compaction.revision > watcher.start
                && compaction.record.outcome == Outcome::Ok
                && answered_at(compaction.record).is_some_and(|at| at < watcher.created_at)
        });
        let Some(compaction) = known else { return Ok(()) };
        let heard = watcher.arrivals.iter().find(|arrival| !arrival.response.canceled);
        let Some(arrival) = heard else { return Ok(()) };
        let what = format!(
            "it starts at revision {}, which {} had made unreadable, and was not cancelled",
            watcher.start,
            words::describe(compaction.record)
        );
        let mut found = self.wrong(COMPACTED, watcher.start, what, arrival.record);
        if let Err(violation) = &mut found {
            violation.evidence.push(compaction.record.id);
        }
        found
    }

    /// A watcher is ended for a compaction only by one, and only if it still needs what is gone.
    fn canceled(&self, arrival: Arrival<'_>, position: &Position) -> Found {
        let Arrival { record, response } = arrival;
        let compacted = response.compact_revision;
        if compacted == 0 {
            return Ok(());
        }
        let next = position.done.saturating_add(1);
        if next >= compacted {
            let what = format!(
                "it was cancelled for the compaction at {compacted}, but needed only revisions \
                 from {next} on"
            );
            return self.wrong(COMPACTED, compacted, what, record);
        }
        let known = self.compactions.iter().any(|compaction| {
            compaction.revision == compacted && compaction.record.call_ns <= record.call_ns
        });
        if known {
            return Ok(());
        }
        let what =
            format!("it was cancelled for a compaction at {compacted} that nobody asked for");
        self.wrong(COMPACTED, compacted, what, record)
    }
}

/// The revision that the answer to a compaction names; it was applied at this one or before.
fn answered_at(record: &Record) -> Option<i64> {
    Some(record.response.as_ref()?.header()?.revision)
}

fn shown(event: &Event) -> String {
    match event.kind {
        EventType::Put => format!("put {}={}", event.kv.key, event.kv.value),
        EventType::Delete => format!("delete {}", event.kv.key),
    }
}

/// The first field in which two keys differ.
fn difference(expected: &KeyValue, got: &KeyValue) -> Option<String> {
    let number = |field: &str, expected: i64, got: i64| {
        (expected != got).then(|| format!("{field} {got}, must be {expected}"))
    };
    if expected.value != got.value {
        return Some(format!("value {}, must be {}", got.value, expected.value));
    }
    number("create_revision", expected.create_revision, got.create_revision)
        .or_else(|| number("mod_revision", expected.mod_revision, got.mod_revision))
        .or_else(|| number("version", expected.version, got.version))
        .or_else(|| number("lease", expected.lease, got.lease))
}

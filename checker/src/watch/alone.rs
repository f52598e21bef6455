//! What needs no write to be told: the order of a watcher's events, repetition, splitting, and what
//! comes after a notice.

use std::collections::BTreeMap;

use super::change::shown;
use super::check::{Found, Walk};
use super::{ATOMIC, BOOKMARKABLE, FRAGMENT, HEADER, ORDERED, UNIQUE};
use crate::history::{Blob, Event, EventType, Record};
use crate::revision::kind_of;
use crate::streams::is_progress;
use crate::words;

/// How often each key was told of, in the revision told last.
struct Last<'a> {
    revision: i64,
    /// Where it was told of.
    record: Option<&'a Record>,
    told: BTreeMap<(&'a Blob, EventType), usize>,
}

/// When the first of these arrived, seen from the second.
fn since(at: &[&Record]) -> String {
    match at {
        [record, earlier, ..] => words::since(record, earlier),
        _ => "after".to_owned(),
    }
}

impl<'a> Walk<'a, '_> {
    /// Checks the responses of a watcher one by one.
    pub(super) fn alone(&self) -> Found {
        let mut last = Last { revision: i64::MIN, record: None, told: BTreeMap::new() };
        let mut noticed: (i64, Option<&Record>) = (0, None);
        let mut groups = self.watcher.groups().peekable();
        while let Some(group) = groups.next() {
            let first = group[0];
            if is_progress(first.response) {
                if first.response.header.revision > noticed.0 {
                    noticed = (first.response.header.revision, Some(first.record));
                }
                continue;
            }
            self.fragments(group, groups.peek().is_none())?;
            let mut place = 0;
            for arrival in group {
                for event in &arrival.response.events {
                    self.one(event, (arrival.record, place), &mut last)?;
                    place += 1;
                    let revision = event.kv.mod_revision;
                    if revision <= noticed.0 {
                        let at: Vec<&Record> =
                            [Some(arrival.record), noticed.1].into_iter().flatten().collect();
                        let what = format!(
                            "{} of revision {revision} came {} a progress notice of revision {}, \
                             which promises that nothing up to there is still to come",
                            shown(event),
                            since(&at),
                            noticed.0
                        );
                        return self.wrong_with(BOOKMARKABLE, revision, what, &at);
                    }
                    let header = arrival.response.header.revision;
                    if revision > header {
                        let what = format!(
                            "a response that names revision {header} as the store's tells of {} \
                             of revision {revision}",
                            shown(event)
                        );
                        return self.wrong(HEADER, revision, what, arrival.record);
                    }
                }
            }
        }
        Ok(())
    }

    /// An event after the ones before it.
    fn one(&self, event: &'a Event, at: (&'a Record, usize), last: &mut Last<'a>) -> Found {
        let (record, place) = at;
        let revision = event.kv.mod_revision;
        if revision < last.revision {
            let twice = |(_, before): (_, &Event)| {
                !std::ptr::eq(before, event)
                    && (before.kv.mod_revision, &before.kv.key, before.kind)
                        == (revision, &event.kv.key, event.kind)
            };
            let mut before =
                self.watcher.events().take_while(|(_, one)| !std::ptr::eq(*one, event));
            if before.any(twice) {
                return self.twice(event, record);
            }
            let at: Vec<&Record> = [Some(record), last.record].into_iter().flatten().collect();
            let what = format!(
                "{} of revision {revision} came {} an event of revision {}",
                shown(event),
                since(&at),
                last.revision
            );
            return self.wrong_with(ORDERED, revision, what, &at);
        }
        let first = revision > last.revision;
        if first {
            *last = Last { revision, record: Some(record), told: BTreeMap::new() };
        }
        let told = last.told.entry((&event.kv.key, event.kind)).or_default();
        *told += 1;
        // A transaction may change a key twice: delete it and put it again.
        if *told > 1 && *told > self.times(event) {
            return self.twice(event, record);
        }
        if !first && place == 0 {
            let at: Vec<&Record> = [Some(record), last.record].into_iter().flatten().collect();
            let what = format!(
                "{} of revision {revision} came in a response of its own, {} another event of \
                 that revision: they have to come together",
                shown(event),
                since(&at)
            );
            return self.wrong_with(ATOMIC, revision, what, &at);
        }
        Ok(())
    }

    /// How often the write of an event's revision did such a thing to its key.
    fn times(&self, event: &Event) -> usize {
        if event.kv.mod_revision <= self.store.floor() {
            return usize::MAX; // nobody recorded what was written there
        }
        let changes = self.store.changes(event.kv.mod_revision);
        changes
            .filter(|change| *change.key == event.kv.key && kind_of(change) == event.kind)
            .count()
    }

    fn twice(&self, event: &Event, record: &Record) -> Found {
        let revision = event.kv.mod_revision;
        let same = |one: &Event| {
            (one.kv.mod_revision, &one.kv.key, one.kind) == (revision, &event.kv.key, event.kind)
        };
        let mut before = self.watcher.events().filter(|(_, one)| same(one));
        let first = before.next().map_or(record, |(record, _)| record);
        let what = format!(
            "{} of revision {revision} came a second time, {} the first",
            shown(event),
            words::since(record, first)
        );
        self.wrong_with(UNIQUE, revision, what, &[record, first])
    }

    /// A response is split only where that was asked for, and what was begun is finished before
    /// anything else comes.
    fn fragments(&self, group: &[crate::streams::Arrival<'_>], at_end: bool) -> Found {
        let Some(part) = group.iter().find(|arrival| arrival.response.fragment) else {
            return Ok(());
        };
        let revision = part.response.header.revision;
        if !self.watcher.request.fragment {
            let what = "a part of a response came, though fragments were not asked for; the rest \
                        has to be in it"
                .to_owned();
            return self.wrong(FRAGMENT, revision, what, part.record);
        }
        let open = group.last().is_some_and(|arrival| arrival.response.fragment);
        if open && !at_end {
            let what = "a part of a response came, and the next response was not the rest of it"
                .to_owned();
            return self.wrong(FRAGMENT, revision, what, part.record);
        }
        Ok(())
    }
}

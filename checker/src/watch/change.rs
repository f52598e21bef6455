//! The events of one revision against what its write did.

use super::check::{Found, Walk};
use super::{ATOMIC, EVENT, IS_CREATE, ORDERED, PREV_KV, RELIABLE};
use crate::history::{Event, EventType, KeyValue, Record};
use crate::model::Change;
use crate::revision::{kind_of, place_of, wrong_creation};
use crate::words;

impl Walk<'_, '_> {
    /// The events of one revision are what its write did, in its order; `partial` if the rest of
    /// them may still be on the way.
    pub(super) fn one_revision(
        &self,
        events: &[(&Record, &Event)],
        (revision, partial): (i64, bool),
    ) -> Found {
        let changes: Vec<Change<'_>> = self.store.changes(revision).collect();
        let mut place = 0;
        for (record, event) in events {
            let Some(at) = place_of(&changes, place, event) else {
                return self.not_next(event, &changes, record);
            };
            for skipped in &changes[place..at] {
                let told = |(_, event): &(&Record, &Event)| {
                    event.kv.key == *skipped.key && event.kind == kind_of(skipped)
                };
                if events.iter().any(told) && self.wants(skipped) {
                    let what = format!(
                        "{} of revision {revision} came before the change of {}, which its \
                         transaction made before it",
                        shown(event),
                        words::short(skipped.key)
                    );
                    return self.wrong(ORDERED, revision, what, record);
                }
            }
            self.none_between(&changes[place..at], revision, record)?;
            self.same(event, &changes[at], record)?;
            place = at + 1;
        }
        match events.last() {
            Some((record, _)) if !partial => self.none_between(&changes[place..], revision, record),
            _ => Ok(()),
        }
    }

    fn wants(&self, change: &Change<'_>) -> bool {
        self.watcher.wants(change.key, kind_of(change))
    }

    /// An event is not among the changes that are left of its revision.
    fn not_next(&self, event: &Event, changes: &[Change<'_>], record: &Record) -> Found {
        let revision = event.kv.mod_revision;
        let known = changes.iter().any(|change| *change.key == event.kv.key);
        let (checker, what) = if place_of(changes, 0, event).is_some() {
            (ORDERED, "came after a change that its transaction made after it")
        } else if known {
            (EVENT, "came, but that revision did something else to the key")
        } else {
            (EVENT, "came, but that revision did not change the key")
        };
        let what = format!("{} of revision {revision} {what}", shown(event));
        self.wrong(checker, revision, what, record)
    }

    fn none_between(&self, changes: &[Change<'_>], revision: i64, record: &Record) -> Found {
        match changes.iter().find(|change| self.wants(change)) {
            Some(change) => {
                let elsewhere = self.watcher.events().any(|(_, event)| {
                    event.kv.mod_revision == revision
                        && event.kv.key == *change.key
                        && event.kind == kind_of(change)
                });
                let checker = if elsewhere { ATOMIC } else { RELIABLE };
                let what = format!(
                    "the change of {} at revision {revision} did not come with the others of that \
                     revision",
                    words::short(change.key)
                );
                self.wrong(checker, revision, what, record)
            }
            None => Ok(()),
        }
    }

    /// An event is what happened to its key.
    fn same(&self, event: &Event, change: &Change<'_>, record: &Record) -> Found {
        let revision = event.kv.mod_revision;
        let mut expected = change.kv();
        self.recorded.fade_event_kv(&mut expected);
        if let Some(difference) = difference(&expected, &event.kv) {
            let what = format!("{} of revision {revision} came with {difference}", shown(event));
            return self.wrong(EVENT, revision, what, record);
        }
        if let (Some(did), Some(said)) = (wrong_creation(change, event), event.is_create) {
            let said = if said.0 { "a creation" } else { "no creation" };
            let what = format!(
                "{} of revision {revision} came as {said}, but that revision {did}",
                shown(event)
            );
            return self.wrong(IS_CREATE, revision, what, record);
        }
        let mut before = change.prev_kv();
        if let Some(kv) = &mut before {
            self.recorded.fade_kv(kv);
        }
        let what = match (&event.prev_kv, &before) {
            (Some(_), _) if !self.watcher.request.prev_kv => {
                "with a prev_kv that was not asked for".to_owned()
            }
            (Some(_), None) => "with a prev_kv, but the key was not there before".to_owned(),
            (Some(got), Some(before)) => match difference(before, got) {
                Some(difference) => format!("with a prev_kv of {difference}"),
                None => return Ok(()),
            },
            (None, Some(_)) if self.watcher.request.prev_kv => {
                if self.forgotten(revision - 1, record) {
                    return Ok(());
                }
                "without prev_kv, though that was asked for and the key was there before".to_owned()
            }
            (None, _) => return Ok(()),
        };
        self.wrong(
            PREV_KV,
            revision,
            format!("{} of revision {revision} came {what}", shown(event)),
            record,
        )
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
fn difference(expected: &KeyValue, got: &KeyValue) -> Option<String> {
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

//! **Event**: an event is what the write of its revision did.

use super::ordered;
use super::promise::{Promise, Told};
use super::walk::{Found, Walk, difference, shown};
use crate::history::{Event, Record};
use crate::linearizability::place_of;
use crate::model::Change;
use crate::verdict::Guarantee;

pub(crate) const EVENT: &str = "watch.event";

pub(super) const PROMISE: Promise = Promise {
    change: Some(same),
    ..Promise::of(Guarantee {
        name: EVENT,
        question: "an event is what the write of its revision did",
        needs_order: true,
        survives_inferred_start: false,
    })
};

/// An event tells of its key what the write made of it.
#[inline]
fn same(walk: &Walk<'_, '_>, told: &Told<'_>) -> Found {
    let revision = told.event.kv.mod_revision;
    let mut expected = told.change.kv();
    walk.recorded.fade_event_kv(&mut expected);
    let Some(difference) = difference(&expected, &told.event.kv) else { return Ok(()) };
    let what = format!("{} of revision {revision} came with {difference}", shown(told.event));
    walk.wrong(EVENT, revision, what, told.record)
}

/// Some write made the revision of an event.
#[inline]
pub(super) fn of_a_write(walk: &Walk<'_, '_>, event: &Event, record: &Record) -> Found {
    let (revision, top) = (event.kv.mod_revision, walk.store.revision());
    if revision <= top {
        return Ok(());
    }
    let what = format!(
        "{} of revision {revision} came, but no write made that revision: the last is {top}",
        shown(event)
    );
    walk.wrong(EVENT, revision, what, record)
}

/// An event is not among the changes that are left of its revision.
pub(super) fn not_next(
    walk: &Walk<'_, '_>,
    event: &Event,
    changes: &[Change<'_>],
    record: &Record,
) -> Found {
    if place_of(changes, 0, event).is_some() {
        return ordered::too_late(walk, event, record);
    }
    let revision = event.kv.mod_revision;
    let known = changes.iter().any(|change| *change.key == event.kv.key);
    let what = if known {
        "came, but that revision did something else to the key"
    } else {
        "came, but that revision did not change the key"
    };
    let what = format!("{} of revision {revision} {what}", shown(event));
    walk.wrong(EVENT, revision, what, record)
}

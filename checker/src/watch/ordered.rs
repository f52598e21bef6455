//! **Ordered**: events come in the order of their revisions, and within one revision in the order of
//! its changes.

use super::promise::{Heard, Promise};
use super::unique::was_heard;
use super::walk::{Found, Walk, shown, since};
use crate::history::{Event, Record};
use crate::linearizability::kind_of;
use crate::model::Change;
use crate::verdict::Guarantee;
use crate::words;

const ORDERED: &str = "watch.ordered";

pub(super) const PROMISE: Promise = Promise {
    event: Some(ordered),
    ..Promise::of(Guarantee {
        name: ORDERED,
        question: "events come in the order of revisions, and within one in the order of its changes",
        needs_order: true,
        survives_inferred_start: true,
    })
};

/// No event is of a lower revision than one before it.
fn ordered(walk: &Walk<'_, '_>, heard: &Heard<'_, '_>) -> Found {
    let revision = heard.event.kv.mod_revision;
    if revision >= heard.last || was_heard(walk, heard.event) {
        return Ok(());
    }
    let at: Vec<&Record> = [Some(heard.record), heard.last_record].into_iter().flatten().collect();
    let what = format!(
        "{} of revision {revision} came {} an event of revision {}",
        shown(heard.event),
        since(&at),
        heard.last
    );
    walk.wrong_with(ORDERED, revision, what, &at)
}

/// No change that an event passes over is told of later in its revision.
pub(super) fn none_passed(
    walk: &Walk<'_, '_>,
    events: &[(&Record, &Event)],
    passed: &[Change<'_>],
    record: &Record,
    event: &Event,
) -> Found {
    for change in passed {
        let told = |(_, event): &(&Record, &Event)| {
            event.kv.key == *change.key && event.kind == kind_of(change)
        };
        if events.iter().any(told) && walk.wants(change) {
            let revision = event.kv.mod_revision;
            let what = format!(
                "{} of revision {revision} came before the change of {}, which its transaction made \
                 before it",
                shown(event),
                words::short(change.key)
            );
            return walk.wrong(ORDERED, revision, what, record);
        }
    }
    Ok(())
}

/// An event came after a change that stands behind it in its revision.
pub(super) fn too_late(walk: &Walk<'_, '_>, event: &Event, record: &Record) -> Found {
    let revision = event.kv.mod_revision;
    let what = format!(
        "{} of revision {revision} came after a change that its transaction made after it",
        shown(event)
    );
    walk.wrong(ORDERED, revision, what, record)
}

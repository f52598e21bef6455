//! **Resumable**: a start revision is respected: the first event is the first one from there on.

use super::promise::{Missing, Promise};
use super::walk::{Found, Walk, shown};
use crate::history::{Event, Record};
use crate::verdict::Guarantee;

const RESUMABLE: &str = "watch.resumable";

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: RESUMABLE,
    question: "the first event is the first one from the start revision on",
    needs_order: true,
    survives_inferred_start: false,
});

/// Nothing comes from before the start.
pub(super) fn not_before_start(walk: &Walk<'_, '_>, event: &Event, record: &Record) -> Found {
    let revision = event.kv.mod_revision;
    if revision >= walk.watcher.start {
        return Ok(());
    }
    let what = format!(
        "{} of revision {revision} came, which is before the revision {} that it starts with",
        shown(event),
        walk.watcher.start
    );
    walk.wrong(RESUMABLE, revision, what, record)
}

/// Nothing is missing between the start and the first event.
pub(super) fn all_from_start(walk: &Walk<'_, '_>, missing: &Missing<'_>) -> Found {
    if missing.done >= walk.watcher.start || walk.watcher.request.start_revision <= 0 {
        return Ok(());
    }
    let came = format!("its first event was of revision {}", missing.up_to.saturating_add(1));
    walk.wrong(RESUMABLE, missing.revision, missing.after(&came), missing.record)
}

//! **Range**: only keys that are watched, and only kinds that no filter leaves out.

use super::promise::Promise;
use super::walk::{Found, Walk, shown};
use crate::history::{Event, Record};
use crate::verdict::Guarantee;

const RANGE: &str = "watch.range";

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: RANGE,
    question: "only what is watched and not filtered out",
    needs_order: true,
    survives_inferred_start: true,
});

/// Only what the watcher asked for.
#[inline]
pub(super) fn wanted(walk: &Walk<'_, '_>, events: &[(&Record, &Event)]) -> Found {
    let strange = |(_, event): &&(&Record, &Event)| !walk.watcher.wants(&event.kv.key, event.kind);
    let Some((record, event)) = events.iter().find(strange) else { return Ok(()) };
    let what = format!(
        "{} of revision {} came, which {}",
        shown(event),
        event.kv.mod_revision,
        if walk.watcher.span.contains(&event.kv.key) {
            "its filters leave out"
        } else {
            "is a key that it does not watch"
        }
    );
    walk.wrong(RANGE, event.kv.mod_revision, what, record)
}

//! **Reliable**: no event between two others is missing.

use super::atomic::apart;
use super::promise::{Missing, Promise};
use super::walk::{Found, Walk};
use crate::history::Record;
use crate::model::Change;
use crate::verdict::Guarantee;

const RELIABLE: &str = "watch.reliable";

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: RELIABLE,
    question: "no event between two others is missing",
    needs_order: true,
    survives_inferred_start: false,
});

/// An event is missing before the next one.
pub(super) fn before_next(walk: &Walk<'_, '_>, missing: &Missing<'_>) -> Found {
    let came = format!("the next event was of revision {}", missing.up_to.saturating_add(1));
    walk.wrong(RELIABLE, missing.revision, missing.after(&came), missing.record)
}

/// A change of a revision is missing among its events.
pub(super) fn within_revision(
    walk: &Walk<'_, '_>,
    change: &Change<'_>,
    revision: i64,
    record: &Record,
) -> Found {
    walk.wrong(RELIABLE, revision, apart(change, revision), record)
}

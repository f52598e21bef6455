//! **Canceled**: a watcher ends only when it was told to, for a compaction, or for a reason that is
//! given; nothing comes for it afterwards, which `streams` sees to.

use super::promise::Promise;
use super::walk::{Found, Walk};
use crate::streams::{Arrival, CANCELED};
use crate::verdict::Guarantee;

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: CANCELED,
    question: "a watcher ends only when told to, for a compaction, or for a reason that is given; nothing comes for it afterwards",
    needs_order: true,
    survives_inferred_start: true,
});

/// A watcher ends for another cause only when it was told to, or for a reason that is given.
pub(super) fn told_to_end(walk: &Walk<'_, '_>, arrival: Arrival<'_>) -> Found {
    let Arrival { record, response } = arrival;
    if walk.watcher.cancel.is_some() || !response.cancel_reason.is_empty() {
        return Ok(());
    }
    let what = "it was cancelled, though nobody asked for that and no reason was given";
    walk.wrong(CANCELED, response.header.revision, what.to_owned(), record)
}

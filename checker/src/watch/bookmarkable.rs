//! **Bookmarkable**: a progress notice of revision R promises that every event up to R came before
//! the notice. So no later event is of revision R or below. A notice comes no sooner than the revision
//! from which the watcher starts.

use super::promise::{Heard, Missing, Promise};
use super::walk::{Found, Walk, shown, since};
use crate::history::Record;
use crate::streams::Arrival;
use crate::verdict::Guarantee;

const BOOKMARKABLE: &str = "watch.bookmarkable";

pub(super) const PROMISE: Promise = Promise {
    event: Some(none_after),
    ..Promise::of(Guarantee {
        name: BOOKMARKABLE,
        question: "after a progress notice of R nothing up to R comes, and all of it came before; R is not below the start",
        needs_order: true,
        survives_inferred_start: false,
    })
};

/// Nothing up to a notice comes after it.
fn none_after(walk: &Walk<'_, '_>, heard: &Heard<'_, '_>) -> Found {
    let revision = heard.event.kv.mod_revision;
    if revision > heard.noticed {
        return Ok(());
    }
    let at: Vec<&Record> = [Some(heard.record), heard.notice].into_iter().flatten().collect();
    let what = format!(
        "{} of revision {revision} came {} a progress notice of revision {}, which promises that \
         nothing up to there is still to come",
        shown(heard.event),
        since(&at),
        heard.noticed
    );
    walk.wrong_with(BOOKMARKABLE, revision, what, &at)
}

/// A notice comes only when the store has reached the revision that the watcher asked to start from.
/// Whoever resumes after a notice below that one would be told what it did not ask for.
///
/// # Source
/// etcd `mvcc/watchable_store.go`, `progressIfSync`.
pub(super) fn not_before_start(walk: &Walk<'_, '_>, arrival: Arrival<'_>) -> Found {
    let (notice, start) = (arrival.response.header.revision, walk.watcher.request.start_revision);
    if notice >= start {
        return Ok(());
    }
    let what = format!(
        "a progress notice of revision {notice} came, but it starts at revision {start}, which the \
         store had not reached"
    );
    walk.broken(
        BOOKMARKABLE,
        notice,
        what,
        vec![arrival.record.id, walk.watcher.create.id],
        arrival.record,
    )
}

/// All up to a notice came before it. What never came, though later events did, is missing whether
/// there was a notice or not.
pub(super) fn all_before(walk: &Walk<'_, '_>, missing: &Missing<'_>) -> Found {
    let revision = missing.revision;
    let later = walk.watcher.events().any(|(_, event)| event.kv.mod_revision == revision);
    let beyond = walk.watcher.events().any(|(_, event)| event.kv.mod_revision > revision);
    if !missing.notice || !later && beyond {
        return Ok(());
    }
    let came = format!("a progress notice of revision {} came", missing.up_to);
    walk.wrong(BOOKMARKABLE, revision, missing.after(&came), missing.record)
}

//! **Atomic**: the events of one revision come in one response, or in the parts of one.

use super::promise::{Heard, Promise};
use super::walk::{Found, Walk, shown, since};
use crate::history::Record;
use crate::linearizability::kind_of;
use crate::model::Change;
use crate::verdict::Guarantee;
use crate::words;

const ATOMIC: &str = "watch.atomic";

pub(super) const PROMISE: Promise = Promise {
    event: Some(atomic),
    ..Promise::of(Guarantee {
        name: ATOMIC,
        question: "the events of one revision come together",
        needs_order: true,
        survives_inferred_start: false,
    })
};

/// No response begins in the middle of a revision.
fn atomic(walk: &Walk<'_, '_>, heard: &Heard<'_, '_>) -> Found {
    let revision = heard.event.kv.mod_revision;
    if revision != heard.last || heard.place > 0 {
        return Ok(());
    }
    let at: Vec<&Record> = [Some(heard.record), heard.last_record].into_iter().flatten().collect();
    let what = format!(
        "{} of revision {revision} came in a response of its own, {} another event of that \
         revision: they have to come together",
        shown(heard.event),
        since(&at)
    );
    walk.wrong_with(ATOMIC, revision, what, &at)
}

/// A change that did not come with the others of its revision did not come elsewhere either.
pub(super) fn nowhere_else(
    walk: &Walk<'_, '_>,
    change: &Change<'_>,
    revision: i64,
    record: &Record,
) -> Found {
    let elsewhere = walk.watcher.events().any(|(_, event)| {
        event.kv.mod_revision == revision
            && event.kv.key == *change.key
            && event.kind == kind_of(change)
    });
    if elsewhere {
        return walk.wrong(ATOMIC, revision, apart(change, revision), record);
    }
    Ok(())
}

/// `the change of /a at revision 7 did not come with the others of that revision`
pub(super) fn apart(change: &Change<'_>, revision: i64) -> String {
    format!(
        "the change of {} at revision {revision} did not come with the others of that revision",
        words::short(change.key)
    )
}

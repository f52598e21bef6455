//! **Unique**: no event comes twice.

use super::promise::{Heard, Promise};
use super::walk::{Found, Walk, shown};
use crate::history::Event;
use crate::linearizability::kind_of;
use crate::verdict::Guarantee;
use crate::words;

const UNIQUE: &str = "watch.unique";

pub(super) const PROMISE: Promise = Promise {
    event: Some(unique),
    ..Promise::of(Guarantee {
        name: UNIQUE,
        question: "no event comes twice",
        needs_order: true,
        survives_inferred_start: true,
    })
};

/// An event tells of nothing that was told before. A transaction may change a key twice: delete it
/// and put it again.
fn unique(walk: &Walk<'_, '_>, heard: &Heard<'_, '_>) -> Found {
    let went_back = heard.event.kv.mod_revision < heard.last;
    let twice = went_back && was_heard(walk, heard.event);
    if !twice && (heard.times <= 1 || heard.times <= times(walk, heard.event)) {
        return Ok(());
    }
    let (event, record) = (heard.event, heard.record);
    let mut before = walk.watcher.events().filter(|(_, one)| is_same(one, event));
    let first = before.next().map_or(record, |(record, _)| record);
    let revision = event.kv.mod_revision;
    let what = format!(
        "{} of revision {revision} came a second time, {} the first",
        shown(event),
        words::since(record, first)
    );
    walk.wrong_with(UNIQUE, revision, what, &[record, first])
}

/// Whether an equal event came earlier.
pub(super) fn was_heard(walk: &Walk<'_, '_>, event: &Event) -> bool {
    let mut before = walk.watcher.events().take_while(|(_, one)| !std::ptr::eq(*one, event));
    before.any(|(_, one)| is_same(one, event))
}

fn is_same(one: &Event, other: &Event) -> bool {
    (one.kv.mod_revision, &one.kv.key, one.kind)
        == (other.kv.mod_revision, &other.kv.key, other.kind)
}

/// How often the write of an event's revision did such a thing to its key.
fn times(walk: &Walk<'_, '_>, event: &Event) -> usize {
    if event.kv.mod_revision <= walk.store.floor() {
        return usize::MAX; // nobody recorded what was written there
    }
    let changes = walk.store.changes(event.kv.mod_revision);
    changes.filter(|change| *change.key == event.kv.key && kind_of(change) == event.kind).count()
}

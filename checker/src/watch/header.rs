//! **Header**: a response is not older than the events in it, nor newer than any write can have made
//! the store.

use super::promise::{Heard, Promise};
use super::walk::{Found, Walk, shown};
use crate::history::Record;
use crate::streams::Arrival;
use crate::verdict::Guarantee;
use crate::words;

pub(crate) const HEADER: &str = "watch.header";

pub(super) const PROMISE: Promise = Promise {
    event: Some(not_older),
    ..Promise::of(Guarantee {
        name: HEADER,
        question: "a response is not older than its events, nor newer than any write can have made the store",
        needs_order: true,
        survives_inferred_start: false,
    })
};

/// A response names no lower revision than those of its events.
#[inline]
fn not_older(walk: &Walk<'_, '_>, heard: &Heard<'_, '_>) -> Found {
    let (revision, named) = (heard.event.kv.mod_revision, heard.store);
    if revision <= named {
        return Ok(());
    }
    let what = format!(
        "a response that names revision {named} as the store's tells of {} of revision {revision}",
        shown(heard.event)
    );
    walk.wrong(HEADER, revision, what, heard.record)
}

/// A response names a revision that had been reached.
#[inline]
pub(super) fn reached(walk: &Walk<'_, '_>, arrival: Arrival<'_>) -> Found {
    let revision = arrival.response.header.revision;
    let at = arrival.record.call_ns;
    let top = walk.store.revision();
    let place = revision.min(top).saturating_sub(walk.reach.first);
    let called = usize::try_from(place).ok().and_then(|place| walk.reach.called.get(place));
    if let Some((_, writer)) = called.filter(|(called, _)| *called > at) {
        let writer: &Record = walk.ops.record(*writer);
        let what = format!(
            "a response named revision {revision}, {} before {} was called, which made revision \
             {} and had to be done first",
            words::duration(writer.call_ns - at),
            words::describe(writer),
            words::revision(writer).unwrap_or(revision)
        );
        let evidence = vec![arrival.record.id, walk.watcher.create.id, writer.id];
        return walk.broken(HEADER, revision, what, evidence, arrival.record);
    }
    let spare = walk.reach.spare.partition_point(|called| *called <= at) as i64;
    if revision.saturating_sub(top) > spare {
        let what = format!(
            "a response named revision {revision}, but the writes called by then cannot have \
             made more than {}",
            top + spare
        );
        return walk.wrong(HEADER, revision, what, arrival.record);
    }
    Ok(())
}

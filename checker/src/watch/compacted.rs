//! **Compacted**: a start that was compacted away ends the watcher and names the compaction, and only
//! such a start does.

use super::promise::Promise;
use super::walk::{Found, Position, Walk};
use crate::history::{Outcome, Record};
use crate::streams::Arrival;
use crate::verdict::Guarantee;
use crate::words;

const COMPACTED: &str = "watch.compacted";

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: COMPACTED,
    question: "a start that was compacted away ends the watcher and names the compaction",
    needs_order: true,
    survives_inferred_start: false,
});

/// A watcher that starts below what its member had compacted hears of nothing.
///
/// That the member answered the compaction itself is no proof: it may have restarted since and
/// stand further back in the log, with the history still whole. But the compaction was applied
/// before the write that made the revision after its answer's; a member whose answer to the
/// create request knows that write has compacted, whichever member was asked to.
pub(super) fn not_compacted(walk: &Walk<'_, '_>) -> Found {
    let watcher = walk.watcher;
    if watcher.request.start_revision == 0 {
        return Ok(());
    }
    let known = walk.compactions.iter().find(|compaction| {
        compaction.revision > watcher.start
            && compaction.record.outcome == Outcome::Ok
            && answered_at(compaction.record)
                .is_some_and(|at| at < watcher.created.response.header.revision)
    });
    let Some(compaction) = known else { return Ok(()) };
    let heard = watcher.arrivals.iter().find(|arrival| !arrival.response.canceled);
    let Some(arrival) = heard else { return Ok(()) };
    let what = format!(
        "it was sent a response, though it starts at revision {}, which {} had made unreadable: \
         its member knew that, since it had answered the watch from revision {} and the \
         compaction was applied before that; it had to be cancelled",
        watcher.start,
        words::describe(compaction.record),
        watcher.created.response.header.revision
    );
    let mut found = walk.wrong(COMPACTED, watcher.start, what, arrival.record);
    if let Err(violation) = &mut found {
        violation.evidence.push(compaction.record.id);
    }
    found
}

/// A watcher is ended for a compaction only by one, and only if it still needs what is gone.
pub(super) fn canceled(walk: &Walk<'_, '_>, arrival: Arrival<'_>, position: &Position) -> Found {
    let Arrival { record, response } = arrival;
    let compacted = response.compact_revision;
    let next = position.done.saturating_add(1);
    if next >= compacted {
        let what = format!(
            "it was cancelled for the compaction at {compacted}, but needed only revisions \
             from {next} on"
        );
        return walk.wrong(COMPACTED, compacted, what, record);
    }
    let known = walk.compactions.iter().any(|compaction| {
        compaction.revision == compacted && compaction.record.call_ns <= record.call_ns
    });
    let past = walk.store.floor() > 1 && compacted <= walk.store.floor();
    if known || past {
        return Ok(());
    }
    let what =
        format!("it was cancelled for a compaction at {compacted} that nobody had asked for");
    walk.wrong(COMPACTED, compacted, what, record)
}

/// The revision that the answer to a compaction names; it was applied at this one or before.
fn answered_at(record: &Record) -> Option<i64> {
    Some(record.response.as_ref()?.header()?.revision)
}

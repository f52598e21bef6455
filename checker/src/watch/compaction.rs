//! What compactions take from watchers, and what they must not.

use super::check::{Found, Position, Walk};
use super::{CANCELED, COMPACTED};
use crate::history::{Outcome, Record, Request};
use crate::streams::Arrival;
use crate::words;

/// A compaction that was done or perhaps done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compaction<'a> {
    record: &'a Record,
    revision: i64,
}

/// All compactions of a history.
pub(super) fn compactions(records: &[Record]) -> Vec<Compaction<'_>> {
    let asked = records.iter().filter(|record| record.outcome != Outcome::Fail);
    asked
        .filter_map(|record| match &record.request {
            Request::Compact(compact) => Some(Compaction { record, revision: compact.revision }),
            _ => None,
        })
        .collect()
}

impl Walk<'_, '_> {
    /// Whether a past revision may have been compacted away by the time of a record.
    pub(super) fn forgotten(&self, revision: i64, record: &Record) -> bool {
        self.compactions.iter().any(|compaction| {
            compaction.revision > revision && compaction.record.call_ns <= record.call_ns
        })
    }

    /// A watcher that starts below what its member had compacted hears of nothing.
    ///
    /// That the member answered the compaction itself is no proof: it may have restarted since and
    /// stand further back in the log, with the history still whole. But the compaction was applied
    /// before the write that made the revision after its answer's; a member whose answer to the
    /// create request knows that write has compacted, whichever member was asked to.
    pub(super) fn not_compacted(&self) -> Found {
        let watcher = self.watcher;
        if watcher.request.start_revision == 0 {
            return Ok(());
        }
        let known = self.compactions.iter().find(|compaction| {
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
        let mut found = self.wrong(COMPACTED, watcher.start, what, arrival.record);
        if let Err(violation) = &mut found {
            violation.evidence.push(compaction.record.id);
        }
        found
    }

    /// A watcher is ended for a compaction only by one, and only if it still needs what is gone.
    pub(super) fn canceled(&self, arrival: Arrival<'_>, position: &Position) -> Found {
        let Arrival { record, response } = arrival;
        let compacted = response.compact_revision;
        if compacted == 0 {
            return self.told_to_end(arrival);
        }
        let next = position.done.saturating_add(1);
        if next >= compacted {
            let what = format!(
                "it was cancelled for the compaction at {compacted}, but needed only revisions \
                 from {next} on"
            );
            return self.wrong(COMPACTED, compacted, what, record);
        }
        let known = self.compactions.iter().any(|compaction| {
            compaction.revision == compacted && compaction.record.call_ns <= record.call_ns
        });
        let past = self.store.floor() > 1 && compacted <= self.store.floor();
        if known || past {
            return Ok(());
        }
        let what =
            format!("it was cancelled for a compaction at {compacted} that nobody had asked for");
        self.wrong(COMPACTED, compacted, what, record)
    }

    /// A watcher ends for another cause only when it was told to, or for a reason that is given.
    fn told_to_end(&self, arrival: Arrival<'_>) -> Found {
        let Arrival { record, response } = arrival;
        if self.watcher.cancel.is_some() || !response.cancel_reason.is_empty() {
            return Ok(());
        }
        let what = "it was cancelled, though nobody asked for that and no reason was given";
        self.wrong(CANCELED, response.header.revision, what.to_owned(), record)
    }
}

/// The revision that the answer to a compaction names; it was applied at this one or before.
fn answered_at(record: &Record) -> Option<i64> {
    Some(record.response.as_ref()?.header()?.revision)
}

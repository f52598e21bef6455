//! The compactions that may have taken something from a watcher.

use crate::history::{Outcome, Record, Request};

/// A compaction that was done or perhaps done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compaction<'a> {
    pub(super) record: &'a Record,
    pub(super) revision: i64,
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

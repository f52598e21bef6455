//! The outcomes of a replay: an order of all operations, or the deepest contradiction.

use std::collections::BTreeMap;

use crate::linearizability::followed::PossibleWriters;
use crate::linearizability::followed::ambiguity::{AmbiguousRevision, Settled};
use crate::model::{Mismatch, Span, Store};

/// The order that a replay found.
#[derive(Debug)]
pub(crate) struct Placement {
    /// The store with every revision.
    pub(crate) store: Store,
    /// The indeterminate writes that fill holes: (revision, place in `records`).
    pub(crate) placed: Vec<(i64, u32)>,
    /// The possible writers of each hole, if the recording goes on.
    pub(crate) writers: PossibleWriters,
    pub(crate) steps: u64,
    /// The revision that the replay began with.
    pub(super) base: i64,
}

impl Placement {
    /// The certain writers up to the revision `firm`, given the ambiguous revisions of earlier
    /// parts.
    pub(crate) fn settled(&self, ambiguities: &[AmbiguousRevision], firm: i64) -> Settled {
        let mut put: BTreeMap<i64, i64> = BTreeMap::new();
        for revision in self.base + 1..=firm.min(self.store.revision()) {
            for change in self.store.changes(revision).filter(|change| change.now.lease != 0) {
                put.insert(change.now.lease, revision);
            }
        }
        let alive = |lease, after| put.get(&lease).is_some_and(|revision| *revision > after);
        let attributions = self.writers.attributions.iter();
        let attributions =
            attributions.take_while(|attribution| attribution.ambiguity.revision <= firm).cloned();
        Settled::new(ambiguities, attributions, alive)
    }
}

/// The contradiction at the highest revision that the replay reached.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) revision: i64,
    pub(crate) cause: Cause,
    /// The write that last changed the key of the contradiction, with its revision, if known.
    pub(crate) writer: Option<(i64, u32)>,
    /// Whether holes had been filled before.
    pub(crate) guessed: bool,
    /// If the memory ran out: the bytes that the choice points took.
    pub(crate) held: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// The answer of this operation differs from the model's.
    Answer(u32, Box<Mismatch>),
    /// This write claims the revision, and changes nothing there.
    Nothing(u32),
    /// No write can have made the revision.
    NoWriter,
    /// The budget ran out before any contradiction.
    Open,
    /// A watch event contradicts the write. The id is that of its record.
    Event(Box<Mismatch>, u64),
}

/// How a replay ends. Without an order it returns the store as it was before.
#[derive(Debug)]
pub(crate) enum Ending {
    Placed(Placement),
    Refuted(Failure, u64, Store),
    /// The budget ran out.
    Exhausted(Failure, u64, Store),
}

pub(super) struct Contradiction {
    pub(super) cause: Cause,
    pub(super) spans: Vec<Span>,
    /// The contradiction depends on the spans as they were at this revision.
    pub(super) at: i64,
}

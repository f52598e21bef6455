//! How a replay ends: with a placement of every write, or with the contradiction that it met.

use std::collections::BTreeMap;

use crate::linearizability::followed::PossibleWriters;
use crate::linearizability::followed::ambiguity::{AmbiguousRevision, Settled};
use crate::model::{Mismatch, Span, Store};

/// What a replay leaves.
#[derive(Debug)]
pub(crate) struct Placement {
    /// With every revision in it.
    pub(crate) store: Store,
    /// Unknown writes that took a revision: (revision, place in `records`).
    pub(crate) placed: Vec<(i64, u32)>,
    /// Who can have made what, where the recording goes on.
    pub(crate) writers: PossibleWriters,
    pub(crate) steps: u64,
    /// The revision that the replay began with.
    pub(super) base: i64,
}

impl Placement {
    /// What is certain of makers up to a revision, with the doubts that earlier parts left.
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

/// The deepest contradiction that was met.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) revision: i64,
    pub(crate) cause: Cause,
    /// The write that last changed the key in question, as far as it is known.
    pub(crate) writer: Option<(i64, u32)>,
    /// Whether unknown writes had been placed before.
    pub(crate) guessed: bool,
    /// If memory ran out before the steps did: the bytes that the choices took.
    pub(crate) held: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// An answer is not what the model gives.
    Answer(u32, Box<Mismatch>),
    /// A write that was answered at the revision changes nothing there.
    Nothing(u32),
    /// Nobody can have written the revision.
    NoWriter,
    /// The steps ran out before anything contradicted.
    Open,
    /// A watch event contradicts the write; the id of its record.
    Event(Box<Mismatch>, u64),
}

/// How a replay ends; without an order it gives back the store as it was before.
#[derive(Debug)]
pub(crate) enum Ending {
    Placed(Placement),
    Refuted(Failure, u64, Store),
    /// The budget is used up.
    Exhausted(Failure, u64, Store),
}

pub(super) struct Contradiction {
    pub(super) cause: Cause,
    pub(super) spans: Vec<Span>,
    /// The state of the spans at this revision decides.
    pub(super) at: i64,
}

//! One choice of a replay: a hole, who may have made it, and what is known of those that did not.

use std::collections::BTreeSet;

use crate::model::Span;

/// A hole with its candidates.
#[derive(Debug)]
pub(in crate::linearizability) struct ChoicePoint {
    pub(in crate::linearizability) hole: i64,
    /// Best first.
    pub(in crate::linearizability) pool: Vec<u32>,
    pub(in crate::linearizability) next: usize,
    pub(in crate::linearizability) chosen: Option<u32>,
    /// Whether evidence narrowed the pool; otherwise it is everything called in time.
    pub(in crate::linearizability) narrowed: bool,
    /// Whether a candidate stands for others that differ from it in nothing that anybody saw.
    pub(in crate::linearizability) stands_for_others: bool,
    /// Earlier frames that had a part in the failures of this one.
    pub(super) conflicts: BTreeSet<usize>,
    /// Kinds that were tried.
    pub(super) tried: BTreeSet<u32>,
    /// What those that failed rest on, as it was before the hole. Who is to blame for it is looked
    /// up only when no candidate is left.
    pub(super) rests_on: Vec<Span>,
    /// Candidates that could not stand there, with the state just before it; and whether that is for
    /// what they would change, or only for what they need.
    pub(super) unfit: Vec<(u32, bool)>,
    /// Keys of which no plain write could stand there, likewise, by their numbers.
    pub(super) unfit_keys: Vec<u32>,
    /// What is owed and was done by the chosen one.
    pub(super) fulfilled: Vec<u32>,
}

impl ChoicePoint {
    /// What it takes: of each candidate its place in the pool and perhaps among those tried, of each
    /// earlier frame its place in a set that is at worst half empty.
    pub(super) fn bytes(&self) -> u64 {
        const FIXED: usize = 2 * size_of::<ChoicePoint>();
        const SPAN: usize = 2 * size_of::<Span>();
        let unfit = self.unfit.capacity() * 8 + self.unfit_keys.capacity() * 4;
        let listed = self.pool.capacity() * 20 + self.conflicts.len() * 24 + unfit;
        (FIXED + listed + self.rests_on.len() * SPAN) as u64
    }

    pub(super) fn new(hole: i64, pool: Vec<u32>, narrowed: bool) -> Self {
        ChoicePoint {
            hole,
            pool,
            next: 0,
            chosen: None,
            narrowed,
            stands_for_others: false,
            conflicts: BTreeSet::new(),
            tried: BTreeSet::new(),
            rests_on: Vec::new(),
            unfit: Vec::new(),
            unfit_keys: Vec::new(),
            fulfilled: Vec::new(),
        }
    }
}

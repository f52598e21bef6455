//! A choice point: a hole, its candidates, and why some of them failed.

use std::collections::BTreeSet;

use crate::model::Span;

/// A hole with its candidates. Writes are given by number.
#[derive(Debug)]
pub(in crate::linearizability) struct ChoicePoint {
    pub(in crate::linearizability) hole: i64,
    /// The candidates, the likeliest first.
    pub(in crate::linearizability) pool: Vec<u32>,
    pub(in crate::linearizability) next: usize,
    pub(in crate::linearizability) chosen: Option<u32>,
    /// Whether evidence names the candidates. Otherwise all writes that were called in time are
    /// candidates.
    pub(in crate::linearizability) narrowed: bool,
    /// Whether a candidate stands for other writes that no answer tells apart from it.
    pub(in crate::linearizability) stands_for_others: bool,
    /// The conflict set of the failures so far: earlier choice points.
    pub(super) conflicts: BTreeSet<usize>,
    /// The kinds of candidates that were tried.
    pub(super) tried: BTreeSet<u32>,
    /// The keys whose state before the hole made candidates fail. Their conflict set is computed
    /// only when no candidate is left.
    pub(super) rests_on: Vec<Span>,
    /// Candidates that did not fit the state before the hole. True if the keys that the write
    /// changes matter for that; otherwise only the keys that its effect depends on do.
    pub(super) unfit: Vec<(u32, bool)>,
    /// Keys, by number, whose plain puts or deletions did not fit the state before the hole.
    pub(super) unfit_keys: Vec<u32>,
    /// The jobs of `Demand` that the chosen write served.
    pub(super) fulfilled: Vec<u32>,
}

impl ChoicePoint {
    /// The memory that the choice point takes. A candidate is in the pool and perhaps among those
    /// tried; an earlier choice point is in a set that is at worst half empty.
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

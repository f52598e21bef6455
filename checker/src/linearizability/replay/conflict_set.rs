//! Computes the conflict set of a contradiction: earlier choices that together imply it. The search
//! may jump back to the latest of them.
//!
//! A contradiction over a key depends on the choices that could have changed the key: at holes
//!
//! 1. for which a write that could change the key was called in time,
//! 2. at which no answer shows the key unchanged (unless the chosen write changes it), and
//! 3. after the last revision at which an answer shows the key completely and the replay agrees.
//!    Any other choice before that revision contradicts the answer, or leaves the key as it is now.
//!
//! The effect of an indeterminate transaction depends on its conditions. If one was chosen, the
//! contradiction also depends on the choices that could have changed the keys of its conditions.

use std::collections::BTreeSet;

use super::Replay;
use crate::history::KeyValue;
use crate::linearizability::indeterminate::Plain;
use crate::model::Span;

impl Replay<'_, '_> {
    /// The choice points, among the first `points`, that a contradiction depends on. The
    /// contradiction is over the spans as they were at revision `at`.
    pub(super) fn conflict_set(&self, spans: &[Span], at: i64, points: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open: Vec<(Span, i64, usize)> =
            spans.iter().map(|span| (span.clone(), at, points)).collect();
        while let Some((span, at, points)) = open.pop() {
            let from = self.last_agreement(&span, at);
            let Some(first) = self.indeterminate.first_touching(&span) else { continue };
            for number in (0..points).rev() {
                let point = &self.choice_points[number];
                if point.hole <= from {
                    break;
                }
                let could = if point.narrowed {
                    point.pool.iter().any(|number| self.indeterminate.touches(*number, &span))
                } else {
                    first <= self.called_by[self.place(point.hole)]
                };
                let does =
                    point.chosen.is_some_and(|number| self.indeterminate.touches(number, &span));
                let unchanged = span.is_one()
                    && self.answer_evidence_pays()
                    && self.answer_evidence.unchanged_at(&span.key, point.hole);
                if !could || unchanged && !does {
                    continue;
                }
                if found.insert(number)
                    && let Some(chosen) = point.chosen
                    && matches!(self.indeterminate.writes[chosen as usize].plain(), Plain::No)
                {
                    let depends = self.indeterminate.writes[chosen as usize].depends.iter();
                    open.extend(depends.map(|span| (span.clone(), point.hole - 1, number)));
                }
            }
        }
        found
    }

    /// Whether timelines of keys are worth gathering. If watchers saw everything, contradictions
    /// are few.
    pub(super) fn answer_evidence_pays(&self) -> bool {
        const FEW: u64 = 1_000;
        self.watch_evidence.is_none() || self.contradictions > FEW
    }

    /// The last revision up to `at` at which an answer shows a key completely and the replay
    /// agrees.
    fn last_agreement(&self, span: &Span, at: i64) -> i64 {
        const TRIES: usize = 4;
        // Without recorded leases, no answer shows completely a key that may end with a lease.
        let hidden = self.indeterminate.ends && !self.ops.recorded.lease;
        if !span.is_one() || hidden || !self.answer_evidence_pays() {
            return i64::MIN;
        }
        let agrees = |(revision, shown): &(i64, Option<&KeyValue>)| match (
            shown,
            self.store.at(*revision).get(&span.key),
        ) {
            (Some(shown), Some(own)) => {
                let mut own = own.of(&span.key);
                self.ops.recorded.fade_kv(&mut own);
                **shown == own
            }
            (None, None) => true,
            _ => false,
        };
        let mut shown = self.answer_evidence.shown(&span.key, at).take(TRIES);
        shown.find(agrees).map_or(i64::MIN, |(revision, _)| revision)
    }
}

//! Which earlier choices a contradiction rests on: whoever makes the same choices there meets it
//! (or another) again, whatever else is chosen.
//!
//! A contradiction over a key rests on the choices that could have changed the key: at holes
//! 1. for which somebody was called in time who could touch it,
//! 2. at which no answer shows that it did not change (unless the choice made there may do so), and
//! 3. after the last revision at which an answer shows all of it, if the replay agrees with that
//!    answer. Other choices before it either contradict that answer, or leave the key as it is now.
//!
//! What a transaction of unknown outcome does to the key depends on its conditions. So where one
//! was chosen, the contradiction also rests on the choices that could have changed those.

use std::collections::BTreeSet;

use super::Replay;
use crate::history::KeyValue;
use crate::linearizability::indeterminate::Plain;
use crate::model::Span;

impl Replay<'_, '_> {
    /// Which of the first frames a contradiction over the spans, as they were at revision `at`,
    /// rests on.
    pub(super) fn conflict_set(&self, spans: &[Span], at: i64, points: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open: Vec<(Span, i64, usize)> =
            spans.iter().map(|span| (span.clone(), at, points)).collect();
        while let Some((span, at, points)) = open.pop() {
            let from = self.settled(&span, at);
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

    /// Where watchers saw everything, contradictions are few, and what answers show of each key is
    /// not worth gathering.
    pub(super) fn answer_evidence_pays(&self) -> bool {
        const FEW: u64 = 1_000;
        self.watch_evidence.is_none() || self.contradictions > FEW
    }

    /// The last revision up to `at` where an answer shows all of a key, and the replay agrees.
    fn settled(&self, span: &Span, at: i64) -> i64 {
        const TRIES: usize = 4;
        // Where leases are not shown, an answer does not show all of a key that may go with one.
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

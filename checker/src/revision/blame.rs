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

use super::replay::Replay;
use super::unknown::Plain;
use crate::history::KeyValue;
use crate::model::Span;

impl Replay<'_, '_> {
    /// Which of the first frames a contradiction over the spans, as they were at revision `at`,
    /// rests on.
    pub(super) fn responsible(&self, spans: &[Span], at: i64, frames: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open: Vec<(Span, i64, usize)> =
            spans.iter().map(|span| (span.clone(), at, frames)).collect();
        while let Some((span, at, frames)) = open.pop() {
            let from = self.settled(&span, at);
            let Some(first) = self.unknowns.first_touching(&span) else { continue };
            for number in (0..frames).rev() {
                let frame = &self.frames[number];
                if frame.hole <= from {
                    break;
                }
                let could = if frame.narrowed {
                    frame.pool.iter().any(|number| self.unknowns.touches(*number, &span))
                } else {
                    first <= self.called_by[self.place(frame.hole)]
                };
                let does = frame.chosen.is_some_and(|number| self.unknowns.touches(number, &span));
                let frozen =
                    span.is_one() && self.facts_pay() && self.facts.frozen(&span.key, frame.hole);
                if !could || frozen && !does {
                    continue;
                }
                if found.insert(number)
                    && let Some(chosen) = frame.chosen
                    && matches!(self.unknowns.writes[chosen as usize].plain(), Plain::No)
                {
                    let depends = self.unknowns.writes[chosen as usize].depends.iter();
                    open.extend(depends.map(|span| (span.clone(), frame.hole - 1, number)));
                }
            }
        }
        found
    }

    /// Where watchers saw everything, contradictions are few, and what answers show of each key is
    /// not worth gathering.
    pub(super) fn facts_pay(&self) -> bool {
        const FEW: u64 = 1_000;
        self.hints.is_none() || self.contradictions > FEW
    }

    /// The last revision up to `at` where an answer shows all of a key, and the replay agrees.
    fn settled(&self, span: &Span, at: i64) -> i64 {
        const TRIES: usize = 4;
        // Where leases are not shown, an answer does not show all of a key that may go with one.
        let hidden = self.unknowns.ends && !self.ops.recorded.lease;
        if !span.is_one() || hidden || !self.facts_pay() {
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
        let mut shown = self.facts.shown(&span.key, at).take(TRIES);
        shown.find(agrees).map_or(i64::MIN, |(revision, _)| revision)
    }
}

//! Finds the possible writers of each hole after an order was found, for a followed recording.
//!
//! Every write that the evidence allows is tried at each hole. A write of the same effect as the
//! chosen one is a possible writer too (`ambiguity`). If a write of another effect agrees with the
//! evidence, or if no evidence names the writer, then the hole was **guessed**, and nothing from
//! there on is certain.
//!
//! If no answer or event describes a hole, its candidates leave out writes that earlier holes use.
//! Equal requests count as possible writers all the same. If an earlier hole is itself ambiguous,
//! every write that its timelines allow is an alternative, and this hole counts as guessed.

use std::collections::BTreeSet;

use super::PossibleWriters;
use super::ambiguity::{AmbiguousRevision, Attribution, Writer};
use crate::history::{Blob, Request};
use crate::linearizability::key_fit::Fit;
use crate::linearizability::replay::ChoicePoint;
use crate::linearizability::replay::Replay;
use crate::model::Version;

/// Every change of a write, in order.
type Effect = Vec<(Blob, Version)>;

/// How a candidate compares with the chosen write.
enum Alternative {
    /// The same effect.
    SameEffect,
    /// The candidate contradicts the evidence.
    Impossible,
    /// Another effect, which agrees with the evidence.
    OtherEffect,
}

impl Replay<'_, '_> {
    /// Finds the possible writers of all holes. Leaves the store at the same revision with the same
    /// content.
    pub(in crate::linearizability) fn possible_writers(&mut self) -> PossibleWriters {
        let mut writers = PossibleWriters::default();
        let points = std::mem::take(&mut self.choice_points);
        let top = self.store.revision();
        let open = points.iter().position(|point| point.pool.len() > 1 || !point.narrowed);
        let open = open.unwrap_or(points.len());
        for point in &points[..open] {
            writers.attributions.push(self.attribution(point, &[chosen(point)]));
        }
        if let Some(point) = points.get(open) {
            self.store.undo_to(point.hole - 1);
        }
        for (place, point) in points.iter().enumerate().skip(open) {
            self.redo_to(point.hole - 1);
            let (attribution, guessed) = self.writer(place, point, &writers);
            writers.guessed = writers.guessed.or(guessed.then_some(point.hole));
            writers.attributions.push(attribution);
        }
        self.redo_to(top);
        self.choice_points = points;
        writers
    }

    /// Applies the answered writes up to a revision.
    fn redo_to(&mut self, revision: i64) {
        while self.store.revision() < revision {
            let place = self.ops.mutator(self.store.revision() + 1).expect("a known revision");
            let _ = self.store.execute(&self.ops.record(place).request);
        }
    }

    /// Fills a hole again. Returns its possible writers, and whether the hole was guessed.
    fn writer(
        &mut self,
        place: usize,
        point: &ChoicePoint,
        before: &PossibleWriters,
    ) -> (Attribution, bool) {
        let own = chosen(point);
        let (mut able, mut other) = self.able(place, point, before);
        other |= !self.can_stay_ambiguous(&able);
        // Later writes that need this lease are tried as if it were alive, because it may not have
        // ended here.
        let stays = able.iter().copied().find(|number| self.ends(*number).is_none());
        let executed = stays.filter(|_| !other).unwrap_or(own);
        let _ = self.store.execute(&self.indeterminate.writes[executed as usize].record.request);
        let ends_one_of_many = self.ends(own).is_some_and(|lease| !self.store.is_once(lease));
        if other || ends_one_of_many {
            able = vec![own];
        }
        (self.attribution(point, &able), other)
    }

    /// The writes that could have had the same effect at a hole, and whether a write of another
    /// effect was possible.
    fn able(
        &mut self,
        place: usize,
        point: &ChoicePoint,
        before: &PossibleWriters,
    ) -> (Vec<u32>, bool) {
        let own = chosen(point);
        let class = |replay: &Self, number: u32| replay.indeterminate.writes[number as usize].class;
        let alike = |number: &u32| class(self, *number) == class(self, own);
        let (mut able, others): (Vec<u32>, Vec<u32>) =
            point.pool.iter().partition(|one| alike(one));
        let untried = &point.pool[point.next..];
        let mut other = point.stands_for_others;
        let was_ambiguous = !self.ops.ambiguities.is_empty()
            || before.attributions.iter().any(|attribution| !attribution.alike);
        if point.narrowed && !others.is_empty() {
            let effect = self.effect(own, point.hole).expect("it was done before");
            self.store.undo_to(point.hole - 1);
            for number in others {
                match self.alternative(number, point.hole, &effect) {
                    Alternative::SameEffect => able.push(number),
                    Alternative::Impossible => {}
                    // The search refuted this candidate only with the writes that were left then.
                    Alternative::OtherEffect => other |= was_ambiguous || untried.contains(&number),
                }
            }
        } else if !point.narrowed {
            let free = |number: &u32| self.used[*number as usize].is_none_or(|user| user >= place);
            other |= untried.iter().any(|number| free(number) && !alike(number));
            // The pool leaves out writes that earlier choice points use.
            let in_time = 0..self.in_time(point.hole);
            able = in_time
                .clone()
                .filter(|one| alike(one) && self.could_make(*one, point.hole))
                .collect();
            if was_ambiguous && !other {
                let others: Vec<u32> = in_time.filter(|number| !alike(number)).collect();
                other = others.into_iter().any(|number| self.could_be(number, own, point.hole));
            }
        }
        able.sort_unstable();
        (able, other)
    }

    /// Whether another write could have filled a hole without evidence, if ambiguous revisions had
    /// other writers.
    fn could_be(&mut self, number: u32, own: u32, hole: i64) -> bool {
        let deletes = |number: u32| match &self.indeterminate.writes[number as usize].record.request
        {
            Request::DeleteRange(delete) if delete.range_end.is_empty() => Some(&delete.key),
            _ => None,
        };
        let same = deletes(number).is_some() && deletes(number) == deletes(own);
        !same
            && self.could_make(number, hole)
            && !matches!(self.fit(number), Fit::Never | Fit::Wrong)
    }

    fn alternative(&mut self, number: u32, hole: i64, effect: &Effect) -> Alternative {
        let own = self.effect(number, hole);
        let alternative = match own {
            Some(own) if own == *effect => Alternative::SameEffect,
            Some(_) if self.stands(hole) => Alternative::OtherEffect,
            _ => Alternative::Impossible,
        };
        self.store.undo_to(hole - 1);
        alternative
    }

    /// Applies a write and returns its changes. None if it makes no revision.
    fn effect(&mut self, number: u32, hole: i64) -> Option<Effect> {
        self.steps += 1;
        let done = self.store.execute(&self.indeterminate.writes[number as usize].record.request);
        if done.is_err() || self.store.revision() != hole {
            return None;
        }
        let changes = self.store.changes(hole);
        Some(changes.map(|change| (change.key.clone(), change.now.clone())).collect())
    }

    /// The lease that a write ends.
    fn ends(&self, number: u32) -> Option<i64> {
        match &self.indeterminate.writes[number as usize].record.request {
            Request::LeaseRevoke(lease) => Some(lease.id),
            _ => None,
        }
    }

    /// Whether a hole can stay ambiguous, so that later parts can tell which writes remain. No
    /// possible writer may put a key with a lease, and at most one lease may have ended. That lease
    /// must be the only one of its id, and no transaction may put a key with it.
    fn can_stay_ambiguous(&self, able: &[u32]) -> bool {
        if self.ask_the_same(able) {
            return true;
        }
        let writes = || able.iter().map(|number| &self.indeterminate.writes[*number as usize]);
        let ended: BTreeSet<i64> = able.iter().filter_map(|number| self.ends(*number)).collect();
        let known =
            |lease: &i64| self.store.is_once(*lease) && !self.indeterminate.puts_in_txn(*lease);
        let puts = writes().any(|write| write.record.request.lease_puts().next().is_some());
        !puts && ended.len() <= 1 && ended.iter().all(known)
    }

    fn ask_the_same(&self, able: &[u32]) -> bool {
        let class = |number: &u32| self.indeterminate.writes[*number as usize].class;
        able.iter().all(|number| class(number) == class(&able[0]))
    }

    fn attribution(&self, point: &ChoicePoint, able: &[u32]) -> Attribution {
        let writes = || able.iter().map(|number| &self.indeterminate.writes[*number as usize]);
        let mut among: Vec<Writer> = Vec::new();
        for writer in writes().map(|write| Writer::of(write.record)) {
            if !among.contains(&writer) {
                among.push(writer);
            }
        }
        let alike = among.len() == 1 || self.ask_the_same(able);
        let recorded =
            |number: &u32| (self.ops.unknown[*number as usize] as usize) < self.ops.records.len();
        let asked = able.iter().any(|number| self.ends(*number).is_some() && recorded(number));
        let only = writes().next().filter(|_| able.len() == 1 && recorded(&able[0]));
        let only = only.map(|write| write.record.id);
        let by = self.called_by[self.place(point.hole)];
        Attribution {
            ambiguity: AmbiguousRevision { revision: point.hole, by, among, asked, only },
            alike,
        }
    }
}

fn chosen(point: &ChoicePoint) -> u32 {
    point.chosen.expect("every hole is filled")
}

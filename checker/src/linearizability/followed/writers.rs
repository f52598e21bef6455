//! Who can have made each hole: what is done once more when an order was found, where a recording is
//! followed and what it leaves must be certain.
//!
//! At each hole everything that evidence allows is tried. What did the same as the one that was
//! chosen may have made the hole as well (`ambiguity`); what cannot stand there made it not. If something
//! else could have been done there, or nothing says who may have, the hole was guessed, and nothing
//! from there on is certain. At a hole of which nobody tells the candidates leave out what earlier
//! holes use; so whatever asks for the same counts there too, and where those holes are in doubt,
//! whatever the facts do not exclude makes it a guess.

use std::collections::BTreeSet;

use super::PossibleWriters;
use super::ambiguity::{AmbiguousRevision, Attribution, Writer};
use crate::history::{Blob, Request};
use crate::linearizability::key_timeline::Fit;
use crate::linearizability::replay::ChoicePoint;
use crate::linearizability::replay::Replay;
use crate::model::Version;

/// Everything that a write changed, in its order.
type Effect = Vec<(Blob, Version)>;

/// What a candidate would do at a hole.
enum Alternative {
    /// What the chosen one did.
    SameEffect,
    /// It cannot stand there.
    Impossible,
    /// Something else, which nothing denies.
    OtherEffect,
}

impl Replay<'_, '_> {
    /// Who can have made the holes; leaves the store at the same revision, with the same content.
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

    /// Does what answers say was done, up to a revision.
    fn redo_to(&mut self, revision: i64) {
        while self.store.revision() < revision {
            let place = self.ops.mutator(self.store.revision() + 1).expect("a known revision");
            let _ = self.store.execute(&self.ops.record(place).request);
        }
    }

    /// Fills a hole again. Who can have made it, and whether something else may have been done.
    fn writer(
        &mut self,
        place: usize,
        point: &ChoicePoint,
        before: &PossibleWriters,
    ) -> (Attribution, bool) {
        let own = chosen(point);
        let (mut able, mut other) = self.able(place, point, before);
        other |= !self.can_stay_ambiguous(&able);
        // Whatever needs a lease that perhaps ended here is tried later as if it had not.
        let stays = able.iter().copied().find(|number| self.ends(*number).is_none());
        let executed = stays.filter(|_| !other).unwrap_or(own);
        let _ = self.store.execute(&self.indeterminate.writes[executed as usize].record.request);
        let ends_one_of_many = self.ends(own).is_some_and(|lease| !self.store.is_once(lease));
        if other || ends_one_of_many {
            able = vec![own];
        }
        (self.attribution(point, &able), other)
    }

    /// Who can have done the same at a hole, and whether something else could have been done.
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
        let in_doubt = !self.ops.ambiguities.is_empty()
            || before.attributions.iter().any(|attribution| !attribution.alike);
        if point.narrowed && !others.is_empty() {
            let effect = self.effect(own, point.hole).expect("it was done before");
            self.store.undo_to(point.hole - 1);
            for number in others {
                match self.alternative(number, point.hole, &effect) {
                    Alternative::SameEffect => able.push(number),
                    Alternative::Impossible => {}
                    // It was refuted later on, with what was left for it then.
                    Alternative::OtherEffect => other |= in_doubt || untried.contains(&number),
                }
            }
        } else if !point.narrowed {
            let free = |number: &u32| self.used[*number as usize].is_none_or(|user| user >= place);
            other |= untried.iter().any(|number| free(number) && !alike(number));
            // What earlier frames use is not in the pool.
            let in_time = 0..self.in_time(point.hole);
            able = in_time
                .clone()
                .filter(|one| alike(one) && self.could_make(*one, point.hole))
                .collect();
            if in_doubt && !other {
                let others: Vec<u32> = in_time.filter(|number| !alike(number)).collect();
                other = others.into_iter().any(|number| self.could_be(number, own, point.hole));
            }
        }
        able.sort_unstable();
        (able, other)
    }

    /// Whether a hole of which nobody tells could be another write's, if what is in doubt were
    /// otherwise.
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

    /// Does a write, and says what it changed; None if it makes no revision.
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

    /// Whether those that did the same at a hole can be told apart later by who is left: a lease
    /// that may have ended must be one that can be granted only once, and who needs it be known.
    fn can_stay_ambiguous(&self, able: &[u32]) -> bool {
        if self.ask_the_same(able) {
            return true;
        }
        let writes = || able.iter().map(|number| &self.indeterminate.writes[*number as usize]);
        let ended: BTreeSet<i64> = able.iter().filter_map(|number| self.ends(*number)).collect();
        let known =
            |lease: &i64| self.store.is_once(*lease) && !self.indeterminate.puts_in_txn(*lease);
        let puts = writes().any(|write| !write.record.request.lease_puts().is_empty());
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

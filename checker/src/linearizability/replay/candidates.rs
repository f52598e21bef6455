//! Gathers the indeterminate writes that may fill a hole, the likeliest first.
//!
//! Evidence names the candidates of a hole. Without evidence every write that was called in time is
//! a candidate, unless
//!
//! * the timelines of its keys exclude it (`fits`), or
//! * a later hole needs it (`later_needs`): answers show how often a key was put between two
//!   revisions, and which value was written at another hole.

use std::collections::BTreeSet;

use super::Replay;
use super::choice_point::ChoicePoint;
use crate::history::EventType;
use crate::linearizability::key_fit::Fit;

/// The candidates of a hole without evidence, while they are gathered.
#[derive(Default)]
struct Gathered {
    hole: i64,
    /// How many indeterminate writes were called in time. They have the lowest numbers.
    in_time: u32,
    /// Whether unobserved puts of one key are interchangeable.
    alike: bool,
    /// Candidates by fit, then with unobserved puts (false) first, then by call.
    ranked: Vec<(Fit, bool, u32)>,
    stands_for_others: bool,
    conflicts: BTreeSet<usize>,
    unfit: Vec<(u32, bool)>,
    unfit_keys: Vec<u32>,
}

impl Replay<'_, '_> {
    /// Opens a choice point for a hole.
    pub(super) fn open_choice_point(&mut self, hole: i64) {
        let in_time = self.in_time(hole);
        let point = if let Some(mut pool) = self.evidence(hole) {
            pool.retain(|number| *number < in_time && self.could_make(*number, hole));
            ChoicePoint::new(hole, pool, true)
        } else {
            let mut gathered = self.gather(hole, in_time);
            gathered.ranked.sort_unstable();
            let pool = gathered.ranked.iter().map(|(_, _, number)| *number).collect();
            let mut point = ChoicePoint::new(hole, pool, false);
            point.stands_for_others = gathered.stands_for_others;
            point.conflicts = gathered.conflicts;
            point.unfit = gathered.unfit;
            point.unfit_keys = gathered.unfit_keys;
            point
        };
        self.push_point(point);
    }

    /// The candidates that evidence names for a hole. None without evidence.
    fn evidence(&self, hole: i64) -> Option<Vec<u32>> {
        if let Some(seen) =
            self.answer_evidence.at_hole(hole).iter().min_by_key(|seen| seen.keys_only)
        {
            let value = (!seen.keys_only).then_some(&seen.kv.value);
            return Some(self.indeterminate.putters(&seen.kv.key, value));
        }
        if let Some(key) = self.answer_evidence.born_at(hole) {
            return Some(self.indeterminate.putters(key, None));
        }
        let (_, received) = self.watch_evidence?.at(hole).first()?;
        let kv = &received.event.kv;
        Some(match received.event.kind {
            EventType::Put => self.indeterminate.putters(&kv.key, Some(&kv.value)),
            EventType::Delete => self.indeterminate.deleters(&kv.key),
        })
    }

    /// Gathers the candidates of a hole without evidence.
    fn gather(&mut self, hole: i64, in_time: u32) -> Gathered {
        let indeterminate = self.indeterminate;
        let alike = self.watch_evidence.is_none() && !self.answer_evidence.values_matter();
        let mut gathered = Gathered { hole, in_time, alike, ..Gathered::default() };
        for key in 0..indeterminate.keys() {
            let first = |list: &[u32]| list.first().is_some_and(|number| *number < in_time);
            if first(indeterminate.plain_puts(key)) {
                self.plain_puts(key, &mut gathered);
            }
            if first(indeterminate.plain_deletes(key)) {
                self.plain_deletes(key, &mut gathered);
            }
        }
        for &number in indeterminate.others().iter().take_while(|number| **number < in_time) {
            if !self.could_make(number, hole) {
                continue;
            }
            if self.is_taken(number, &mut gathered.conflicts) {
                continue;
            }
            match self.fit(number) {
                fit @ (Fit::Never | Fit::Wrong) => {
                    gathered.unfit.push((number, fit == Fit::Wrong));
                }
                fit => gathered.ranked.push((fit, true, number)),
            }
        }
        gathered
    }

    /// Gathers the plain puts of a key that may fill the hole.
    fn plain_puts(&mut self, key: u32, gathered: &mut Gathered) {
        let Gathered { hole, in_time, alike, .. } = *gathered;
        self.steps += 1;
        let name = self.indeterminate.key(key);
        let fit = self.fit_put(name, hole, self.store.now().get(name));
        if ruled_out(fit, key, gathered) {
            return;
        }
        // Later holes need every put of the key that is left.
        if let Fit::Free | Fit::Conditional(_) = fit {
            let known = self.answer_evidence.of(name);
            let later = known.map_or(&[][..], |known| known.put_needs(hole));
            if let Some(points) = self.too_few_left(later, self.indeterminate.suppliers(key)) {
                return gathered.conflicts.extend(points);
            }
        }
        // No write is left that could delete the key again in time.
        if let (Fit::Conditional(by), Some(known)) = (fit, self.answer_evidence.of(name))
            && let Some(points) = self.all_used(&known.deleters, by)
        {
            return gathered.conflicts.extend(points);
        }
        let called =
            self.indeterminate.plain_puts(key).iter().take_while(|number| **number < in_time);
        let mut users = BTreeSet::new();
        let mut stands = None;
        for &number in called {
            if self.is_taken(number, &mut users) {
                continue;
            }
            if let Some(points) = self.needed_later(number, hole) {
                gathered.conflicts.extend(points);
                continue;
            }
            let unobserved = alike
                && self.is_unobserved(number)
                && self.indeterminate.reservations.of(number).is_none();
            if unobserved {
                let lease = self.indeterminate.writes[number as usize].lease();
                if stands.is_some_and(|(other, _)| other == lease) {
                    gathered.stands_for_others = true;
                    continue;
                }
                stands = Some((lease, number));
            }
            gathered.ranked.push((fit, !unobserved, number));
        }
        if stands.is_none() {
            gathered.conflicts.extend(users);
        }
    }

    /// Gathers the plain deletions of a key that may fill the hole.
    fn plain_deletes(&mut self, key: u32, gathered: &mut Gathered) {
        let Gathered { hole, in_time, .. } = *gathered;
        self.steps += 1;
        let name = self.indeterminate.key(key);
        let now = self.store.now().get(name);
        let fit = now.map_or(Fit::Wrong, |now| self.fit_delete(name, hole, now));
        let unchanged = now.is_none() && self.answer_evidence.unchanged_at(name, hole);
        if ruled_out(if unchanged { Fit::Never } else { fit }, key, gathered) {
            return;
        }
        // Later holes need every deletion of the key that is left.
        if let (Fit::Free | Fit::Conditional(_), Some(known)) = (fit, self.answer_evidence.of(name))
            && let Some(points) = self.too_few_left(known.deletion_needs(hole), &known.deleters)
        {
            return gathered.conflicts.extend(points);
        }
        // No write is left that could put the key again in time.
        if let Fit::Conditional(by) = fit
            && let Some(points) = self.all_used(self.indeterminate.suppliers(key), by)
        {
            return gathered.conflicts.extend(points);
        }
        let called = self.indeterminate.plain_deletes(key).iter();
        let called = called.take_while(|number| **number < in_time).copied();
        let mut users = BTreeSet::new();
        let mut stands = false;
        for number in called {
            let reserved = self.indeterminate.reservations.of(number).is_some();
            // All deletions of one key have the same effect.
            if (reserved || !stands) && !self.is_taken(number, &mut users) {
                gathered.ranked.push((fit, true, number));
                stands |= !reserved;
            }
        }
        if !stands {
            gathered.conflicts.extend(users);
        }
    }
}

/// Whether no plain put (or plain deletion) of a key fits the hole.
fn ruled_out(fit: Fit, key: u32, gathered: &mut Gathered) -> bool {
    if fit == Fit::Wrong && gathered.unfit_keys.last() != Some(&key) {
        gathered.unfit_keys.push(key);
    }
    matches!(fit, Fit::Never | Fit::Wrong)
}

//! Who may have made a revision that no answer claims, the likeliest first.
//!
//! Without evidence everything called in time is a candidate, unless what is known of its keys
//! forbids it (`Fit`), or takes it for later: where answers show that a key was put so many times
//! in a stretch of revisions, as many of its writers must be left by then, and one whose value was
//! seen at another hole must be left for that.
//!
//! **Dark** puts are plain puts of one key whose values no answer shows at any hole. They differ in
//! nothing but the time of their calls, and what is available for a hole is so for all later ones;
//! so in any order two of them that could both have made a hole can change places, and one stands
//! for all. Not so where values or leases are compared, or where watchers and members' own answers,
//! which may show them, are weighed.

use std::collections::BTreeSet;

use super::choice_point::ChoicePoint;
use super::indeterminate::Plain;
use super::key_timeline::{Fit, Need};
use super::replay::Replay;
use crate::history::{Blob, EventType};
use crate::model::{Change, Version};

/// What is gathered for a hole without evidence.
#[derive(Default)]
struct Gathered {
    ranked: Vec<(Fit, bool, u32)>,
    stands_for_others: bool,
    conflicts: BTreeSet<usize>,
    unfit: Vec<(u32, bool)>,
    unfit_keys: Vec<u32>,
}

impl Replay<'_, '_> {
    /// Opens a frame for a hole.
    pub(super) fn open(&mut self, hole: i64) {
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

    /// Whether what a write was answered lets it make a revision.
    pub(super) fn could_make(&self, number: u32, hole: i64) -> bool {
        let (first, last) = self.indeterminate.writes[number as usize].within;
        (first..=last).contains(&hole)
    }

    /// Candidates that evidence names for a hole; None without evidence.
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
        let (_, told) = self.watch_evidence?.at(hole).first()?;
        let kv = &told.event.kv;
        Some(match told.event.kind {
            EventType::Put => self.indeterminate.putters(&kv.key, Some(&kv.value)),
            EventType::Delete => self.indeterminate.deleters(&kv.key),
        })
    }

    fn gather(&mut self, hole: i64, in_time: u32) -> Gathered {
        let mut gathered = Gathered::default();
        let indeterminate = self.indeterminate;
        let alike = self.watch_evidence.is_none() && !self.answer_evidence.values_matter();
        for key in 0..indeterminate.keys() {
            let first = |list: &[u32]| list.first().is_some_and(|number| *number < in_time);
            if first(indeterminate.plain_puts(key)) {
                self.plain_puts(key, (hole, in_time, alike), &mut gathered);
            }
            if first(indeterminate.plain_deletes(key)) {
                self.plain_deletes(key, (hole, in_time), &mut gathered);
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

    fn plain_puts(
        &mut self,
        key: u32,
        (hole, in_time, alike): (i64, u32, bool),
        gathered: &mut Gathered,
    ) {
        self.steps += 1;
        let name = self.indeterminate.key(key);
        let fit = self.fit_put(name, hole, self.store.now().get(name));
        if ruled_out(fit, key, gathered) {
            return;
        }
        if let Fit::Free | Fit::Conditional(_) = fit {
            let known = self.answer_evidence.of(name);
            let later = known.map_or(&[][..], |known| known.owed(hole));
            if let Some(points) = self.owed_later(later, self.indeterminate.suppliers(key)) {
                return gathered.conflicts.extend(points);
            }
        }
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
            let wanted = self.wanted_later(number, hole);
            if let Some(points) = wanted {
                gathered.conflicts.extend(points);
                continue;
            }
            let dark = alike
                && self.is_dark(number)
                && self.indeterminate.reservations.of(number).is_none();
            if dark {
                let lease = self.indeterminate.writes[number as usize].lease();
                if stands.is_some_and(|(other, _)| other == lease) {
                    gathered.stands_for_others = true;
                    continue;
                }
                stands = Some((lease, number));
            }
            gathered.ranked.push((fit, !dark, number));
        }
        if stands.is_none() {
            gathered.conflicts.extend(users);
        }
    }

    fn plain_deletes(&mut self, key: u32, (hole, in_time): (i64, u32), gathered: &mut Gathered) {
        self.steps += 1;
        let name = self.indeterminate.key(key);
        let now = self.store.now().get(name);
        let fit = now.map_or(Fit::Wrong, |now| self.fit_delete(name, hole, now));
        let frozen = now.is_none() && self.answer_evidence.frozen(name, hole);
        if ruled_out(if frozen { Fit::Never } else { fit }, key, gathered) {
            return;
        }
        if let (Fit::Free | Fit::Conditional(_), Some(known)) = (fit, self.answer_evidence.of(name))
            && let Some(points) = self.owed_later(known.owed_deletions(hole), &known.deleters)
        {
            return gathered.conflicts.extend(points);
        }
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
            let in_doubt = self.indeterminate.reservations.of(number).is_some();
            // All deletions of one key do the same.
            if (in_doubt || !stands) && !self.is_taken(number, &mut users) {
                gathered.ranked.push((fit, true, number));
                stands |= !in_doubt;
            }
        }
        if !stands {
            gathered.conflicts.extend(users);
        }
    }

    /// Whether, without one of them, too few of the writers of a key would be left for what is
    /// owed later, and who has taken the others. A writer that could put it twice counts twice.
    fn owed_later(&self, later: &[Need], suppliers: &[u32]) -> Option<BTreeSet<usize>> {
        let mut suppliers = suppliers.iter().peekable();
        let mut users = BTreeSet::new();
        let (mut left, mut owed) = (-1, 0);
        for need in later {
            let in_time = self.in_time(need.by);
            while let Some(number) = suppliers.next_if(|number| **number < in_time) {
                match self.used[*number as usize] {
                    Some(point) => drop(users.insert(point)),
                    None => left += 1,
                }
            }
            owed += need.count;
            if left < owed {
                return Some(users);
            }
        }
        None
    }

    /// Whether all writers that were called in time for a revision are used, and by whom.
    fn all_used(&self, writers: &[u32], by: i64) -> Option<BTreeSet<usize>> {
        let in_time = self.in_time(by);
        let called = writers.iter().take_while(|number| **number < in_time);
        called.map(|number| self.used[*number as usize]).collect()
    }

    /// How many unknown writes were called in time for a revision; they are the first ones.
    pub(super) fn in_time(&self, revision: i64) -> u32 {
        let place = self.place(revision.clamp(self.ops.base + 1, self.top));
        self.indeterminate.called_by(self.called_by[place]) as u32
    }

    fn fit_put(&self, key: &Blob, hole: i64, now: Option<&Version>) -> Fit {
        let Some(known) = self.answer_evidence.of(key) else { return Fit::Free };
        known.fit_put(hole, now, (self.answer_evidence.counted, &|revision| self.in_time(revision)))
    }

    fn fit_delete(&self, key: &Blob, hole: i64, now: &Version) -> Fit {
        let Some(known) = self.answer_evidence.of(key) else { return Fit::Free };
        let putters = self.indeterminate.number(key);
        let putters = putters.map_or(&[][..], |key| self.indeterminate.suppliers(key));
        known.fit_delete(hole, now, (self.answer_evidence.counted, &|by| self.in_time(by), putters))
    }

    /// Whether a put is wanted for a later hole at which its value was seen, and who has taken
    /// the others that would do.
    fn wanted_later(&self, number: u32, hole: i64) -> Option<BTreeSet<usize>> {
        let Plain::Put { key, value } = self.indeterminate.writes[number as usize].plain() else {
            return None;
        };
        let holes = self.answer_evidence.holes_with(key, value);
        let later = holes.len() - holes.partition_point(|seen| *seen <= hole);
        if later == 0 {
            return None;
        }
        let mut users = BTreeSet::new();
        let mut left = 0;
        for other in self.indeterminate.putters(key, Some(value)) {
            match self.used[other as usize] {
                Some(point) => drop(users.insert(point)),
                None => left += 1,
            }
        }
        (left - 1 < later).then_some(users)
    }

    fn is_dark(&self, number: u32) -> bool {
        match self.indeterminate.writes[number as usize].plain() {
            Plain::Put { key, value } => self.answer_evidence.holes_with(key, value).is_empty(),
            Plain::Delete | Plain::No => false,
        }
    }

    /// The same number for writes that can stand for each other at any hole.
    pub(super) fn kind(&self, number: u32) -> u32 {
        let own = &self.indeterminate.writes[number as usize];
        if self.indeterminate.reservations.of(number).is_some() {
            return number;
        }
        let Plain::Put { key, .. } = own.plain() else { return own.class };
        if self.watch_evidence.is_some()
            || self.answer_evidence.values_matter()
            || !self.is_dark(number)
        {
            return own.class;
        }
        let key = self.indeterminate.number(key).expect("the key of a put is named");
        let same = |other: &&u32| {
            let in_doubt = self.indeterminate.reservations.of(**other).is_some();
            let lease = self.indeterminate.writes[**other as usize].lease();
            !in_doubt && lease == own.lease() && self.is_dark(**other)
        };
        self.indeterminate.plain_puts(key).iter().find(same).copied().unwrap_or(own.class)
    }

    /// How well a candidate's changes fit what is known of their keys. Leaves the store as it was.
    pub(super) fn fit(&mut self, number: u32) -> Fit {
        let before = self.store.revision();
        let hole = before + 1;
        self.steps += 1;
        let request = &self.indeterminate.writes[number as usize].record.request;
        if self.store.execute(request).is_err() || self.store.revision() == before {
            return Fit::Wrong;
        }
        let mut needed: Option<Fit> = None;
        let mut worst = Fit::Free;
        let changes: Vec<Change<'_>> = self.store.changes(hole).collect();
        for (place, change) in changes.iter().enumerate() {
            if changes[place + 1..].iter().any(|later| later.key == change.key) {
                continue; // deleted and put again in one transaction: only the end counts
            }
            let fit = if change.now.is_deletion() {
                change.before.map_or(Fit::Free, |now| self.fit_delete(change.key, hole, now))
            } else {
                self.fit_put(change.key, hole, change.before)
            };
            match fit {
                Fit::Needed(_) => needed = Some(needed.map_or(fit, |other| other.min(fit))),
                _ => worst = worst.max(fit),
            }
        }
        self.store.undo_to(before);
        if worst >= Fit::Wrong { worst } else { needed.unwrap_or(worst) }
    }
}

/// Whether no plain put (or no plain deletion) of a key can stand at the hole.
fn ruled_out(fit: Fit, key: u32, gathered: &mut Gathered) -> bool {
    if fit == Fit::Wrong && gathered.unfit_keys.last() != Some(&key) {
        gathered.unfit_keys.push(key);
    }
    matches!(fit, Fit::Never | Fit::Wrong)
}

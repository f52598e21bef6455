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

use super::frame::Frame;
use super::known::{Fit, Need};
use super::replay::Replay;
use super::unknown::Plain;
use crate::history::{Blob, EventType};
use crate::model::{Change, Version};

/// What is gathered for a hole without evidence.
#[derive(Default)]
struct Gathered {
    ranked: Vec<(Fit, bool, u32)>,
    choice: bool,
    blame: BTreeSet<usize>,
    unfit: Vec<(u32, bool)>,
    unfit_keys: Vec<u32>,
}

impl Replay<'_, '_> {
    /// Opens a frame for a hole.
    pub(super) fn open(&mut self, hole: i64) {
        let in_time = self.in_time(hole);
        let frame = if let Some(mut pool) = self.evidence(hole) {
            pool.retain(|number| *number < in_time && self.could_make(*number, hole));
            Frame::new(hole, pool, true)
        } else {
            let mut gathered = self.gather(hole, in_time);
            gathered.ranked.sort_unstable();
            let pool = gathered.ranked.iter().map(|(_, _, number)| *number).collect();
            let mut frame = Frame::new(hole, pool, false);
            frame.choice = gathered.choice;
            frame.blame = gathered.blame;
            frame.unfit = gathered.unfit;
            frame.unfit_keys = gathered.unfit_keys;
            frame
        };
        self.push_frame(frame);
    }

    /// Whether what a write was answered lets it make a revision.
    pub(super) fn could_make(&self, number: u32, hole: i64) -> bool {
        let (first, last) = self.unknowns.writes[number as usize].within;
        (first..=last).contains(&hole)
    }

    /// Candidates that evidence names for a hole; None without evidence.
    fn evidence(&self, hole: i64) -> Option<Vec<u32>> {
        if let Some(seen) = self.facts.at_hole(hole).iter().min_by_key(|seen| seen.keys_only) {
            let value = (!seen.keys_only).then_some(&seen.kv.value);
            return Some(self.unknowns.putters(&seen.kv.key, value));
        }
        if let Some(key) = self.facts.born_at(hole) {
            return Some(self.unknowns.putters(key, None));
        }
        let (_, told) = self.hints?.at(hole).first()?;
        let kv = &told.event.kv;
        Some(match told.event.kind {
            EventType::Put => self.unknowns.putters(&kv.key, Some(&kv.value)),
            EventType::Delete => self.unknowns.deleters(&kv.key),
        })
    }

    fn gather(&mut self, hole: i64, in_time: u32) -> Gathered {
        let mut gathered = Gathered::default();
        let unknowns = self.unknowns;
        let alike = self.hints.is_none() && !self.facts.values_matter();
        for key in 0..unknowns.keys() {
            let first = |list: &[u32]| list.first().is_some_and(|number| *number < in_time);
            if first(unknowns.plain_puts(key)) {
                self.plain_puts(key, (hole, in_time, alike), &mut gathered);
            }
            if first(unknowns.plain_deletes(key)) {
                self.plain_deletes(key, (hole, in_time), &mut gathered);
            }
        }
        for &number in unknowns.others().iter().take_while(|number| **number < in_time) {
            if !self.could_make(number, hole) {
                continue;
            }
            if self.is_taken(number, &mut gathered.blame) {
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
        let name = self.unknowns.key(key);
        let fit = self.fit_put(name, hole, self.store.now().get(name));
        if ruled_out(fit, key, gathered) {
            return;
        }
        if let Fit::Free | Fit::Doubtful(_) = fit {
            let known = self.facts.of(name);
            let later = known.map_or(&[][..], |known| known.owed(hole));
            if let Some(frames) = self.owed_later(later, self.unknowns.suppliers(key)) {
                return gathered.blame.extend(frames);
            }
        }
        if let (Fit::Doubtful(by), Some(known)) = (fit, self.facts.of(name))
            && let Some(frames) = self.all_used(&known.deleters, by)
        {
            return gathered.blame.extend(frames);
        }
        let called = self.unknowns.plain_puts(key).iter().take_while(|number| **number < in_time);
        let mut users = BTreeSet::new();
        let mut stands = None;
        for &number in called {
            if self.is_taken(number, &mut users) {
                continue;
            }
            let wanted = self.wanted_later(number, hole);
            if let Some(frames) = wanted {
                gathered.blame.extend(frames);
                continue;
            }
            let dark = alike && self.is_dark(number) && self.unknowns.pledges.of(number).is_none();
            if dark {
                let lease = self.unknowns.writes[number as usize].lease();
                if stands.is_some_and(|(other, _)| other == lease) {
                    gathered.choice = true;
                    continue;
                }
                stands = Some((lease, number));
            }
            gathered.ranked.push((fit, !dark, number));
        }
        if stands.is_none() {
            gathered.blame.extend(users);
        }
    }

    fn plain_deletes(&mut self, key: u32, (hole, in_time): (i64, u32), gathered: &mut Gathered) {
        self.steps += 1;
        let name = self.unknowns.key(key);
        let now = self.store.now().get(name);
        let fit = now.map_or(Fit::Wrong, |now| self.fit_delete(name, hole, now));
        let frozen = now.is_none() && self.facts.frozen(name, hole);
        if ruled_out(if frozen { Fit::Never } else { fit }, key, gathered) {
            return;
        }
        if let (Fit::Free | Fit::Doubtful(_), Some(known)) = (fit, self.facts.of(name))
            && let Some(frames) = self.owed_later(known.owed_deletions(hole), &known.deleters)
        {
            return gathered.blame.extend(frames);
        }
        if let Fit::Doubtful(by) = fit
            && let Some(frames) = self.all_used(self.unknowns.suppliers(key), by)
        {
            return gathered.blame.extend(frames);
        }
        let called = self.unknowns.plain_deletes(key).iter();
        let called = called.take_while(|number| **number < in_time).copied();
        let mut users = BTreeSet::new();
        let mut stands = false;
        for number in called {
            let in_doubt = self.unknowns.pledges.of(number).is_some();
            // All deletions of one key do the same.
            if (in_doubt || !stands) && !self.is_taken(number, &mut users) {
                gathered.ranked.push((fit, true, number));
                stands |= !in_doubt;
            }
        }
        if !stands {
            gathered.blame.extend(users);
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
                    Some(frame) => drop(users.insert(frame)),
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
        self.unknowns.called_by(self.called_by[place]) as u32
    }

    fn fit_put(&self, key: &Blob, hole: i64, now: Option<&Version>) -> Fit {
        let Some(known) = self.facts.of(key) else { return Fit::Free };
        known.fit_put(hole, now, (self.facts.counted, &|revision| self.in_time(revision)))
    }

    fn fit_delete(&self, key: &Blob, hole: i64, now: &Version) -> Fit {
        let Some(known) = self.facts.of(key) else { return Fit::Free };
        let putters = self.unknowns.number(key);
        let putters = putters.map_or(&[][..], |key| self.unknowns.suppliers(key));
        known.fit_delete(hole, now, (self.facts.counted, &|by| self.in_time(by), putters))
    }

    /// Whether a put is wanted for a later hole at which its value was seen, and who has taken
    /// the others that would do.
    fn wanted_later(&self, number: u32, hole: i64) -> Option<BTreeSet<usize>> {
        let Plain::Put { key, value } = self.unknowns.writes[number as usize].plain() else {
            return None;
        };
        let holes = self.facts.holes_with(key, value);
        let later = holes.len() - holes.partition_point(|seen| *seen <= hole);
        if later == 0 {
            return None;
        }
        let mut users = BTreeSet::new();
        let mut left = 0;
        for other in self.unknowns.putters(key, Some(value)) {
            match self.used[other as usize] {
                Some(frame) => drop(users.insert(frame)),
                None => left += 1,
            }
        }
        (left - 1 < later).then_some(users)
    }

    fn is_dark(&self, number: u32) -> bool {
        match self.unknowns.writes[number as usize].plain() {
            Plain::Put { key, value } => self.facts.holes_with(key, value).is_empty(),
            Plain::Delete | Plain::No => false,
        }
    }

    /// The same number for writes that can stand for each other at any hole.
    pub(super) fn kind(&self, number: u32) -> u32 {
        let own = &self.unknowns.writes[number as usize];
        if self.unknowns.pledges.of(number).is_some() {
            return number;
        }
        let Plain::Put { key, .. } = own.plain() else { return own.class };
        if self.hints.is_some() || self.facts.values_matter() || !self.is_dark(number) {
            return own.class;
        }
        let key = self.unknowns.number(key).expect("the key of a put is named");
        let same = |other: &&u32| {
            let in_doubt = self.unknowns.pledges.of(**other).is_some();
            let lease = self.unknowns.writes[**other as usize].lease();
            !in_doubt && lease == own.lease() && self.is_dark(**other)
        };
        self.unknowns.plain_puts(key).iter().find(same).copied().unwrap_or(own.class)
    }

    /// How well a candidate's changes fit what is known of their keys. Leaves the store as it was.
    pub(super) fn fit(&mut self, number: u32) -> Fit {
        let before = self.store.revision();
        let hole = before + 1;
        self.steps += 1;
        let request = &self.unknowns.writes[number as usize].record.request;
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

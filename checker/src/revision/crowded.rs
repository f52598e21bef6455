//! Whether the holes that are left suffice for what must still be done in them.
//!
//! Answers show how often a key was put, or that it was deleted, by nobody known between two
//! revisions ([`Need`]). Each time takes a hole in between, one that comes after the call of a write
//! that could do it and is not used yet; and a hole holds one write, which, if it is plain, does one
//! thing. So the needs are jobs of one hole each, to be done between a first and a last hole. Jobs
//! in the order of their last holes, each put into the first hole that is free for it, all find one
//! if that is possible at all: should a job have taken the hole that a later one wants, the later
//! one could take any that the earlier one could have taken instead.
//!
//! If one finds none, then the jobs that hold the holes it could have, and those that hold the holes
//! these could have, are more than their holes. That rests on how much of these needs was done by
//! choices made within their stretches, and on who used up writes that could do them: whoever makes
//! the same choices there is crowded again. From the first hole on that an unused write which is not
//! plain could fill, nothing is said.

use std::collections::BTreeSet;

use super::known::Need;
use super::owed::{Job, Owed};
use super::replay::Replay;
use super::unknown::Plain;

/// How many holes are looked ahead.
const HORIZON: usize = 96;

/// A hole that a job has taken, and the first that it could have had.
type Taken = Option<(usize, usize)>;

impl Replay<'_, '_> {
    /// What is owed at first.
    fn owes(&self) -> Owed {
        let unknowns = self.unknowns;
        let mut jobs = Vec::new();
        for key in 0..unknowns.keys() {
            let Some(known) = self.facts.of(unknowns.key(key)) else { continue };
            for (deletion, needs) in
                [(false, known.owed(i64::MIN)), (true, known.owed_deletions(i64::MIN))]
            {
                let job = |need: &Need| Job { key, deletion, need: *need, left: need.count };
                jobs.extend(needs.iter().map(job));
            }
        }
        jobs.sort_by_key(|job| job.need.by);
        let mut of_key = vec![[Vec::new(), Vec::new()]; unknowns.keys() as usize];
        for (place, job) in jobs.iter().enumerate() {
            of_key[job.key as usize][usize::from(job.deletion)].push(place as u32);
        }
        let holes: Vec<i64> = self.ops.holes().collect();
        let in_time = holes.iter().map(|hole| self.in_time(*hole)).collect();
        Owed { jobs, of_key, holes, in_time }
    }

    /// Whether, with what was chosen for the last frame, too few holes are left, and which earlier
    /// frames that rests on.
    pub(super) fn crowded(&mut self, own: usize) -> Option<BTreeSet<usize>> {
        if !self.facts_pay() || !self.facts.counted {
            return None;
        }
        if self.owed.is_none() {
            self.owed = Some(self.owes());
            for frame in 0..own {
                self.serve(frame);
            }
        }
        self.serve(own);
        let owed = self.owed.as_ref()?;
        let hole = self.frames[own].hole;
        let first = owed.holes.partition_point(|other| *other <= hole);
        let last = (first + HORIZON).min(owed.holes.len());
        let mut others = self.unknowns.others().iter();
        let other = others.find(|number| self.used[**number as usize].is_none());
        let plain = other.map_or(last - first, |other| {
            owed.in_time[first..last].partition_point(|called| called <= other)
        });
        let last = first + plain;
        let beyond = owed.holes.get(last).copied().unwrap_or(i64::MAX);
        let (holes, in_time) = (&owed.holes[first..last], &owed.in_time[first..last]);
        let mut taken: Vec<Taken> = vec![None; holes.len()];
        let from = owed.jobs.partition_point(|job| job.need.by <= hole);
        let due = owed.jobs.iter().enumerate().skip(from);
        for (place, job) in due.take_while(|(_, job)| job.need.by < beyond) {
            let earliest = holes.partition_point(|hole| *hole <= job.need.after);
            let mut unused = self.doers(job).iter();
            for _ in 0..job.left {
                let doer = unused.find(|number| self.used[**number as usize].is_none());
                let called = doer.map_or(holes.len(), |number| {
                    in_time.partition_point(|called| called <= number)
                });
                let since = earliest.max(called);
                let free = (since..holes.len()).find(|slot| taken[*slot].is_none());
                match free.filter(|slot| holes[*slot] <= job.need.by) {
                    Some(slot) => taken[slot] = Some((place, since)),
                    None => return Some(self.crowd(own, (place, since), (holes, &taken))),
                }
            }
        }
        None
    }

    /// The unknown writes that could do a job.
    fn doers(&self, job: &Job) -> &[u32] {
        if !job.deletion {
            return self.unknowns.suppliers(job.key);
        }
        let known = self.facts.of(self.unknowns.key(job.key));
        known.map_or(&[], |known| &known.deleters)
    }

    /// Which earlier frames it rests on that a job finds no hole.
    fn crowd(
        &self,
        own: usize,
        (place, since): (usize, usize),
        (holes, taken): (&[i64], &[Taken]),
    ) -> BTreeSet<usize> {
        let jobs = &self.owed.as_ref().expect("what is owed was counted").jobs;
        let until = holes.partition_point(|hole| *hole <= jobs[place].need.by);
        let mut involved = BTreeSet::from([place]);
        let mut from = since.min(until);
        loop {
            let holders = taken[from..until].iter().flatten();
            let lowest = holders.clone().map(|(_, since)| *since).min().unwrap_or(from);
            involved.extend(holders.map(|(place, _)| *place));
            if lowest >= from {
                break;
            }
            from = lowest;
        }
        let mut blame = BTreeSet::new();
        for job in involved.into_iter().map(|place| &jobs[place]) {
            let users = self.doers(job).iter().filter_map(|number| self.used[*number as usize]);
            blame.extend(users.filter(|frame| *frame < own));
            let within = self.frames.partition_point(|frame| frame.hole <= job.need.after);
            blame.extend(within..own);
        }
        // What a transaction does may depend on what was chosen before it.
        for frame in blame.clone().into_iter().chain([own]) {
            let Some(chosen) = self.frames[frame].chosen else { continue };
            let chosen = &self.unknowns.writes[chosen as usize];
            if matches!(chosen.plain(), Plain::No) {
                blame.extend(self.responsible(&chosen.depends, self.frames[frame].hole - 1, frame));
            }
        }
        blame
    }

    /// Counts what was chosen for a frame as done.
    fn serve(&mut self, frame: usize) {
        let hole = self.frames[frame].hole;
        let Some(owed) = &mut self.owed else { return };
        for change in self.store.changes(hole) {
            let Some(key) = self.unknowns.number(change.key) else { continue };
            for place in &owed.of_key[key as usize][usize::from(change.now.is_deletion())] {
                let job = &mut owed.jobs[*place as usize];
                if job.need.after < hole && hole <= job.need.by {
                    job.left -= 1;
                    self.frames[frame].served.push(*place);
                }
            }
        }
    }

    /// What was chosen for a frame is not done after all.
    pub(super) fn unserve(&mut self, frame: usize) {
        let Some(owed) = &mut self.owed else { return };
        for place in self.frames[frame].served.drain(..) {
            owed.jobs[place as usize].left += 1;
        }
    }
}

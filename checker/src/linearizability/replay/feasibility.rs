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

use super::Replay;
use super::demand::{Demand, Job};
use crate::linearizability::indeterminate::Plain;
use crate::linearizability::key_timeline::Need;

/// How many holes are looked ahead.
const HORIZON: usize = 96;

/// A job that finds a hole or not, and the first hole that it could have.
#[derive(Clone, Copy)]
struct Request {
    /// Its place among the jobs.
    job: usize,
    /// The place of a hole.
    since: usize,
}

/// The holes that are looked ahead at, and which job has taken each.
struct Schedule<'a> {
    holes: &'a [i64],
    taken: Vec<Option<Request>>,
}

impl Replay<'_, '_> {
    /// What is owed at first.
    fn initial_demand(&self) -> Demand {
        let indeterminate = self.indeterminate;
        let mut jobs = Vec::new();
        for key in 0..indeterminate.keys() {
            let Some(known) = self.answer_evidence.of(indeterminate.key(key)) else { continue };
            for (deletion, needs) in
                [(false, known.put_needs(i64::MIN)), (true, known.deletion_needs(i64::MIN))]
            {
                let job = |need: &Need| Job { key, deletion, need: *need, left: need.count };
                jobs.extend(needs.iter().map(job));
            }
        }
        jobs.sort_by_key(|job| job.need.by);
        let mut of_key = vec![[Vec::new(), Vec::new()]; indeterminate.keys() as usize];
        for (place, job) in jobs.iter().enumerate() {
            of_key[job.key as usize][usize::from(job.deletion)].push(place as u32);
        }
        let holes: Vec<i64> = self.ops.holes().collect();
        let in_time = holes.iter().map(|hole| self.in_time(*hole)).collect();
        Demand { jobs, of_key, holes, in_time }
    }

    /// Whether, with what was chosen for the last frame, too few holes are left, and which earlier
    /// frames that rests on.
    pub(super) fn infeasible(&mut self, own: usize) -> Option<BTreeSet<usize>> {
        if !self.answer_evidence_pays() || !self.answer_evidence.counted {
            return None;
        }
        if self.demand.is_none() {
            self.demand = Some(self.initial_demand());
            for point in 0..own {
                self.fulfil(point);
            }
        }
        self.fulfil(own);
        let demand = self.demand.as_ref()?;
        let hole = self.choice_points[own].hole;
        let first = demand.holes.partition_point(|other| *other <= hole);
        let last = (first + HORIZON).min(demand.holes.len());
        let mut others = self.indeterminate.others().iter();
        let other = others.find(|number| self.used[**number as usize].is_none());
        let plain = other.map_or(last - first, |other| {
            demand.in_time[first..last].partition_point(|called| called <= other)
        });
        let last = first + plain;
        let beyond = demand.holes.get(last).copied().unwrap_or(i64::MAX);
        let (holes, in_time) = (&demand.holes[first..last], &demand.in_time[first..last]);
        let mut schedule = Schedule { holes, taken: vec![None; holes.len()] };
        let from = demand.jobs.partition_point(|job| job.need.by <= hole);
        let due = demand.jobs.iter().enumerate().skip(from);
        for (place, job) in due.take_while(|(_, job)| job.need.by < beyond) {
            let earliest = holes.partition_point(|hole| *hole <= job.need.after);
            let mut unused = self.able_writers(job).iter();
            for _ in 0..job.left {
                let writer = unused.find(|number| self.used[**number as usize].is_none());
                let called = writer.map_or(holes.len(), |number| {
                    in_time.partition_point(|called| called <= number)
                });
                let since = earliest.max(called);
                let request = Request { job: place, since };
                let free = (since..holes.len()).find(|slot| schedule.taken[*slot].is_none());
                match free.filter(|slot| holes[*slot] <= job.need.by) {
                    Some(slot) => schedule.taken[slot] = Some(request),
                    None => return Some(self.conflicts_of(own, request, &schedule)),
                }
            }
        }
        None
    }

    /// The unknown writes that could do a job.
    fn able_writers(&self, job: &Job) -> &[u32] {
        if !job.deletion {
            return self.indeterminate.suppliers(job.key);
        }
        let known = self.answer_evidence.of(self.indeterminate.key(job.key));
        known.map_or(&[], |known| &known.deleters)
    }

    /// Which earlier frames it rests on that a job finds no hole.
    fn conflicts_of(
        &self,
        own: usize,
        failed: Request,
        schedule: &Schedule<'_>,
    ) -> BTreeSet<usize> {
        let Schedule { holes, taken } = schedule;
        let jobs = &self.demand.as_ref().expect("what is owed was counted").jobs;
        let until = holes.partition_point(|hole| *hole <= jobs[failed.job].need.by);
        let mut involved = BTreeSet::from([failed.job]);
        let mut from = failed.since.min(until);
        loop {
            let holders = taken[from..until].iter().flatten();
            let lowest = holders.clone().map(|holder| holder.since).min().unwrap_or(from);
            involved.extend(holders.map(|holder| holder.job));
            if lowest >= from {
                break;
            }
            from = lowest;
        }
        let mut conflicts = BTreeSet::new();
        for job in involved.into_iter().map(|place| &jobs[place]) {
            let users =
                self.able_writers(job).iter().filter_map(|number| self.used[*number as usize]);
            conflicts.extend(users.filter(|point| *point < own));
            let within = self.choice_points.partition_point(|point| point.hole <= job.need.after);
            conflicts.extend(within..own);
        }
        // What a transaction does may depend on what was chosen before it.
        for point in conflicts.clone().into_iter().chain([own]) {
            let Some(chosen) = self.choice_points[point].chosen else { continue };
            let chosen = &self.indeterminate.writes[chosen as usize];
            if matches!(chosen.plain(), Plain::No) {
                conflicts.extend(self.conflict_set(
                    &chosen.depends,
                    self.choice_points[point].hole - 1,
                    point,
                ));
            }
        }
        conflicts
    }

    /// Counts what was chosen for a frame as done.
    fn fulfil(&mut self, point: usize) {
        let hole = self.choice_points[point].hole;
        let Some(demand) = &mut self.demand else { return };
        for change in self.store.changes(hole) {
            let Some(key) = self.indeterminate.number(change.key) else { continue };
            for place in &demand.of_key[key as usize][usize::from(change.now.is_deletion())] {
                let job = &mut demand.jobs[*place as usize];
                if job.need.after < hole && hole <= job.need.by {
                    job.left -= 1;
                    self.choice_points[point].fulfilled.push(*place);
                }
            }
        }
    }

    /// What was chosen for a frame is not done after all.
    pub(super) fn unfulfil(&mut self, point: usize) {
        let Some(demand) = &mut self.demand else { return };
        for place in self.choice_points[point].fulfilled.drain(..) {
            demand.jobs[place as usize].left += 1;
        }
    }
}

//! Tells whether the remaining holes suffice for the writes that must still fill one.
//!
//! Answers show how many indeterminate puts or deletions of a key lie between two revisions
//! ([`Need`]). Each of them takes a hole in between, and an unused write that was called in time
//! for that hole. A hole holds one write, and a plain write serves one need. So this is a
//! scheduling problem of unit jobs, each with a first hole and a last hole (its deadline). The jobs
//! are taken by deadline, and each gets the first free hole. If any schedule exists, this one
//! succeeds: where another schedule gives that hole to a later job, the two jobs can be swapped,
//! since the later job has the later deadline.
//!
//! If a job finds no hole, it competes with the jobs that hold the holes it could have, with the
//! jobs that hold the holes these could have, and so on. Together these jobs outnumber their holes.
//! The conflict depends on the choices within their ranges of revisions, and on the choices that
//! used a write which could serve them. With the same choices the schedule fails again.
//!
//! The look-ahead ends at the first hole that an unused write could fill which is not plain: it may
//! serve several needs.

use std::collections::BTreeSet;

use super::Replay;
use super::demand::{Demand, Job};
use crate::linearizability::indeterminate::Plain;
use crate::linearizability::key_timeline::Need;

/// How many holes the schedule looks ahead.
const HORIZON: usize = 96;

/// One unit of a job, and the first hole that it could have.
#[derive(Clone, Copy)]
struct JobUnit {
    /// Index of the job in the demand.
    job: usize,
    /// Index of the hole in the schedule.
    since: usize,
}

/// The holes ahead, and the unit that each holds.
struct Schedule<'a> {
    holes: &'a [i64],
    taken: Vec<Option<JobUnit>>,
}

impl Replay<'_, '_> {
    /// The demand before any hole was filled.
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

    /// Whether too few holes are left after the last choice. Returns the conflict set of that,
    /// among earlier choice points.
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
                let unit = JobUnit { job: place, since };
                let free = (since..holes.len()).find(|at| schedule.taken[*at].is_none());
                match free.filter(|at| holes[*at] <= job.need.by) {
                    Some(at) => schedule.taken[at] = Some(unit),
                    None => return Some(self.conflicts_of(own, unit, &schedule)),
                }
            }
        }
        None
    }

    /// The indeterminate writes that could do a job.
    fn able_writers(&self, job: &Job) -> &[u32] {
        if !job.deletion {
            return self.indeterminate.suppliers(job.key);
        }
        let known = self.answer_evidence.of(self.indeterminate.key(job.key));
        known.map_or(&[], |known| &known.deleters)
    }

    /// The conflict set of a unit that found no hole.
    fn conflicts_of(
        &self,
        own: usize,
        failed: JobUnit,
        schedule: &Schedule<'_>,
    ) -> BTreeSet<usize> {
        let Schedule { holes, taken } = schedule;
        let jobs = &self.demand.as_ref().expect("the demand was computed").jobs;
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
        // The effect of a transaction may depend on earlier choices.
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

    /// Counts the jobs that the write of a choice point does.
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

    /// Takes back what `fulfil` counted for a choice point.
    pub(super) fn unfulfil(&mut self, point: usize) {
        let Some(demand) = &mut self.demand else { return };
        for place in self.choice_points[point].fulfilled.drain(..) {
            demand.jobs[place as usize].left += 1;
        }
    }
}

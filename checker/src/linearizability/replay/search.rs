//! The search over the holes: tries candidates, and jumps back to the latest choice in a conflict
//! set.

use std::collections::BTreeSet;

use super::{Cause, ChoicePoint, Replay};
use crate::model::Span;

impl Replay<'_, '_> {
    /// Tries the remaining candidates of the last choice point, until one agrees with the evidence.
    /// If none does, removes the choice point and returns its conflict set.
    pub(super) fn try_next(&mut self) -> Result<(), BTreeSet<usize>> {
        let own = self.choice_points.len() - 1;
        loop {
            let hole = self.choice_points[own].hole;
            let Some(&number) = self.choice_points[own].pool.get(self.choice_points[own].next)
            else {
                break;
            };
            self.contradictions += u64::from(self.choice_points[own].next > 0);
            self.choice_points[own].next += 1;
            let kind = self.kind(number);
            let mut by = BTreeSet::new();
            if self.is_taken(number, &mut by) {
                let free =
                    |other: &&u32| **other != number && self.used[**other as usize].is_none();
                let mut free = self.choice_points[own].pool.iter().filter(free);
                if !free.any(|other| self.kind(*other) == kind) {
                    self.add_conflicts(own, by);
                }
                continue;
            }
            if !self.choice_points[own].tried.insert(kind) {
                continue; // a candidate of the same kind was tried before
            }
            if self.exhausted() {
                return Ok(()); // the caller checks the budget again
            }
            self.steps += 1;
            let unknown = &self.indeterminate.writes[number as usize];
            let done = self.store.execute(&unknown.record.request);
            if done.is_err() || self.store.revision() != hole {
                self.rest_on(own, &unknown.depends);
                continue;
            }
            self.choice_points[own].chosen = Some(number);
            self.take(number, own);
            match self.check_keys_seen(hole).and_then(|()| self.check_gap(hole)) {
                Ok(()) => {
                    let Some(conflicts) = self.infeasible(own) else { return Ok(()) };
                    self.contradictions += 1;
                    self.add_conflicts(own, conflicts);
                    self.release(own);
                    self.store.undo_to(hole - 1);
                }
                Err(contradiction) => {
                    self.rest_on(own, &unknown.depends);
                    if contradiction.at == hole - 1 {
                        self.rest_on(own, &contradiction.spans);
                    } else {
                        let conflicts =
                            self.conflict_set(&contradiction.spans, contradiction.at, own);
                        self.add_conflicts(own, conflicts);
                    }
                    self.deepen(hole, contradiction.cause);
                    self.release(own);
                    self.store.undo_to(hole - 1);
                }
            }
        }
        let conflicts =
            self.conflict_set(&self.rests_on(own), self.choice_points[own].hole - 1, own);
        self.add_conflicts(own, conflicts);
        let point = self.drop_point().expect("the choice point that was tried");
        if point.pool.is_empty() || self.deepest.is_none() {
            self.deepen(point.hole, Cause::NoWriter);
        }
        Err(point.conflicts)
    }

    /// The keys whose state before the hole left a choice point without a candidate.
    fn rests_on(&self, own: usize) -> Vec<Span> {
        let point = &self.choice_points[own];
        let mut all: BTreeSet<Span> = point.rests_on.iter().cloned().collect();
        for (number, wrong) in &point.unfit {
            let unknown = &self.indeterminate.writes[*number as usize];
            all.extend(unknown.depends.iter().cloned());
            all.extend(unknown.touches.iter().filter(|_| *wrong).cloned());
        }
        all.extend(point.unfit_keys.iter().map(|key| Span::one(self.indeterminate.key(*key))));
        all.into_iter().collect()
    }

    /// Notes the keys whose state before the hole made a candidate fail.
    fn rest_on(&mut self, own: usize, spans: &[Span]) {
        for span in spans {
            let point = &mut self.choice_points[own];
            if !point.rests_on.contains(span) {
                self.held -= point.bytes();
                point.rests_on.push(span.clone());
                self.held += point.bytes();
            }
        }
    }

    /// Jumps back to the latest choice in a conflict set, and tries its next candidate. Returns
    /// false if no choice is left.
    pub(super) fn backjump(&mut self, mut conflicts: BTreeSet<usize>) -> bool {
        while let Some(target) = conflicts.pop_last() {
            while self.choice_points.len() > target + 1 {
                self.release(self.choice_points.len() - 1);
                self.drop_point();
            }
            self.release(target);
            self.store.undo_to(self.choice_points[target].hole - 1);
            self.add_conflicts(target, conflicts);
            match self.try_next() {
                Ok(()) => return true,
                Err(more) => conflicts = more,
            }
        }
        false
    }

    pub(super) fn exhausted(&self) -> bool {
        self.steps > self.budget.steps || self.held > self.budget.memory_bytes
    }

    pub(super) fn push_point(&mut self, point: ChoicePoint) {
        self.held += point.bytes();
        self.choice_points.push(point);
    }

    fn drop_point(&mut self) -> Option<ChoicePoint> {
        let point = self.choice_points.pop()?;
        self.held -= point.bytes();
        Some(point)
    }

    fn add_conflicts(&mut self, point: usize, conflicts: BTreeSet<usize>) {
        let own = &mut self.choice_points[point];
        self.held -= own.bytes();
        own.conflicts.extend(conflicts);
        self.held += own.bytes();
    }

    fn release(&mut self, point: usize) {
        self.unfulfil(point);
        if let Some(number) = self.choice_points[point].chosen.take() {
            self.give_back(number, point);
        }
    }
}

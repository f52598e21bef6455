//! Tells whether a write can fill a hole, and how well its changes fit the timelines of its keys.

use super::Replay;
use crate::history::Blob;
use crate::linearizability::key_fit::{Fit, Hole};
use crate::model::{Change, Version};

impl Replay<'_, '_> {
    /// Whether a write's own answer and its lease allow it to make a revision.
    pub(in crate::linearizability) fn could_make(&self, number: u32, hole: i64) -> bool {
        let (first, last) = self.indeterminate.writes[number as usize].within;
        (first..=last).contains(&hole)
    }

    /// How many indeterminate writes were called in time for a revision. They have the lowest
    /// numbers.
    pub(in crate::linearizability) fn in_time(&self, revision: i64) -> u32 {
        let place = self.place(revision.clamp(self.ops.base + 1, self.top));
        self.indeterminate.called_by(self.called_by[place]) as u32
    }

    pub(super) fn fit_put(&self, key: &Blob, hole: i64, now: Option<&Version>) -> Fit {
        let Some(known) = self.answer_evidence.of(key) else { return Fit::Free };
        let counted = self.answer_evidence.counted;
        known.fit_put(&Hole { revision: hole, counted, in_time: &|by| self.in_time(by) }, now)
    }

    pub(super) fn fit_delete(&self, key: &Blob, hole: i64, now: &Version) -> Fit {
        let Some(known) = self.answer_evidence.of(key) else { return Fit::Free };
        let putters = self.indeterminate.number(key);
        let putters = putters.map_or(&[][..], |key| self.indeterminate.suppliers(key));
        let counted = self.answer_evidence.counted;
        let at = Hole { revision: hole, counted, in_time: &|by| self.in_time(by) };
        known.fit_delete(&at, now, putters)
    }

    /// How well the changes of a candidate fit the timelines of their keys. Leaves the store
    /// unchanged.
    pub(in crate::linearizability) fn fit(&mut self, number: u32) -> Fit {
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

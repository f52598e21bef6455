//! Finds the writes that later holes need, so that an earlier hole does not use them up.

use std::collections::BTreeSet;

use super::Replay;
use crate::linearizability::indeterminate::Plain;
use crate::linearizability::key_timeline::Need;

impl Replay<'_, '_> {
    /// If one write less leaves too few writers of a key for its later needs: the choice points
    /// that used the others. A transaction that could put the key twice counts twice.
    pub(super) fn too_few_left(
        &self,
        later: &[Need],
        suppliers: &[u32],
    ) -> Option<BTreeSet<usize>> {
        let mut suppliers = suppliers.iter().peekable();
        let mut users = BTreeSet::new();
        let (mut left, mut needed) = (-1, 0);
        for need in later {
            let in_time = self.in_time(need.by);
            while let Some(number) = suppliers.next_if(|number| **number < in_time) {
                match self.used[*number as usize] {
                    Some(point) => drop(users.insert(point)),
                    None => left += 1,
                }
            }
            needed += need.count;
            if left < needed {
                return Some(users);
            }
        }
        None
    }

    /// If every writer that was called in time for a revision is used: the choice points that used
    /// them.
    pub(super) fn all_used(&self, writers: &[u32], by: i64) -> Option<BTreeSet<usize>> {
        let in_time = self.in_time(by);
        let called = writers.iter().take_while(|number| **number < in_time);
        called.map(|number| self.used[*number as usize]).collect()
    }

    /// If a later hole needs this put because an answer shows its value there: the choice points
    /// that used the other puts of that value.
    pub(super) fn needed_later(&self, number: u32, hole: i64) -> Option<BTreeSet<usize>> {
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
}

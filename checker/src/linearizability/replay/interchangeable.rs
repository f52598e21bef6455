//! Groups writes that are interchangeable at every hole: the search tries a single write of each
//! group.
//!
//! An **unobserved put** is a plain put of a key whose value no answer shows at any hole.
//! Unobserved puts of one key differ only in the times of their calls, and a write that was called
//! in time for a hole is in time for all later holes. So two unobserved puts that were in time for
//! the same hole can change places in any order, and the search tries a single put for the group.
//!
//! Two cases are excluded: requests that compare values or leases, and replays that weigh watch
//! events or members' own answers, which may show the value.

use super::Replay;
use crate::linearizability::indeterminate::Plain;

impl Replay<'_, '_> {
    pub(super) fn is_unobserved(&self, number: u32) -> bool {
        match self.indeterminate.writes[number as usize].plain() {
            Plain::Put { key, value } => self.answer_evidence.holes_with(key, value).is_empty(),
            Plain::Delete | Plain::No => false,
        }
    }

    /// The kind of a write: writes of one kind are interchangeable at every hole.
    pub(super) fn kind(&self, number: u32) -> u32 {
        let own = &self.indeterminate.writes[number as usize];
        if self.indeterminate.reservations.of(number).is_some() {
            return number;
        }
        let Plain::Put { key, .. } = own.plain() else { return own.class };
        if self.watch_evidence.is_some()
            || self.answer_evidence.values_matter()
            || !self.is_unobserved(number)
        {
            return own.class;
        }
        let key = self.indeterminate.number(key).expect("the key of a put is named");
        let same = |other: &&u32| {
            let reserved = self.indeterminate.reservations.of(**other).is_some();
            let lease = self.indeterminate.writes[**other as usize].lease();
            !reserved && lease == own.lease() && self.is_unobserved(**other)
        };
        self.indeterminate.plain_puts(key).iter().find(same).copied().unwrap_or(own.class)
    }
}

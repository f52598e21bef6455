//! Which writes can stand for each other at any hole, so that one of them is tried for all.
//!
//! **Dark** puts are plain puts of one key whose values no answer shows at any hole. They differ in
//! nothing but the time of their calls, and what is available for a hole is so for all later ones;
//! so in any order two of them that could both have made a hole can change places, and one stands
//! for all. Not so where values or leases are compared, or where watchers and members' own answers,
//! which may show them, are weighed.

use super::Replay;
use crate::linearizability::indeterminate::Plain;

impl Replay<'_, '_> {
    pub(super) fn is_unobserved(&self, number: u32) -> bool {
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
            || !self.is_unobserved(number)
        {
            return own.class;
        }
        let key = self.indeterminate.number(key).expect("the key of a put is named");
        let same = |other: &&u32| {
            let in_doubt = self.indeterminate.reservations.of(**other).is_some();
            let lease = self.indeterminate.writes[**other as usize].lease();
            !in_doubt && lease == own.lease() && self.is_unobserved(**other)
        };
        self.indeterminate.plain_puts(key).iter().find(same).copied().unwrap_or(own.class)
    }
}

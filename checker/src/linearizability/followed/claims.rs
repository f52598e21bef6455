//! Which choice of a replay uses which unknown write, and whether earlier parts leave it free.

use std::collections::BTreeSet;

use super::ambiguity::Writer;
use crate::linearizability::replay::Replay;

impl Replay<'_, '_> {
    /// Whether a write was used before, by a frame, or by an earlier part unless frames had not used
    /// the others that may have been it; and by which frames.
    pub(in crate::linearizability) fn is_taken(
        &self,
        number: u32,
        by: &mut BTreeSet<usize>,
    ) -> bool {
        if let Some(point) = self.used[number as usize] {
            by.insert(point);
            return true;
        }
        let reservations = &self.indeterminate.reservations;
        let Some(writer) = reservations.of(number) else { return false };
        let claimed = |other: Writer| self.claims.iter().any(|(claim, _)| *claim == other);
        if claimed(writer) || reservations.hold_without(writer, claimed) {
            return false;
        }
        by.extend(self.claims.iter().map(|(_, point)| *point));
        true
    }

    /// A frame uses a write.
    pub(in crate::linearizability) fn take(&mut self, number: u32, point: usize) {
        self.used[number as usize] = Some(point);
        self.claims
            .extend(self.indeterminate.reservations.of(number).map(|writer| (writer, point)));
    }

    /// A frame does not use the write that it had chosen.
    pub(in crate::linearizability) fn give_back(&mut self, number: u32, point: usize) {
        self.used[number as usize] = None;
        self.claims.retain(|(_, other)| *other != point);
    }
}

//! Tracks which choice point uses which write, and which writes ambiguous revisions of earlier
//! parts leave free.

use std::collections::BTreeSet;

use super::ambiguity::Writer;
use crate::linearizability::replay::Replay;

impl Replay<'_, '_> {
    /// Whether a write is taken: by a choice point, or by an ambiguous revision of an earlier part
    /// whose other possible writers are in use. Adds the choice points that this depends on to
    /// `by`.
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

    /// Lets a choice point use a write.
    pub(in crate::linearizability) fn take(&mut self, number: u32, point: usize) {
        self.used[number as usize] = Some(point);
        self.claims
            .extend(self.indeterminate.reservations.of(number).map(|writer| (writer, point)));
    }

    /// Takes back what `take` gave to a choice point.
    pub(in crate::linearizability) fn give_back(&mut self, number: u32, point: usize) {
        self.used[number as usize] = None;
        self.claims.retain(|(_, other)| *other != point);
    }
}

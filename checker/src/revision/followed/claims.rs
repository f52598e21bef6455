//! Which choice of a replay uses which unknown write, and whether earlier parts leave it free.

use std::collections::BTreeSet;

use super::either::Maker;
use crate::revision::replay::Replay;

impl Replay<'_, '_> {
    /// Whether a write was used before, by a frame, or by an earlier part unless frames had not used
    /// the others that may have been it; and by which frames.
    pub(in crate::revision) fn is_taken(&self, number: u32, by: &mut BTreeSet<usize>) -> bool {
        if let Some(frame) = self.used[number as usize] {
            by.insert(frame);
            return true;
        }
        let pledges = &self.unknowns.pledges;
        let Some(maker) = pledges.of(number) else { return false };
        let claimed = |other: Maker| self.claims.iter().any(|(claim, _)| *claim == other);
        if claimed(maker) || pledges.hold_without(maker, claimed) {
            return false;
        }
        by.extend(self.claims.iter().map(|(_, frame)| *frame));
        true
    }

    /// A frame uses a write.
    pub(in crate::revision) fn take(&mut self, number: u32, frame: usize) {
        self.used[number as usize] = Some(frame);
        self.claims.extend(self.unknowns.pledges.of(number).map(|maker| (maker, frame)));
    }

    /// A frame does not use the write that it had chosen.
    pub(in crate::revision) fn give_back(&mut self, number: u32, frame: usize) {
        self.used[number as usize] = None;
        self.claims.retain(|(_, other)| *other != frame);
    }
}

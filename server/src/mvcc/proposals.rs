//! Which proposals were applied: one whose copy comes too is applied once.
//!
//! A member passes a proposal on again when it cannot know whether the first copy arrived. Both may
//! become entries. What decides is part of the state, so all members agree, and a member that got
//! the state as a snapshot agrees too.
//!
//! A member counts its proposals from 1 at each start, and counts its starts. For each member the
//! state keeps the start that proposed last and the proposals of that start that were applied:
//! everything up to `low`, and ranges above it. What a start before proposed is refused, since its
//! process is gone and nobody waits. What falls [`WINDOW`] behind the newest is refused too: the
//! member that proposes never lets a proposal wait so long.
//!
//! # Invariants
//! - Ranges rise, do not touch each other, and begin above `low + 1`.
//! - The last range ends at most [`WINDOW`] above `low`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::ProposalId;
use crate::probe;

/// How far proposals of one start may overtake each other.
pub const WINDOW: u64 = 1 << 14;

/// What was applied of each member's proposals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposals(BTreeMap<u64, Window>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    boot: u64,
    /// Everything up to here was applied, or is refused from now on.
    low: u64,
    /// First to last of each range of applied proposals above `low`.
    ranges: BTreeMap<u64, u64>,
}

impl Proposals {
    /// Notes a proposal as applied; false when it must not be applied (again).
    pub(crate) fn admit(&mut self, id: ProposalId) -> bool {
        let window = self.0.entry(id.member).or_default();
        if id.boot < window.boot {
            probe!("proposal of an earlier start refused");
            return false;
        }
        if id.boot > window.boot {
            *window = Window { boot: id.boot, ..Window::default() };
        }
        let is_new = window.admit(id.sequence);
        if !is_new {
            probe!("proposal came twice");
        }
        window.check_invariants();
        is_new
    }

    /// Whether a proposal was applied, or is refused from now on.
    pub(crate) fn is_past(&self, id: ProposalId) -> bool {
        let Some(window) = self.0.get(&id.member) else { return false };
        id.boot < window.boot || id.boot == window.boot && window.has(id.sequence)
    }

    /// Asserts the invariants of what was read from a file.
    pub(crate) fn check_invariants(&self) {
        self.0.values().for_each(Window::check_invariants);
    }
}

impl Window {
    fn has(&self, sequence: u64) -> bool {
        let before = self.ranges.range(..=sequence).next_back();
        sequence <= self.low || before.is_some_and(|(_, last)| sequence <= *last)
    }

    fn admit(&mut self, sequence: u64) -> bool {
        if self.has(sequence) {
            return false;
        }
        let (mut first, mut last) = (sequence, sequence);
        if let Some((&before, &end)) = self.ranges.range(..sequence).next_back()
            && end + 1 == sequence
        {
            self.ranges.remove(&before);
            first = before;
        }
        if let Some(end) = self.ranges.remove(&(sequence + 1)) {
            last = end;
        }
        self.ranges.insert(first, last);
        let newest = self.ranges.last_key_value().map_or(last, |(_, last)| *last);
        self.raise(newest.saturating_sub(WINDOW));
        true
    }

    /// Forgets the gaps up to `low`, and whatever joins what lies below.
    fn raise(&mut self, low: u64) {
        self.low = self.low.max(low);
        while let Some((&first, &last)) = self.ranges.first_key_value()
            && first <= self.low + 1
        {
            self.ranges.remove(&first);
            self.low = self.low.max(last);
        }
    }

    fn check_invariants(&self) {
        let mut before = self.low;
        for (&first, &last) in &self.ranges {
            assert!(before + 1 < first, "range {first} to {last} touches what ends at {before}");
            assert!(first <= last, "range {first} to {last}");
            before = last;
        }
        assert!(before - self.low <= WINDOW, "{before} lies beyond the window above {}", self.low);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::mvcc::tests::cases;

    fn id(boot: u64, sequence: u64) -> ProposalId {
        ProposalId { member: 7, boot, sequence }
    }

    #[test]
    fn a_copy_is_refused_in_whatever_order_it_comes() {
        let mut proposals = Proposals::default();
        for sequence in [1, 3, 2, 5] {
            assert!(!proposals.is_past(id(1, sequence)));
            assert!(proposals.admit(id(1, sequence)));
            assert!(proposals.is_past(id(1, sequence)));
        }
        for sequence in [5, 2, 1, 3] {
            assert!(!proposals.admit(id(1, sequence)));
        }
        assert!(!proposals.is_past(id(1, 4)));
        assert_eq!(proposals.0[&7].low, 3);
    }

    #[test]
    fn a_later_start_ends_the_one_before() {
        let mut proposals = Proposals::default();
        assert!(proposals.admit(id(1, 1)));
        assert!(proposals.admit(id(2, 1)));
        assert!(!proposals.admit(id(1, 2)), "its process is gone");
        assert!(proposals.admit(id(2, 2)));
        let other = ProposalId { member: 8, ..id(1, 2) };
        assert!(proposals.admit(other), "members do not share a window");
    }

    #[test]
    fn what_falls_behind_the_window_is_refused() {
        let mut proposals = Proposals::default();
        assert!(proposals.admit(id(1, WINDOW + 2)));
        assert!(!proposals.admit(id(1, 2)));
        assert!(proposals.admit(id(1, 3)));
    }

    #[test]
    #[should_panic(expected = "range 4 to 5 touches what ends at 3")]
    fn ranges_that_touch_are_noticed() {
        let ranges = BTreeMap::from([(4, 5)]);
        Window { boot: 1, low: 3, ranges }.check_invariants();
    }

    proptest! {
        #![proptest_config(cases(200))]

        /// As a set of all that was applied would do it, within the window.
        #[test]
        fn it_is_a_set(sequences in prop::collection::vec(1..60u64, 1..200)) {
            let (mut proposals, mut set) = (Proposals::default(), BTreeSet::new());
            for sequence in sequences {
                prop_assert_eq!(proposals.admit(id(1, sequence)), set.insert(sequence));
            }
            let window = &proposals.0[&7];
            prop_assert!((1..=window.low).all(|sequence| set.contains(&sequence)));
        }
    }
}

//! A set of numbers that are mostly consecutive: it takes memory for its gaps only.

use std::collections::BTreeMap;

/// The first and the last number of each run.
///
/// Invariants: a run does not end before it begins, and between two runs a number is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(BTreeMap<u64, u64>);

impl Runs {
    pub(super) fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    /// Adds a number; false if the set had it.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        let before = self.0.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= number) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let after = number.checked_add(1).and_then(|next| self.0.remove(&next));
        self.0.insert(first, after.unwrap_or(number));
        if cfg!(debug_assertions) {
            self.check_run(first);
        }
        true
    }

    /// Asserts the invariants of the run that begins with a number.
    fn check_run(&self, first: u64) {
        let last = self.0[&first];
        assert!(first <= last, "the run {first}..={last} ends before it begins");
        let before = self.0.range(..first).next_back().map(|(_, last)| *last);
        let gap = before.is_none_or(|before| before < first.saturating_sub(1));
        assert!(gap, "no number is missing between {before:?} and {first}");
        let after = self.0.range(first..).nth(1).map(|(first, _)| *first);
        let gap = after.is_none_or(|after| last < after.saturating_sub(1));
        assert!(gap, "no number is missing between {last} and {after:?}");
    }

    #[cfg(test)]
    fn runs(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_set_in_little_memory() {
        let mut runs = Runs::default();
        for number in (0..1_000).rev().step_by(2).chain([u64::MAX, u64::MAX - 1]) {
            assert!(runs.insert(number) && !runs.insert(number));
        }
        assert_eq!(runs.runs(), 501);
        assert!(runs.contains(999) && !runs.contains(998) && runs.contains(u64::MAX));
        for number in (0..1_000).step_by(2) {
            assert!(runs.insert(number));
        }
        assert_eq!(runs.runs(), 2);
        assert!((0..1_000).all(|number| runs.contains(number)) && !runs.contains(1_000));
    }

    fn broken(runs: [(u64, u64); 2], first: u64) {
        Runs(BTreeMap::from(runs)).check_run(first);
    }

    #[test]
    #[should_panic(expected = "the run 5..=4 ends before it begins")]
    fn a_run_that_is_turned_round_is_noticed() {
        broken([(1, 2), (5, 4)], 5);
    }

    #[test]
    #[should_panic(expected = "no number is missing between Some(4) and 5")]
    fn a_run_that_goes_on_is_noticed() {
        broken([(1, 4), (5, 6)], 5);
    }

    #[test]
    #[should_panic(expected = "no number is missing between 6 and Some(6)")]
    fn a_run_that_overlaps_the_next_is_noticed() {
        broken([(1, 6), (6, 9)], 1);
    }
}

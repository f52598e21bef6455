//! A set of numbers that are mostly consecutive: it takes memory for its gaps only.

use std::collections::BTreeMap;

/// The first and the last number of each run.
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
        true
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
}

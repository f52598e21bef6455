//! A list sorted by revision, with fast lookups for a caller that asks for one revision after the
//! other.

use std::cell::Cell;

/// Items, each with its revision.
#[derive(Debug)]
pub(crate) struct ByRevision<T> {
    all: Vec<(i64, T)>,
    /// Where the last lookup ended. The next lookup mostly starts there.
    last: Cell<usize>,
}

impl<T> Default for ByRevision<T> {
    fn default() -> Self {
        ByRevision { all: Vec::new(), last: Cell::new(0) }
    }
}

impl<T> ByRevision<T> {
    /// Takes items that are sorted by revision.
    pub(crate) fn new(all: Vec<(i64, T)>) -> Self {
        ByRevision { all, last: Cell::new(0) }
    }

    /// All items.
    pub(crate) fn all(&self) -> &[(i64, T)] {
        &self.all
    }

    /// The items of one revision.
    pub(crate) fn at(&self, revision: i64) -> &[(i64, T)] {
        let from = self.first(revision);
        let rest = &self.all[from..];
        let length = rest.iter().take_while(|(own, _)| *own == revision).count();
        self.last.set(from + length);
        &rest[..length]
    }

    /// The index of the first item at or above a revision.
    pub(crate) fn first(&self, revision: i64) -> usize {
        let guess = self.last.get();
        let before = guess.checked_sub(1).is_none_or(|place| self.all[place].0 < revision);
        let after = self.all.get(guess).is_none_or(|(own, _)| *own >= revision);
        if before && after {
            return guess;
        }
        self.all.partition_point(|(own, _)| *own < revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whatever_was_asked_before() {
        let list = ByRevision::new(vec![(2, 'a'), (2, 'b'), (4, 'c'), (7, 'd')]);
        let at = |revision| list.at(revision).iter().map(|(_, thing)| *thing).collect::<String>();
        for (revision, expected) in
            [(1, ""), (2, "ab"), (3, ""), (4, "c"), (9, ""), (7, "d"), (2, "ab"), (2, "ab")]
        {
            assert_eq!(at(revision), expected, "{revision}");
        }
        assert_eq!(list.first(3), 2);
        assert_eq!(ByRevision::<u8>::default().at(1), []);
    }
}

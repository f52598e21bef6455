//! Counts: what traffic came to, in the words that a scenario's floor has for it.

use std::collections::BTreeMap;

pub use mettle_scenarios::settings::Count;

/// The counts of one run.
#[derive(Debug, Default)]
pub(super) struct Counts {
    counts: BTreeMap<Count, u64>,
    in_flight: u64,
}

impl Counts {
    /// One more.
    pub(super) fn add(&mut self, what: Count) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// A call has left.
    pub(super) fn called(&mut self) {
        self.in_flight += 1;
        let most = self.counts.entry(Count::MostInFlight).or_default();
        *most = self.in_flight.max(*most);
    }

    /// A call has come back.
    pub(super) fn ended(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The counts by their words.
    pub(super) fn by_word(&self) -> BTreeMap<String, u64> {
        self.counts.iter().map(|(count, number)| (count.word().to_owned(), *number)).collect()
    }
}

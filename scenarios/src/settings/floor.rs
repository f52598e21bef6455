//! `[floor]`: what a run must reach to count.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::reader::Keys;

/// What a run must reach to count; otherwise its verdict is `unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Operations with outcome `ok`.
    pub ok_operations: u64,
    /// Faults that fired.
    pub faults_fired: u64,
    /// Watch events delivered.
    pub watch_events: u64,
    /// What traffic must come to, by the words of [`Count`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub traffic: BTreeMap<String, u64>,
    /// Guarantees that need not have looked at anything.
    #[serde(default)]
    pub not_examined: Vec<String>,
}

/// What is counted of traffic, besides operations and events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// Operations in flight at once, at most.
    MostInFlight,
    /// Operations of an open loop that were not started, because too many were in flight.
    StartsSkipped,
    /// Calls that their client dropped in flight.
    Abandoned,
    /// Calls with a short deadline that it ended.
    HurriedLate,
    /// Pages of a list after its first.
    PagesRead,
    /// Requests that validation had to refuse, and that were refused.
    MalformedRefused,
    /// Answers of MemberList, Status, HashKV and health.
    QuestionsAnswered,
    /// Transactions of more than 64 operations that were answered.
    LargeTxns,
    /// Values of more than 64 KiB that were written, and answered.
    LargeValues,
    /// Watchers that were made on a stream with others.
    WatchersBeside,
    /// Parts of watch responses, but for the last of each.
    Fragments,
    /// Times that a client stopped reading a stream.
    StoppedReading,
    /// Watchers that were cancelled because what they wanted was compacted.
    WatchesCompacted,
}

impl Count {
    /// All of them.
    pub const ALL: [Count; 13] = [
        Count::MostInFlight,
        Count::StartsSkipped,
        Count::Abandoned,
        Count::HurriedLate,
        Count::PagesRead,
        Count::MalformedRefused,
        Count::QuestionsAnswered,
        Count::LargeTxns,
        Count::LargeValues,
        Count::WatchersBeside,
        Count::Fragments,
        Count::StoppedReading,
        Count::WatchesCompacted,
    ];

    /// Its word in a floor and in a verdict.
    pub const fn word(self) -> &'static str {
        match self {
            Count::MostInFlight => "most_in_flight",
            Count::StartsSkipped => "starts_skipped",
            Count::Abandoned => "abandoned",
            Count::HurriedLate => "hurried_late",
            Count::PagesRead => "pages_read",
            Count::MalformedRefused => "malformed_refused",
            Count::QuestionsAnswered => "questions_answered",
            Count::LargeTxns => "large_txns",
            Count::LargeValues => "large_values",
            Count::WatchersBeside => "watchers_beside",
            Count::Fragments => "fragments",
            Count::StoppedReading => "stopped_reading",
            Count::WatchesCompacted => "watches_compacted",
        }
    }
}

/// `[floor]`; what is absent is derived from the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FloorRule {
    /// Operations with outcome `ok`; [`FloorRule::OK_OPERATIONS`] when absent.
    pub ok_operations: Option<u64>,
    /// Faults fired; every planned one when absent.
    pub faults_fired: Option<u64>,
    /// Watch events delivered; 1 when there are watchers, else 0.
    pub watch_events: Option<u64>,
    /// What traffic must come to; nothing when absent.
    pub traffic: BTreeMap<String, u64>,
    /// Guarantees, by the names of their checkers, that need not have looked at anything.
    pub not_examined: Vec<String>,
}

impl FloorRule {
    /// The usual floor.
    pub const OK_OPERATIONS: u64 = 200;

    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<FloorRule, LoadError> {
        Ok(FloorRule {
            ok_operations: keys.perhaps("ok_operations", 0..=1_000_000_000)?,
            faults_fired: keys.perhaps("faults_fired", 0..=1_000_000)?,
            watch_events: keys.perhaps("watch_events", 0..=1_000_000_000)?,
            traffic: FloorRule::traffic(keys)?,
            not_examined: keys.texts("not_examined")?,
        })
    }

    fn traffic(keys: &mut Keys<'_>) -> Result<BTreeMap<String, u64>, LoadError> {
        let section = keys.section("traffic", "[floor.traffic]")?;
        Keys::read(section.as_ref(), |keys| {
            let mut floors = BTreeMap::new();
            for word in Count::ALL.map(Count::word) {
                if let Some(floor) = keys.perhaps(word, 1..=1_000_000_000)? {
                    floors.insert(word.to_owned(), floor);
                }
            }
            Ok(floors)
        })
    }

    /// The floor of a plan with so many faults.
    pub fn of(&self, faults: usize, watched: bool) -> Floor {
        Floor {
            ok_operations: self.ok_operations.unwrap_or(FloorRule::OK_OPERATIONS),
            faults_fired: self.faults_fired.unwrap_or(faults as u64),
            watch_events: self.watch_events.unwrap_or(u64::from(watched)),
            traffic: self.traffic.clone(),
            not_examined: self.not_examined.clone(),
        }
    }
}

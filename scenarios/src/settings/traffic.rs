//! `[traffic]`: what clients do, and for how long.

use serde::{Deserialize, Serialize};

use super::value::Least;
use super::{Random, Value};
use crate::error::LoadError;
use crate::reader::Keys;
use crate::time::{Draw, MILLISECOND, SECOND};

/// What clients do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(deserialize = "T: Deserialize<'de>, Traffic<T>: Default")
)]
pub struct Traffic<T: Value = u64> {
    /// Number of clients; a client has one operation in flight.
    pub clients: u32,
    /// Mean pause of a client between two operations.
    pub pace_ns: T,
    /// Keys in use; fewer keys, more contention.
    pub keys: u32,
    /// How often which operation.
    pub weights: OpWeights,
    /// Deadline of an operation.
    pub deadline_ns: T,
    /// Mean time between two compactions; 0 for none.
    pub compact_every_ns: T,
    /// Compacts beyond what the evidence watchers have delivered as well.
    pub compact_ahead: bool,
    /// Watchers that come and go: from the compact revision, the past, the future; resumed.
    pub watchers: u32,
    /// Mean time between two manual progress requests of a watcher; 0 for none.
    pub progress_every_ns: T,
    /// One full-range watcher with previous values at each member, all the time.
    pub evidence: bool,
}

impl Traffic<Draw> {
    /// Reads how long the traffic lasts (ns), and what clients do.
    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<(u64, Traffic<Draw>), LoadError> {
        let duration_ns = keys.time_above_zero("duration", 30 * SECOND)?;
        let traffic = Traffic {
            clients: keys.count("clients", 1..=200, 4)?,
            pace_ns: keys.draw_above_zero("pace", Draw::exactly(80 * MILLISECOND))?,
            keys: keys.count("keys", 1..=10_000, 8)?,
            weights: OpWeights::read(keys)?,
            deadline_ns: keys.draw_above_zero("deadline", Draw::exactly(2 * SECOND))?,
            compact_every_ns: keys.draw("compact_every", Draw::between(4 * SECOND, 12 * SECOND))?,
            compact_ahead: keys.flag("compact_ahead", false)?,
            watchers: keys.count("watchers", 0..=100, 2)?,
            progress_every_ns: keys.draw("progress_every", Draw::exactly(2 * SECOND))?,
            evidence: keys.flag("evidence", true)?,
        };
        Ok((duration_ns, traffic))
    }

    /// Draws the times.
    pub fn draw(&self, random: &mut impl Random) -> Traffic {
        Traffic {
            clients: self.clients,
            pace_ns: self.pace_ns.draw(random),
            keys: self.keys,
            weights: self.weights.clone(),
            deadline_ns: self.deadline_ns.draw(random),
            compact_every_ns: self.compact_every_ns.draw(random),
            compact_ahead: self.compact_ahead,
            watchers: self.watchers,
            progress_every_ns: self.progress_every_ns.draw(random),
            evidence: self.evidence,
        }
    }
}

impl Default for Traffic<Draw> {
    fn default() -> Traffic<Draw> {
        Keys::usual(Traffic::read).1
    }
}

impl Default for Traffic {
    fn default() -> Traffic {
        Traffic::<Draw>::default().draw(&mut Least)
    }
}

/// How often which operation, relative to each other; 0 for those that a plan does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpWeights {
    /// Put of a unique value, at times with `prev_kv`.
    pub put: u32,
    /// Linearizable read of one key.
    pub get: u32,
    /// Linearizable read of a range, with limit, count only, keys only.
    pub range: u32,
    /// Read at an earlier revision.
    pub history: u32,
    /// Serializable read.
    pub serializable: u32,
    /// Delete of one key.
    pub delete: u32,
    /// Delete of a range.
    pub delete_range: u32,
    /// Transaction with compares and several operations.
    pub txn: u32,
    /// Compare-and-swap on the last revision seen.
    pub cas: u32,
}

impl OpWeights {
    /// Reads `weights`: the usual ones, or those written there and 0 for all others.
    fn read(traffic: &mut Keys<'_>) -> Result<OpWeights, LoadError> {
        let section = traffic.section("weights", "[traffic.weights]")?;
        let weights = Keys::read(section.as_ref(), |keys| {
            let mut weight =
                |key, usual| keys.count(key, 0..=1000, if section.is_some() { 0 } else { usual });
            Ok(OpWeights {
                put: weight("put", 30)?,
                get: weight("get", 20)?,
                range: weight("range", 8)?,
                history: weight("history", 5)?,
                serializable: weight("serializable", 4)?,
                delete: weight("delete", 8)?,
                delete_range: weight("delete_range", 2)?,
                txn: weight("txn", 13)?,
                cas: weight("cas", 10)?,
            })
        })?;
        match section {
            Some(section) if weights.total() == 0 => Err(section
                .complain("weights", "all weights are zero")
                .remedy("give at least one operation a weight; an operation left out has weight 0")
                .into()),
            _ => Ok(weights),
        }
    }

    /// The usual mix.
    pub fn usual() -> OpWeights {
        Keys::usual(OpWeights::read)
    }

    /// All of them together.
    pub fn total(&self) -> u32 {
        let OpWeights { put, get, range, history, serializable, delete, delete_range, txn, cas } =
            self;
        put + get + range + history + serializable + delete + delete_range + txn + cas
    }
}

//! `[traffic.weights]`: how often which operation.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::reader::Keys;

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
    /// Transaction of up to 128 operations, one inside another, with reads of the past.
    pub large_txn: u32,
    /// Delete of every key with a prefix.
    pub delete_prefix: u32,
    /// Delete of every key.
    pub delete_all: u32,
    /// List page by page, all pages at the revision of the first.
    pub paged: u32,
    /// Request that looks wrong and has a meaning: an end below its key, a negative limit.
    pub odd: u32,
    /// Request that validation must refuse.
    pub malformed: u32,
}

impl OpWeights {
    /// Reads `weights`: the usual ones, or those written there and 0 for all others.
    pub(super) fn read(traffic: &mut Keys<'_>) -> Result<OpWeights, LoadError> {
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
                large_txn: weight("large_txn", 0)?,
                delete_prefix: weight("delete_prefix", 0)?,
                delete_all: weight("delete_all", 0)?,
                paged: weight("paged", 0)?,
                odd: weight("odd", 0)?,
                malformed: weight("malformed", 0)?,
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
        self.in_order().into_iter().sum()
    }

    /// Changes each of them, in the order of the fields.
    pub(crate) fn for_each(&mut self, mut change: impl FnMut(&mut u32)) {
        let OpWeights { put, get, range, history, serializable, delete, delete_range, .. } = self;
        for weight in [put, get, range, history, serializable, delete, delete_range] {
            change(weight);
        }
        let OpWeights {
            txn, cas, large_txn, delete_prefix, delete_all, paged, odd, malformed, ..
        } = self;
        for weight in [txn, cas, large_txn, delete_prefix, delete_all, paged, odd, malformed] {
            change(weight);
        }
    }

    /// Each of them, in the order of the fields.
    pub fn in_order(&self) -> [u32; 15] {
        let OpWeights { put, get, range, history, serializable, delete, delete_range, .. } = *self;
        let OpWeights {
            txn, cas, large_txn, delete_prefix, delete_all, paged, odd, malformed, ..
        } = *self;
        [
            put,
            get,
            range,
            history,
            serializable,
            delete,
            delete_range,
            txn,
            cas,
            large_txn,
            delete_prefix,
            delete_all,
            paged,
            odd,
            malformed,
        ]
    }
}

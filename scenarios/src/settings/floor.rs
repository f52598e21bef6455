//! `[floor]`: what a run must reach to count.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::reader::Keys;

/// What a run must reach to count; otherwise its verdict is `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Operations with outcome `ok`.
    pub ok_operations: u64,
    /// Faults that fired.
    pub faults_fired: u64,
    /// Watch events delivered.
    pub watch_events: u64,
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
}

impl FloorRule {
    /// The usual floor.
    pub const OK_OPERATIONS: u64 = 200;

    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<FloorRule, LoadError> {
        Ok(FloorRule {
            ok_operations: keys.perhaps("ok_operations", 0..=1_000_000_000)?,
            faults_fired: keys.perhaps("faults_fired", 0..=1_000_000)?,
            watch_events: keys.perhaps("watch_events", 0..=1_000_000_000)?,
        })
    }

    /// The floor of a plan with so many faults.
    pub fn of(&self, faults: usize, watched: bool) -> Floor {
        Floor {
            ok_operations: self.ok_operations.unwrap_or(FloorRule::OK_OPERATIONS),
            faults_fired: self.faults_fired.unwrap_or(faults as u64),
            watch_events: self.watch_events.unwrap_or(u64::from(watched)),
        }
    }
}

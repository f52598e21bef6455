//! Faults of the clocks. There is none yet: the clocks of the simulator can be set, but no word does it.

use serde::{Deserialize, Serialize};

use super::kind::{Family, Kind};

/// A fault of a member's clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockFault {}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "clock",
    kinds: &[],
    parse: |json| serde_json::from_value(json).map(super::Fault::Clock),
};

impl ClockFault {
    pub(super) fn kind(&self) -> &'static Kind {
        match *self {}
    }
}

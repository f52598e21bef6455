//! `[service]`: how well a cluster has to serve where nothing is wrong, and how soon after a fault.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::reader::Keys;
use crate::time::{MILLISECOND, SECOND};

/// What is asked of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSettings {
    /// The longest time to an answer where nothing is wrong (ns).
    pub latency_ns: u64,
    /// The time within which nine calls of ten are answered there (ns).
    pub usual_latency_ns: u64,
    /// Election timeouts from the moment that a quorum can talk to the first write that succeeds.
    pub recovery: u64,
    /// From an election to the answer to a write that waited for it (ns).
    pub pending_ns: u64,
    /// Changes of leader that a fault may cause when it comes and when it goes, together.
    pub changes_per_fault: u64,
    /// While faults hold, one more change of leader is granted for each such time (ns).
    pub change_every_ns: u64,
}

impl ServiceSettings {
    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<ServiceSettings, LoadError> {
        Ok(ServiceSettings {
            latency_ns: keys.time_above_zero("latency", SECOND)?,
            usual_latency_ns: keys.time_above_zero("usual_latency", 250 * MILLISECOND)?,
            recovery: keys.number("recovery", 1..=100, 5)?,
            pending_ns: keys.time_above_zero("pending", SECOND)?,
            changes_per_fault: keys.number("changes_per_fault", 1..=100, 2)?,
            change_every_ns: keys.time_above_zero("change_every", 2 * SECOND)?,
        })
    }
}

impl Default for ServiceSettings {
    fn default() -> ServiceSettings {
        Keys::usual(ServiceSettings::read)
    }
}

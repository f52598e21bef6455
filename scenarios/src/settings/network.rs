//! `[network]`: the network without faults.

use serde::{Deserialize, Serialize};

use super::{Latency, Random};
use crate::error::LoadError;
use crate::reader::Keys;
use crate::time::{Draw, MILLISECOND};

/// The network without faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings<T = u64> {
    /// One way, between members and between clients and members.
    pub latency: Latency<T>,
}

impl NetworkSettings<Draw> {
    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<NetworkSettings<Draw>, LoadError> {
        // Machines in one building.
        let usual = Latency {
            base_ns: Draw::between(MILLISECOND / 5, 2 * MILLISECOND),
            jitter_ns: Draw::between(MILLISECOND / 10, 2 * MILLISECOND),
            tail_permille: 5,
            tail_ns: Draw::between(10 * MILLISECOND, 60 * MILLISECOND),
        };
        Ok(NetworkSettings { latency: Latency::read(keys, usual)? })
    }

    /// Draws the times.
    pub fn draw(&self, random: &mut impl Random) -> NetworkSettings {
        NetworkSettings { latency: self.latency.draw(random) }
    }
}

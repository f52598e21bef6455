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
    /// A write is sent in segments of so many bytes, each with a latency of its own; 0 sends it as
    /// a whole. So a connection that breaks can break in the middle of a frame.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub segment_bytes: u32,
    /// Of a thousand connections of a killed process, so many lose a part of what was on its way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tail_lost_permille: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
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
        Ok(NetworkSettings {
            latency: Latency::read(keys, usual)?,
            segment_bytes: keys.count("segment_bytes", 0..=1 << 20, 0)?,
            tail_lost_permille: keys.permille("tail_lost_permille", 0)?,
        })
    }

    /// Draws the times.
    pub fn draw(&self, random: &mut impl Random) -> NetworkSettings {
        let NetworkSettings { latency, segment_bytes, tail_lost_permille } = *self;
        NetworkSettings { latency: latency.draw(random), segment_bytes, tail_lost_permille }
    }
}

//! What a value is before it is drawn and after, and where the draws come from.

use std::fmt::Debug;

use super::Latency;
use crate::time::Draw;

/// A time, and with it all that is drawn: [`Draw`] in a scenario, `u64` nanoseconds in a plan.
pub trait Value: Copy + Debug + Eq {
    /// One of several words; in a scenario it may be left open.
    type Choice<W: Copy + Debug + Eq>: Copy + Debug + Eq;
    /// How long an operation of a disk takes; in a scenario it is said by one time.
    type DiskTime: Copy + Debug + Eq;
}

impl Value for Draw {
    type Choice<W: Copy + Debug + Eq> = Option<W>;
    type DiskTime = Draw;
}

impl Value for u64 {
    type Choice<W: Copy + Debug + Eq> = W;
    type DiskTime = Latency;
}

/// A source of random numbers. A call takes one draw for any limits.
pub trait Random {
    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64;
}

impl Draw {
    /// Draws the time.
    pub fn draw(self, random: &mut impl Random) -> u64 {
        random.between(self.min_ns, self.max_ns)
    }
}

/// Draws the least of each range.
///
/// So a plan that lacks a key gets the least of what is usual. A key that is added to the settings
/// has to begin its usual range at what runs did before it was there; then a kept plan means the
/// same run.
pub(super) struct Least;

impl Random for Least {
    fn between(&mut self, low: u64, _high: u64) -> u64 {
        low
    }
}

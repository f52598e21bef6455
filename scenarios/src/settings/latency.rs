//! A distribution of times: a base, a jitter above it, and a rare tail.

use serde::{Deserialize, Serialize};

use super::Random;
use crate::error::LoadError;
use crate::reader::Keys;
use crate::time::Draw;

/// A distribution of times: `base`, plus up to `jitter`, plus rarely up to `tail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency<T = u64> {
    /// At least this long.
    pub base_ns: T,
    /// Plus a uniform share of this.
    pub jitter_ns: T,
    /// Chance in 1000 of the tail.
    pub tail_permille: u32,
    /// Then plus a uniform share of this.
    pub tail_ns: T,
}

impl Latency<Draw> {
    /// Reads a latency; what is absent stays as it is in `usual`.
    pub(crate) fn read(
        keys: &mut Keys<'_>,
        usual: Latency<Draw>,
    ) -> Result<Latency<Draw>, LoadError> {
        let base_ns = keys.draw("base", usual.base_ns)?;
        let jitter_ns = keys.draw("jitter", usual.jitter_ns)?;
        let tail_ns = keys.draw("tail", usual.tail_ns)?;
        let tail_permille = keys.permille("tail_permille", usual.tail_permille)?;
        Ok(Latency { base_ns, jitter_ns, tail_permille, tail_ns })
    }

    /// Draws the times.
    pub fn draw(&self, random: &mut impl Random) -> Latency {
        Latency {
            base_ns: self.base_ns.draw(random),
            jitter_ns: self.jitter_ns.draw(random),
            tail_permille: self.tail_permille,
            tail_ns: self.tail_ns.draw(random),
        }
    }
}

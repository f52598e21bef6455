//! `[traffic]`: what clients do, and for how long.

mod calls;
mod keys;
mod mix;
mod values;
mod watch;

pub use calls::Calls;
pub use keys::{KeyShape, KeySpace};
pub use mix::OpWeights;
pub use values::{LONGEST_VALUE, Values};
pub use watch::WatchSettings;

use serde::{Deserialize, Serialize};

use super::value::Least;
use super::{Keyed, Random, Value};
use crate::error::LoadError;
use crate::number::Spread;
use crate::reader::{Keys, Section};
use crate::time::{Draw, MILLISECOND, SECOND};

/// What clients do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T: Serialize, T::Number: Serialize, KeySpace<T>: Serialize, \
                     Values<T>: Serialize, Calls<T>: Serialize, WatchSettings<T>: Serialize",
        deserialize = "T: Deserialize<'de>, T::Number: Deserialize<'de>, \
                       KeySpace<T>: Deserialize<'de>, Values<T>: Deserialize<'de>, \
                       Calls<T>: Deserialize<'de>, WatchSettings<T>: Deserialize<'de>, \
                       Traffic<T>: Default"
    )
)]
pub struct Traffic<T: Value = u64> {
    /// Number of clients.
    pub clients: T::Number,
    /// Operations that each client keeps in flight; each of them is a process of its own.
    pub depth: T::Number,
    /// Operations that each client starts in a second, whatever is in flight; 0 for a closed loop.
    pub rate: T::Number,
    /// Mean pause between an answer and the next operation, in a closed loop.
    pub pace_ns: T,
    /// Keys in use; fewer keys, more contention.
    pub keys: T::Number,
    /// What keys look like, and which are asked for most.
    pub key_space: KeySpace<T>,
    /// How long values are, and what they hold.
    pub values: Values<T>,
    /// How long clients wait, when they give up, what they ask besides.
    pub calls: Calls<T>,
    /// How often which operation.
    pub weights: OpWeights,
    /// Deadline of an operation.
    pub deadline_ns: T,
    /// Mean time between two compactions; 0 for none.
    pub compact_every_ns: T,
    /// Compacts beyond what the evidence watchers have delivered as well.
    pub compact_ahead: bool,
    /// Watchers that come and go: from the compact revision, the past, the future; resumed.
    pub watchers: T::Number,
    /// What they ask of a stream.
    pub watch: WatchSettings<T>,
    /// Mean time between two manual progress requests of a watcher; 0 for none.
    pub progress_every_ns: T,
    /// One full-range watcher with previous values at each member, all the time.
    pub evidence: bool,
}

impl Traffic<Draw> {
    /// Reads the table and refuses keys that would mean nothing beside each other.
    pub(crate) fn load(root: &Section<'_>) -> Result<(u64, Traffic<Draw>), LoadError> {
        let section = root.section("traffic", "[traffic]")?;
        let (duration_ns, mut traffic) = Keys::read(section.as_ref(), Traffic::read)?;
        if let Some(section) = &section {
            traffic.values = Values::load(section)?;
        }
        let open = section.filter(|_| traffic.rate.least() > 0);
        let closed = ["depth", "pace"];
        if let Some(section) = open
            && let Some(key) = closed.into_iter().find(|key| section.has(key))
        {
            return Err(section
                .complain(key, format!("`{key}` is of a closed loop, and `rate` opens it"))
                .remedy(format!("remove `{key}` or `rate`"))
                .into());
        }
        Ok((duration_ns, traffic))
    }

    /// Reads how long the traffic lasts (ns), and what clients do.
    fn read(keys: &mut Keys<'_>) -> Result<(u64, Traffic<Draw>), LoadError> {
        let duration_ns = keys.time_above_zero("duration", 30 * SECOND)?;
        let traffic = Traffic {
            clients: keys.choice("clients", 1..=200, 4, Spread::Wide)?,
            depth: keys.choice("depth", 1..=64, 1, Spread::Wide)?,
            rate: keys.choice("rate", 0..=1000, 0, Spread::Wide)?,
            pace_ns: keys.draw("pace", Draw::exactly(80 * MILLISECOND))?,
            keys: keys.choice("keys", 1..=10_000, 8, Spread::Wide)?,
            key_space: Keys::read(
                keys.section("key_space", "[traffic.key_space]")?.as_ref(),
                KeySpace::read,
            )?,
            values: {
                keys.section("values", "[traffic.values]")?;
                Values::default()
            },
            calls: Keys::read(keys.section("calls", "[traffic.calls]")?.as_ref(), Calls::read)?,
            weights: OpWeights::read(keys)?,
            deadline_ns: keys.draw_above_zero("deadline", Draw::exactly(2 * SECOND))?,
            compact_every_ns: keys.draw("compact_every", Draw::between(4 * SECOND, 12 * SECOND))?,
            compact_ahead: keys.flag("compact_ahead", false)?,
            watchers: keys.choice("watchers", 0..=100, 2, Spread::Even)?,
            watch: Keys::read(
                keys.section("watch", "[traffic.watch]")?.as_ref(),
                WatchSettings::read,
            )?,
            progress_every_ns: keys.draw("progress_every", Draw::exactly(2 * SECOND))?,
            evidence: keys.flag("evidence", true)?,
        };
        Ok((duration_ns, traffic))
    }

    /// Draws the times, and the numbers that are left open.
    pub fn draw(&self, random: &mut impl Random, keyed: &mut impl Keyed) -> Traffic {
        Traffic {
            clients: self.clients.draw("clients", keyed),
            depth: self.depth.draw("depth", keyed),
            rate: self.rate.draw("rate", keyed),
            pace_ns: self.pace_ns.draw_wide(random),
            keys: self.keys.draw("keys", keyed),
            key_space: self.key_space.draw(keyed),
            values: self.values.draw(keyed),
            calls: self.calls.draw(keyed),
            weights: self.weights.clone(),
            deadline_ns: self.deadline_ns.draw(random),
            compact_every_ns: self.compact_every_ns.draw(random),
            compact_ahead: self.compact_ahead,
            watchers: self.watchers.draw("watchers", keyed),
            watch: self.watch.draw(keyed),
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
        Traffic::<Draw>::default().draw(&mut Least, &mut Least)
    }
}

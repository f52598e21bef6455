//! `[traffic.watch]`: what watchers that come and go ask of a stream.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::number::Spread;
use crate::reader::Keys;
use crate::settings::value::Least;
use crate::settings::{Keyed, Value};
use crate::time::Draw;

/// What watchers that come and go ask of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T::Number: Serialize",
        deserialize = "T::Number: Deserialize<'de>, WatchSettings<T>: Default"
    )
)]
pub struct WatchSettings<T: Value = u64> {
    /// Watchers on one stream, at most.
    pub on_a_stream: T::Number,
    /// Chance in 1000 that a watcher chooses its id.
    pub chosen_id_permille: T::Number,
    /// Chance in 1000 that a watcher takes responses in parts.
    pub fragment_permille: T::Number,
    /// Chance in 1000 that a watcher begins at a revision that is compacted.
    pub stale_permille: T::Number,
    /// Chance in 1000 that a client stops reading a stream for a time: up to 5 s.
    pub slow_permille: T::Number,
}

impl WatchSettings<Draw> {
    pub(super) fn read(keys: &mut Keys<'_>) -> Result<WatchSettings<Draw>, LoadError> {
        let on_a_stream = keys.choice("on_a_stream", 1..=16, 1, Spread::Even)?;
        let mut permille = |key| keys.choice(key, 0..=1000, 0, Spread::Even);
        Ok(WatchSettings {
            on_a_stream,
            chosen_id_permille: permille("chosen_id_permille")?,
            fragment_permille: permille("fragment_permille")?,
            stale_permille: permille("stale_permille")?,
            slow_permille: permille("slow_permille")?,
        })
    }

    /// Draws what is left open.
    pub(super) fn draw(&self, keyed: &mut impl Keyed) -> WatchSettings {
        WatchSettings {
            on_a_stream: self.on_a_stream.draw("on_a_stream", keyed),
            chosen_id_permille: self.chosen_id_permille.draw("chosen_id_permille", keyed),
            fragment_permille: self.fragment_permille.draw("fragment_permille", keyed),
            stale_permille: self.stale_permille.draw("stale_permille", keyed),
            slow_permille: self.slow_permille.draw("slow_permille", keyed),
        }
    }
}

impl Default for WatchSettings<Draw> {
    fn default() -> WatchSettings<Draw> {
        Keys::usual(WatchSettings::read)
    }
}

impl Default for WatchSettings {
    fn default() -> WatchSettings {
        WatchSettings::<Draw>::default().draw(&mut Least)
    }
}

//! `[traffic.key_space]`: what keys look like, and which of them are asked for most.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::number::Spread;
use crate::reader::Keys;
use crate::settings::value::Least;
use crate::settings::{Keyed, Value};
use crate::time::Draw;

/// What keys look like, and which of them are asked for most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T::Number: Serialize, T::Choice<KeyShape>: Serialize",
        deserialize = "T::Number: Deserialize<'de>, T::Choice<KeyShape>: Deserialize<'de>, \
                       KeySpace<T>: Default"
    )
)]
pub struct KeySpace<T: Value = u64> {
    /// How a key's number becomes its name.
    pub shape: T::Choice<KeyShape>,
    /// So many keys are hot.
    pub hot_keys: T::Number,
    /// Chance in 1000 that a hot key is taken instead of any.
    pub hot_permille: T::Number,
}

/// How a key's number becomes its name. Names sort as numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyShape {
    /// `k0007`.
    Plain,
    /// Some keys begin with the whole name of another: `k0007`, `k0007/a`, `k0007/a/b`.
    Nested,
    /// Any bytes, with `\0` and `\xff` at the ends of names and of the key space.
    Binary,
}

const SHAPES: [KeyShape; 3] = [KeyShape::Plain, KeyShape::Nested, KeyShape::Binary];

impl KeySpace<Draw> {
    pub(super) fn read(keys: &mut Keys<'_>) -> Result<KeySpace<Draw>, LoadError> {
        let words = [
            ("any", None),
            ("plain", Some(KeyShape::Plain)),
            ("nested", Some(KeyShape::Nested)),
            ("binary", Some(KeyShape::Binary)),
        ];
        Ok(KeySpace {
            shape: keys.word("shape", &words, Some(KeyShape::Plain))?,
            hot_keys: keys.choice("hot_keys", 1..=10_000, 1, Spread::Wide)?,
            hot_permille: keys.choice("hot_permille", 0..=1000, 0, Spread::Even)?,
        })
    }

    /// Draws what is left open.
    pub(super) fn draw(&self, keyed: &mut impl Keyed) -> KeySpace {
        let shape = self.shape.unwrap_or_else(|| {
            let number = keyed.between("shape", 0, SHAPES.len() as u64 - 1);
            keyed.drawn("shape", number);
            SHAPES[number as usize]
        });
        KeySpace {
            shape,
            hot_keys: self.hot_keys.draw("hot_keys", keyed),
            hot_permille: self.hot_permille.draw("hot_permille", keyed),
        }
    }
}

impl Default for KeySpace<Draw> {
    fn default() -> KeySpace<Draw> {
        Keys::usual(KeySpace::read)
    }
}

impl Default for KeySpace {
    fn default() -> KeySpace {
        KeySpace::<Draw>::default().draw(&mut Least)
    }
}

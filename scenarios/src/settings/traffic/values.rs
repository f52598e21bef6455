//! `[traffic.values]`: how long values are, and what they hold.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::number::{Number, Spread};
use crate::reader::{Keys, Section};
use crate::settings::value::Least;
use crate::settings::{Keyed, Value};
use crate::time::Draw;

/// The longest value: a mebibyte.
pub const LONGEST_VALUE: u64 = 1 << 20;

/// How long values are, and what they hold.
///
/// The length of a value is drawn between `least` and `most`, each power of two as likely as the
/// next. A value is at least its own name, by which it is told from all others; only a value of
/// length 0 and a repeated one are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T::Number: Serialize",
        deserialize = "T::Number: Deserialize<'de>, Values<T>: Default"
    )
)]
pub struct Values<T: Value = u64> {
    /// Bytes of a value, at least.
    pub least: T::Number,
    /// Bytes of a value, at most; 0 for its name alone.
    pub most: T::Number,
    /// Chance in 1000 that a value is longer than `most`: up to [`LONGEST_VALUE`].
    pub large_permille: T::Number,
    /// Chance in 1000 that what follows the name is any bytes instead of text.
    pub binary_permille: T::Number,
    /// Chance in 1000 that a value is one of a few that are written again and again.
    pub repeated_permille: T::Number,
}

impl Values<Draw> {
    /// Reads the table and refuses ends of the range that no length lies between.
    pub(super) fn load(traffic: &Section<'_>) -> Result<Values<Draw>, LoadError> {
        let section = traffic.section("values", "[traffic.values]")?;
        let values = Keys::read(section.as_ref(), Values::read)?;
        match section {
            Some(section) if values.least.most() > values.most.least() => Err(section
                .complain("least", "a value would have to be longer than `most`")
                .remedy("lower `least` or raise `most`")
                .into()),
            _ => Ok(values),
        }
    }

    fn read(keys: &mut Keys<'_>) -> Result<Values<Draw>, LoadError> {
        Ok(Values {
            least: keys.bytes("least", 0..=LONGEST_VALUE, 0)?,
            most: keys.bytes("most", 0..=LONGEST_VALUE, 0)?,
            large_permille: permille(keys, "large_permille")?,
            binary_permille: permille(keys, "binary_permille")?,
            repeated_permille: permille(keys, "repeated_permille")?,
        })
    }

    /// Draws what is left open.
    pub(super) fn draw(&self, keyed: &mut impl Keyed) -> Values {
        Values {
            least: self.least.draw("least", keyed),
            most: self.most.draw("most", keyed),
            large_permille: self.large_permille.draw("large_permille", keyed),
            binary_permille: self.binary_permille.draw("binary_permille", keyed),
            repeated_permille: self.repeated_permille.draw("repeated_permille", keyed),
        }
    }
}

fn permille(keys: &mut Keys<'_>, key: &'static str) -> Result<Number, LoadError> {
    keys.choice(key, 0..=1000, 0, Spread::Even)
}

impl Default for Values<Draw> {
    fn default() -> Values<Draw> {
        Keys::usual(Values::read)
    }
}

impl Default for Values {
    fn default() -> Values {
        Values::<Draw>::default().draw(&mut Least)
    }
}

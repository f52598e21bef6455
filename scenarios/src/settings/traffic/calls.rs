//! `[traffic.calls]`: how long clients wait, when they give up, what they ask members besides.

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::number::Spread;
use crate::reader::Keys;
use crate::settings::value::Least;
use crate::settings::{Keyed, Value};
use crate::time::Draw;

/// How long clients wait, when they give up, what they ask members besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T::Number: Serialize",
        deserialize = "T::Number: Deserialize<'de>, Calls<T>: Default"
    )
)]
pub struct Calls<T: Value = u64> {
    /// Chance in 1000 that a call has a short deadline: from 5 ms up to the usual one.
    pub hurried_permille: T::Number,
    /// Chance in 1000 that a client drops a call while it is in flight.
    pub abandoned_permille: T::Number,
    /// Questions in a second that are no operations: MemberList, Status, HashKV, health; 0 for none.
    pub questions: T::Number,
}

impl Calls<Draw> {
    pub(super) fn read(keys: &mut Keys<'_>) -> Result<Calls<Draw>, LoadError> {
        Ok(Calls {
            hurried_permille: keys.choice("hurried_permille", 0..=1000, 0, Spread::Even)?,
            abandoned_permille: keys.choice("abandoned_permille", 0..=1000, 0, Spread::Even)?,
            questions: keys.choice("questions", 0..=1000, 0, Spread::Even)?,
        })
    }

    /// Draws what is left open.
    pub(super) fn draw(&self, keyed: &mut impl Keyed) -> Calls {
        Calls {
            hurried_permille: self.hurried_permille.draw("hurried_permille", keyed),
            abandoned_permille: self.abandoned_permille.draw("abandoned_permille", keyed),
            questions: self.questions.draw("questions", keyed),
        }
    }
}

impl Default for Calls<Draw> {
    fn default() -> Calls<Draw> {
        Keys::usual(Calls::read)
    }
}

impl Default for Calls {
    fn default() -> Calls {
        Calls::<Draw>::default().draw(&mut Least)
    }
}

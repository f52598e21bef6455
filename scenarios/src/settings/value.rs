//! What a value is before it is drawn and after, and where the draws come from.

use std::fmt::Debug;

use super::Latency;
use crate::number::{Number, Spread};
use crate::time::Draw;

/// A time, and with it all that is drawn: [`Draw`] in a scenario, `u64` nanoseconds in a plan.
pub trait Value: Copy + Debug + Eq {
    /// A whole number; in a scenario it may be a range or a list.
    type Number: Clone + Debug + Eq;
    /// One of several words; in a scenario it may be left open.
    type Choice<W: Copy + Debug + Eq>: Copy + Debug + Eq;
    /// How long an operation of a disk takes; in a scenario it is said by one time.
    type DiskTime: Copy + Debug + Eq;
}

impl Value for Draw {
    type Number = Number;
    type Choice<W: Copy + Debug + Eq> = Option<W>;
    type DiskTime = Draw;
}

impl Value for u64 {
    type Number = u64;
    type Choice<W: Copy + Debug + Eq> = W;
    type DiskTime = Latency;
}

/// A source of random numbers. A call takes one draw for any limits.
pub trait Random {
    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64;
}

/// Sources of random numbers by the key of a setting: a key that is drawn moves no other draw.
pub trait Keyed {
    /// A number from `low` to `high`, both included, from the source of this key.
    fn between(&mut self, key: &'static str, low: u64, high: u64) -> u64;

    /// Hears what was drawn for a key.
    fn drawn(&mut self, _key: &'static str, _number: u64) {}
}

/// From this quotient of its ends on, a range is wide.
const WIDE: u64 = 16;

impl Draw {
    /// Draws the time.
    pub fn draw(self, random: &mut impl Random) -> u64 {
        random.between(self.min_ns, self.max_ns)
    }

    /// Draws the time; in a range whose ends are far apart, each power of two is as likely.
    pub fn draw_wide(self, random: &mut impl Random) -> u64 {
        let Draw { min_ns, max_ns } = self;
        if max_ns / min_ns.max(1) < WIDE {
            return self.draw(random);
        }
        wide(min_ns, max_ns, |low, high| random.between(low, high))
    }
}

impl Number {
    /// Draws the number under its key; a fixed one takes no draw.
    pub fn draw(&self, key: &'static str, keyed: &mut impl Keyed) -> u64 {
        let number = match self {
            Number::One(number) => return *number,
            Number::Between { low, high, spread: Spread::Even } => keyed.between(key, *low, *high),
            Number::Between { low, high, spread: Spread::Wide } => {
                wide(*low, *high, |low, high| keyed.between(key, low, high))
            }
            Number::OneOf(numbers) => {
                let last = numbers.len().saturating_sub(1);
                numbers.get(keyed.between(key, 0, last as u64) as usize).copied().unwrap_or(0)
            }
        };
        keyed.drawn(key, number);
        number
    }
}

/// Draws from `low` to `high` so that each power of two between them is as likely as the next.
pub fn wide(low: u64, high: u64, between: impl FnOnce(u64, u64) -> u64) -> u64 {
    let octave = |number: u64| u64::from(u64::BITS - number.leading_zeros());
    let begin = |octave: u64| if octave == 0 { 0 } else { 1u64 << (octave - 1) };
    let (first, last) = (octave(low), octave(high.max(low)));
    let drawn = between(0, ((last - first + 1) << 32) - 1);
    let (octave, share) = (first + (drawn >> 32), drawn & u64::from(u32::MAX));
    let from = begin(octave).max(low);
    let to = begin(octave).saturating_mul(2).saturating_sub(1).max(from).min(high.max(low));
    from + ((u128::from(to - from + 1) * u128::from(share)) >> 32) as u64
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

impl Keyed for Least {
    fn between(&mut self, _key: &'static str, low: u64, _high: u64) -> u64 {
        low
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wide_draw_stays_in_its_range(a in any::<u64>(), b in any::<u64>(), drawn in any::<u64>()) {
            let (low, high) = (a.min(b), a.max(b));
            let number = wide(low, high, |_, most| drawn % (most + 1));
            prop_assert!((low..=high).contains(&number), "{number}");
        }
    }

    #[test]
    fn each_power_of_two_is_as_likely() {
        let mut counts = [0; 8];
        for at in 0..8000u64 {
            let number = wide(1, 255, |_, most| (most / 8000) * at);
            counts[number.ilog2() as usize] += 1;
        }
        assert!(counts.iter().all(|count| (990..=1010).contains(count)), "{counts:?}");
        assert_eq!(wide(0, 0, |low, _| low), 0);
        assert_eq!(wide(9, 9, |_, high| high), 9);
        assert_eq!(wide(0, 200, |_, high| high), 200);
    }
}

//! Faults of the clocks: of members, and of the clients' deadlines.

use serde::{Deserialize, Serialize};

use super::kind::{Family, Kind, Lasts};
use super::{Fault, Group};
use crate::error::LoadError;
use crate::reader::Keys;
use crate::settings::{Random, Value};
use crate::time::{Draw, MILLISECOND, SECOND};

/// A fault of clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    deny_unknown_fields,
    bound(
        serialize = "T: Serialize, T::Choice<Way>: Serialize",
        deserialize = "T: Deserialize<'de>, T::Choice<Way>: Deserialize<'de>"
    )
)]
pub enum ClockFault<T: Value = u64> {
    /// The wall clock is off by a constant.
    ClockOffset {
        /// By so much.
        by_ns: T,
        /// Ahead of true time or behind it.
        way: T::Choice<Way>,
    },
    /// The wall clock and the monotonic clock run fast or slow.
    ClockDrift {
        /// By so many millionths.
        ppm: u32,
        /// Fast (ahead) or slow (behind).
        way: T::Choice<Way>,
    },
    /// The wall clock jumps from where it is, and back at the end.
    ClockStep {
        /// By so much.
        by_ns: T,
        /// Ahead or back.
        way: T::Choice<Way>,
    },
    /// The wall clock stands still.
    ClockFreeze,
    /// The wall clock jumps to and fro.
    ClockStrobe {
        /// By so much.
        by_ns: T,
        /// From one jump to the next.
        period_ns: T,
    },
    /// The clocks of all clients, and with them their deadlines, run fast or slow.
    ClockOfClient {
        /// By so many millionths.
        ppm: u32,
        /// Fast (ahead) or slow (behind).
        way: T::Choice<Way>,
    },
}

/// Which way a clock is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Ahead of true time.
    Ahead,
    /// Behind true time.
    Behind,
}

impl Way {
    /// Reads `way`; without it, or with `any`, it is left to be drawn.
    fn read(keys: &mut Keys<'_>) -> Result<Option<Way>, LoadError> {
        let words = [("any", None), ("ahead", Some(Way::Ahead)), ("behind", Some(Way::Behind))];
        keys.word("way", &words, None)
    }

    /// Draws what was left open. It takes one draw even if nothing was.
    fn draw(open: Option<Way>, random: &mut impl Random) -> Way {
        let drawn = if random.between(0, 1) == 0 { Way::Ahead } else { Way::Behind };
        open.unwrap_or(drawn)
    }
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "clock",
    kinds: &[
        &CLOCK_OFFSET,
        &CLOCK_DRIFT,
        &CLOCK_STEP,
        &CLOCK_FREEZE,
        &CLOCK_STROBE,
        &CLOCK_OF_CLIENT,
    ],
    parse: |json| serde_json::from_value(json).map(Fault::Clock),
};

const USUAL: Kind = Kind {
    effect: "the clock was off by more than a heartbeat while the member ran",
    lasts: Lasts::Usually(Draw::between(2 * SECOND, 15 * SECOND)),
    ..Kind::USUAL
};

/// How far a wall clock is usually off.
const BY: Draw = Draw::between(SECOND / 2, 3600 * SECOND);

static CLOCK_OFFSET: Kind = Kind {
    word: "clock_offset",
    about: "The wall clock is off from true time by a constant.",
    read: |keys| {
        let by_ns = keys.draw_above_zero("by", BY)?;
        Ok(ClockFault::ClockOffset { by_ns, way: Way::read(keys)? }.into())
    },
    ..USUAL
};

static CLOCK_DRIFT: Kind = Kind {
    word: "clock_drift",
    about: "The wall clock and the monotonic clock run fast or slow, and timers with them.",
    read: |keys| {
        let ppm = keys.count("ppm", 1..=900_000, 200_000)?;
        Ok(ClockFault::ClockDrift { ppm, way: Way::read(keys)? }.into())
    },
    ..USUAL
};

static CLOCK_STEP: Kind = Kind {
    word: "clock_step",
    about: "The wall clock jumps from where it is, and back at the end.",
    read: |keys| {
        let by_ns = keys.draw_above_zero("by", BY)?;
        Ok(ClockFault::ClockStep { by_ns, way: Way::read(keys)? }.into())
    },
    ..USUAL
};

static CLOCK_FREEZE: Kind = Kind {
    word: "clock_freeze",
    about: "The wall clock stands still.",
    read: |_| Ok(ClockFault::ClockFreeze.into()),
    ..USUAL
};

static CLOCK_STROBE: Kind = Kind {
    word: "clock_strobe",
    about: "The wall clock jumps to and fro.",
    read: |keys| {
        let by_ns = keys.draw_above_zero("by", Draw::between(SECOND / 2, 10 * SECOND))?;
        let usual = Draw::between(10 * MILLISECOND, SECOND / 2);
        let period_ns = keys.draw_above_zero("period", usual)?;
        Ok(ClockFault::ClockStrobe { by_ns, period_ns }.into())
    },
    ..USUAL
};

static CLOCK_OF_CLIENT: Kind = Kind {
    word: "clock_of_client",
    about: "The clocks of all clients run fast or slow, and their deadlines with them.",
    effect: "a client's clock was off by more than a heartbeat",
    usual_target: Group::All,
    read: |keys| {
        let ppm = keys.count("ppm", 1..=900_000, 500_000)?;
        Ok(ClockFault::ClockOfClient { ppm, way: Way::read(keys)? }.into())
    },
    ..USUAL
};

impl<T: Value> ClockFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            ClockFault::ClockOffset { .. } => &CLOCK_OFFSET,
            ClockFault::ClockDrift { .. } => &CLOCK_DRIFT,
            ClockFault::ClockStep { .. } => &CLOCK_STEP,
            ClockFault::ClockFreeze => &CLOCK_FREEZE,
            ClockFault::ClockStrobe { .. } => &CLOCK_STROBE,
            ClockFault::ClockOfClient { .. } => &CLOCK_OF_CLIENT,
        }
    }
}

impl ClockFault<Draw> {
    pub(super) fn draw(&self, random: &mut impl Random) -> ClockFault {
        match *self {
            ClockFault::ClockOffset { by_ns, way } => {
                ClockFault::ClockOffset { by_ns: by_ns.draw(random), way: Way::draw(way, random) }
            }
            ClockFault::ClockDrift { ppm, way } => {
                ClockFault::ClockDrift { ppm, way: Way::draw(way, random) }
            }
            ClockFault::ClockStep { by_ns, way } => {
                ClockFault::ClockStep { by_ns: by_ns.draw(random), way: Way::draw(way, random) }
            }
            ClockFault::ClockFreeze => ClockFault::ClockFreeze,
            ClockFault::ClockStrobe { by_ns, period_ns } => ClockFault::ClockStrobe {
                by_ns: by_ns.draw(random),
                period_ns: period_ns.draw(random),
            },
            ClockFault::ClockOfClient { ppm, way } => {
                ClockFault::ClockOfClient { ppm, way: Way::draw(way, random) }
            }
        }
    }
}

impl<T: Value> From<ClockFault<T>> for Fault<T> {
    fn from(fault: ClockFault<T>) -> Fault<T> {
        Fault::Clock(fault)
    }
}

//! Faults of whole disks: wiped, exchanged, set back, and a log that is gone.
//!
//! The member is killed first if it runs. It starts on what the fault has left, after the duration.

use serde::{Deserialize, Serialize};

use super::disk::FileClass;
use super::kind::{Family, Kind, Lasts, Meanwhile, Targets};
use super::{Fault, Group};
use crate::settings::{Random, Value};
use crate::time::{Draw, SECOND};

/// A fault of a whole disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ImageFault<T = u64> {
    /// The data directory is gone.
    Wipe,
    /// The disks of two members are exchanged; a group of one is given a partner by a keyed coin.
    Swap,
    /// The disk is what it was `age_ns` before the member was killed.
    Rollback {
        /// The age of the older image.
        age_ns: T,
    },
    /// The files of a class are gone.
    Lose {
        /// Which files.
        files: FileClass,
    },
}

/// The family.
pub(super) static FAMILY: Family = Family {
    name: "disk",
    kinds: &[&WIPE, &SWAP, &ROLLBACK, &LOSE],
    parse: |json| serde_json::from_value(json).map(Fault::Image),
};

/// Any machine that is not down for good; one copy less is right afterwards.
const USUAL: Kind = Kind {
    effect: "the member started on it",
    targets: Targets { strikes_stopped: true, ..Targets::RUNNING },
    damages: true,
    meanwhile: Meanwhile::Down,
    lasts: Lasts::Usually(Draw::between(SECOND / 2, 5 * SECOND)),
    ..Kind::USUAL
};

static WIPE: Kind = Kind {
    word: "wipe",
    about: "The data directory of a member is gone; the member starts empty.",
    read: |_| Ok(ImageFault::Wipe.into()),
    ..USUAL
};

static SWAP: Kind = Kind {
    word: "swap",
    about: "The disks of two members are exchanged.",
    usual_target: Group::Any,
    read: |_| Ok(ImageFault::Swap.into()),
    ..USUAL
};

static ROLLBACK: Kind = Kind {
    word: "rollback",
    about: "A member's disk is set back to what was durable on it some time before.",
    read: |keys| {
        let age_ns = keys.draw_above_zero("age", Draw::between(SECOND, 8 * SECOND))?;
        Ok(ImageFault::Rollback { age_ns }.into())
    },
    ..USUAL
};

static LOSE: Kind = Kind {
    word: "lose",
    about: "The files of a class are gone from a member's disk.",
    read: |keys| Ok(ImageFault::Lose { files: FileClass::read(keys, FileClass::Wal)? }.into()),
    ..USUAL
};

impl<T> ImageFault<T> {
    pub(super) fn kind(&self) -> &'static Kind {
        match self {
            ImageFault::Wipe => &WIPE,
            ImageFault::Swap => &SWAP,
            ImageFault::Rollback { .. } => &ROLLBACK,
            ImageFault::Lose { .. } => &LOSE,
        }
    }
}

impl ImageFault<Draw> {
    pub(super) fn draw(&self, random: &mut impl Random) -> ImageFault {
        match self {
            ImageFault::Wipe => ImageFault::Wipe,
            ImageFault::Swap => ImageFault::Swap,
            ImageFault::Rollback { age_ns } => ImageFault::Rollback { age_ns: age_ns.draw(random) },
            ImageFault::Lose { files } => ImageFault::Lose { files: *files },
        }
    }
}

impl<T: Value> From<ImageFault<T>> for Fault<T> {
    fn from(fault: ImageFault<T>) -> Fault<T> {
        Fault::Image(fault)
    }
}

//! `[disk]`: the disks without faults, and what a power loss leaves of unsynced sectors.

use serde::{Deserialize, Serialize};

use super::value::Least;
use super::{Latency, Random, Value};
use crate::error::LoadError;
use crate::reader::Keys;
use crate::time::{Draw, MILLISECOND};

/// The disks without faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    bound(
        serialize = "T: Serialize, T::DiskTime: Serialize, T::Choice<Keep>: Serialize",
        deserialize = "T: Deserialize<'de>, T::DiskTime: Deserialize<'de>, T::Choice<Keep>: Deserialize<'de>, \
                       DiskSettings<T>: Default"
    )
)]
pub struct DiskSettings<T: Value = u64> {
    /// Time of one read.
    pub read: T::DiskTime,
    /// Time of one write.
    pub write: T::DiskTime,
    /// Time of one sync.
    pub sync: T::DiskTime,
    /// What a MiB that is read or written adds.
    pub mib_ns: T,
    /// What a record adds to the storage job that reads it: the processor's time.
    pub record_ns: T,
    /// What a crash by power loss at a probe leaves of unsynced sectors.
    pub unsynced: Unsynced<T::Choice<Keep>>,
}

impl DiskSettings<Draw> {
    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<DiskSettings<Draw>, LoadError> {
        Ok(DiskSettings {
            read: keys.draw("read", Draw::exactly(MILLISECOND * 2 / 25))?,
            write: keys.draw("write", Draw::between(MILLISECOND / 50, MILLISECOND / 10))?,
            sync: keys.draw("sync", Draw::between(MILLISECOND, 8 * MILLISECOND))?,
            mib_ns: keys.draw("per_mib", Draw::exactly(0))?,
            record_ns: keys.draw("per_record", Draw::exactly(0))?,
            unsynced: Unsynced::read(keys)?,
        })
    }

    /// Draws the times, and what a power loss keeps.
    pub fn draw(&self, random: &mut impl Random) -> DiskSettings {
        let mut operation = |time: Draw| {
            let base_ns = time.draw(random);
            Latency { base_ns, jitter_ns: base_ns / 2, tail_permille: 5, tail_ns: 10 * base_ns }
        };
        DiskSettings {
            read: operation(self.read),
            write: operation(self.write),
            sync: operation(self.sync),
            unsynced: self.unsynced.draw(random),
            // Drawn last, and only where it is a range: what was drawn before stays as it was.
            mib_ns: charge(self.mib_ns, random),
            record_ns: charge(self.record_ns, random),
        }
    }
}

/// Draws what work adds to an operation.
fn charge(time: Draw, random: &mut impl Random) -> u64 {
    if time.min_ns == time.max_ns { time.min_ns } else { time.draw(random) }
}

impl Default for DiskSettings<Draw> {
    fn default() -> DiskSettings<Draw> {
        Keys::usual(DiskSettings::read)
    }
}

impl Default for DiskSettings {
    fn default() -> DiskSettings {
        DiskSettings::<Draw>::default().draw(&mut Least)
    }
}

/// What a disk keeps of unsynced sectors when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsynced<K = Keep> {
    /// Which of them survive.
    pub keep: K,
    /// Chance in 1000 that a surviving sector is torn: part new, the rest old or garbage.
    pub torn_permille: u32,
    /// So much the device writes as a whole; garbage reaches all of it.
    #[serde(default = "small_sector", skip_serializing_if = "is_small_sector")]
    pub sector_bytes: u32,
    /// Which files may have torn sectors.
    #[serde(default, skip_serializing_if = "TornFiles::is_usual")]
    pub torn_files: TornFiles,
}

const fn small_sector() -> u32 {
    512
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_small_sector(bytes: &u32) -> bool {
    *bytes == small_sector()
}

/// Which files may have torn sectors after a power loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TornFiles {
    /// The log alone.
    #[default]
    Wal,
    /// All, but for the sector of the state's header.
    Any,
}

impl TornFiles {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
    fn is_usual(&self) -> bool {
        *self == TornFiles::Wal
    }
}

/// Which unsynced sectors survive a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// No sector.
    None,
    /// Every sector.
    All,
    /// Those written first, up to a random point.
    Prefix,
    /// Each by a coin of its own.
    Subset,
}

impl Unsynced<Option<Keep>> {
    /// Reads `keep` and `torn_permille`; without `keep`, or with `any`, it is left to be drawn.
    pub(crate) fn read(keys: &mut Keys<'_>) -> Result<Unsynced<Option<Keep>>, LoadError> {
        let words = [
            ("any", None),
            ("none", Some(Keep::None)),
            ("all", Some(Keep::All)),
            ("prefix", Some(Keep::Prefix)),
            ("subset", Some(Keep::Subset)),
        ];
        let keep = keys.word("keep", &words, None)?;
        Ok(Unsynced {
            keep,
            torn_permille: keys.permille("torn_permille", 50)?,
            sector_bytes: keys.word("sector", &[("512", 512), ("4096", 4096)], small_sector())?,
            torn_files: {
                let words = [("wal", TornFiles::Wal), ("any", TornFiles::Any)];
                keys.word("torn_files", &words, TornFiles::Wal)?
            },
        })
    }

    /// Draws what is kept if it was left open. It takes one draw even if nothing was.
    pub fn draw(&self, random: &mut impl Random) -> Unsynced {
        let drawn = match random.between(0, 3) {
            0 => Keep::None,
            1 => Keep::All,
            2 => Keep::Prefix,
            _ => Keep::Subset,
        };
        let Unsynced { keep, torn_permille, sector_bytes, torn_files } = *self;
        Unsynced { keep: keep.unwrap_or(drawn), torn_permille, sector_bytes, torn_files }
    }
}

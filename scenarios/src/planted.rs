//! The bugs planted in the server: their names, and in whom one is awake.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A planted bug, awake in one member or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    /// Which bug.
    pub bug: Bug,
    /// Only in this member (1-based).
    pub member: Option<u32>,
}

/// The names of all bugs, in order: the build script takes them from `scenarios/planted/*.toml`.
const NAMES: &[&str] = &include!(concat!(env!("OUT_DIR"), "/bugs.rs"));

/// A bug planted in the server: one that a shipped scenario catches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bug(usize);

impl Bug {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Bug> {
        (0..NAMES.len()).map(Bug)
    }

    /// Its name, as in `planted!("R2", "ack-before-durable")`.
    pub fn name(self) -> &'static str {
        NAMES[self.0]
    }
}

impl Serialize for Bug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Bug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bug, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(|UnknownBug(word)| D::Error::unknown_variant(&word, NAMES))
    }
}

impl fmt::Debug for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.member {
            Some(member) => write!(f, "{}@m{member}", self.bug),
            None => self.bug.fmt(f),
        }
    }
}

/// A word that names no planted bug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown bug `{0}`; allowed are {names}, each alone or as R2@m1", names = NAMES.join(", "))]
pub struct UnknownBug(pub String);

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(word: &str) -> Result<Bug, UnknownBug> {
        Bug::all().find(|bug| bug.name() == word).ok_or_else(|| UnknownBug(word.to_owned()))
    }
}

impl FromStr for Plant {
    type Err = UnknownBug;

    fn from_str(word: &str) -> Result<Plant, UnknownBug> {
        let Some((bug, member)) = word.split_once('@') else {
            return Ok(Plant { bug: word.parse()?, member: None });
        };
        let digits = member.strip_prefix('m').unwrap_or(member);
        match digits.parse() {
            Ok(number) if number > 0 => Ok(Plant { bug: bug.parse()?, member: Some(number) }),
            _ => Err(UnknownBug(word.to_owned())),
        }
    }
}

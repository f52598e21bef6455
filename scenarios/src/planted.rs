//! The bugs planted in the server: their names, and in whom one is awake.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A planted bug, awake in one member or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plant {
    /// Which bug.
    pub bug: Bug,
    /// Only in this member (1-based).
    pub member: Option<u32>,
}

/// The bugs planted in the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Bug {
    /// Applied index ahead of its data.
    R1,
    /// Acknowledged before the log is durable.
    R2,
    /// A progress notice overtakes events.
    R5,
    /// The tombstone at the compact revision is dropped.
    R10,
    /// A read's second attempt is confirmed by answers to its first.
    R17,
    /// The vote is not persisted.
    C1,
    /// ReadIndex answered before a commit in the term.
    C3,
    /// A follower acknowledges entries before they are durable.
    C4,
    /// Entries are accepted whatever comes before them.
    C6,
    /// Apply depends on the member.
    C14,
    /// The error of fsync is ignored.
    C15,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 11] = [
        Bug::R1,
        Bug::R2,
        Bug::R5,
        Bug::R10,
        Bug::R17,
        Bug::C1,
        Bug::C3,
        Bug::C4,
        Bug::C6,
        Bug::C14,
        Bug::C15,
    ];

    /// Its name, as in `planted!("R2")`.
    pub fn name(self) -> &'static str {
        match self {
            Bug::R1 => "R1",
            Bug::R2 => "R2",
            Bug::R5 => "R5",
            Bug::R10 => "R10",
            Bug::R17 => "R17",
            Bug::C1 => "C1",
            Bug::C3 => "C3",
            Bug::C4 => "C4",
            Bug::C6 => "C6",
            Bug::C14 => "C14",
            Bug::C15 => "C15",
        }
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
#[error("unknown bug `{0}`; allowed are {names}, each alone or as R2@m1", names = names())]
pub struct UnknownBug(pub String);

fn names() -> String {
    Bug::ALL.map(Bug::name).join(", ")
}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(word: &str) -> Result<Bug, UnknownBug> {
        Bug::ALL
            .into_iter()
            .find(|bug| bug.name() == word)
            .ok_or_else(|| UnknownBug(word.to_owned()))
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

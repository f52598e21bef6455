//! When a fault begins: at its time, or at something that happens from then on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::reader::{Placed, Section};

/// Something that happens in a run and that a fault waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Trigger {
    /// A member becomes leader: `leader_elected`.
    LeaderElected,
    /// A member reaches a probe: `probe:NAME`.
    Probe(String),
    /// A member applies this revision or a later one: `revision:N`.
    Revision(u64),
    /// A fault of this name begins: `fault:NAME`.
    Fault(String),
}

impl Trigger {
    /// How each of them is written.
    pub const WORDS: [&'static str; 4] =
        ["leader_elected", "probe:NAME", "revision:N", "fault:NAME"];

    /// Reads `after`; a probe is one that the server has.
    pub(super) fn read(section: &Section<'_>) -> Result<Option<Trigger>, LoadError> {
        let Some(found) = section.string("after")? else { return Ok(None) };
        let Ok(trigger) = found.value.parse::<Trigger>() else {
            return Err(section.unknown_word("trigger", &found, &Trigger::WORDS));
        };
        if let Some(probe) = trigger.probe() {
            section.known_probe(&Placed { value: probe, span: found.span })?;
        }
        Ok(Some(trigger))
    }

    /// The probe that it waits for.
    pub(crate) fn probe(&self) -> Option<&str> {
        match self {
            Trigger::Probe(probe) => Some(probe),
            Trigger::LeaderElected | Trigger::Revision(_) | Trigger::Fault(_) => None,
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::LeaderElected => f.write_str("leader_elected"),
            Trigger::Probe(probe) => write!(f, "probe:{probe}"),
            Trigger::Revision(revision) => write!(f, "revision:{revision}"),
            Trigger::Fault(name) => write!(f, "fault:{name}"),
        }
    }
}

/// A word that is no trigger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown trigger `{0}`")]
pub struct UnknownTrigger(pub String);

impl FromStr for Trigger {
    type Err = UnknownTrigger;

    fn from_str(word: &str) -> Result<Trigger, UnknownTrigger> {
        let unknown = || UnknownTrigger(word.to_owned());
        match word.split_once(':') {
            None if word == "leader_elected" => Ok(Trigger::LeaderElected),
            Some(("probe", name)) => Ok(Trigger::Probe(name.to_owned())),
            Some(("revision", number)) => {
                number.parse().map(Trigger::Revision).map_err(|_| unknown())
            }
            Some(("fault", name)) if !name.is_empty() => Ok(Trigger::Fault(name.to_owned())),
            _ => Err(unknown()),
        }
    }
}

impl From<Trigger> for String {
    fn from(trigger: Trigger) -> String {
        trigger.to_string()
    }
}

impl TryFrom<String> for Trigger {
    type Error = UnknownTrigger;

    fn try_from(word: String) -> Result<Trigger, UnknownTrigger> {
        word.parse()
    }
}

/// What a fault of a plan waits for from its time on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The fault of the step before, by its id. Without `after` this fault begins when that one is
    /// over; with `after` it waits from that one's beginning on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<u32>,
    /// What must happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Trigger>,
    /// How long after that the fault begins.
    pub delay_ns: u64,
    /// When it is given up.
    pub until_ns: u64,
}

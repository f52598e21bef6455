//! Whom a fault is aimed at: a group of members, or a link between two groups.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::LoadError;
use crate::reader::{Placed, Section};

/// Whom a fault is aimed at. Resolved when it fires, among the members that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// Members.
    Group(Group),
    /// Two groups together: `["struck", "leader"]`.
    Both([Group; 2]),
    /// What goes from one group to another. Members chosen by `from` are left out of `to`; when all
    /// speak, the hearers are chosen first.
    Link(Link),
}

/// A link, one way: `{ from = "leader", to = "follower" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Who speaks.
    pub from: Group,
    /// Who hears.
    pub to: Group,
}

/// A group of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Group {
    /// One member, 1-based: `m1`.
    Member(u32),
    /// The leader (with the highest term, when two believe they lead; any member when none does).
    Leader,
    /// One member that does not lead, by a keyed coin.
    Follower,
    /// One member, by a keyed coin.
    Any,
    /// The largest set smaller than a quorum, by a keyed coin; with one member, none.
    Minority,
    /// A quorum, by a keyed coin.
    Majority,
    /// One member or more, up to all, by keyed coins.
    Some,
    /// Everyone.
    All,
    /// Whom the steps before have struck, or the fault that is waited for.
    Struck,
}

impl Group {
    /// All words a scenario may use, besides `m1`, `m2`, ….
    pub const WORDS: [&'static str; 8] =
        ["leader", "follower", "any", "minority", "majority", "some", "all", "struck"];
}

impl Target {
    /// Reads `target`, if it is written.
    pub(crate) fn read(section: &Section<'_>) -> Result<Option<Target>, LoadError> {
        if let Some(link) = section.link("target") {
            link.only(&["from", "to"])?;
            let end = |key| {
                let Some(word) = link.string(key)? else {
                    return Err(link
                        .complain(key, format!("`{key}` is missing in the link"))
                        .remedy("write `target = { from = \"leader\", to = \"follower\" }`")
                        .into());
                };
                group(&link, &word)
            };
            return Ok(Some(Target::Link(Link { from: end("from")?, to: end("to")? })));
        }
        if let Some(words) = section.pair("target")? {
            let [first, second] = words;
            let both = [group(section, &first)?, group(section, &second)?];
            return Ok(Some(Target::Both(both)));
        }
        let Some(word) = section.string("target")? else { return Ok(None) };
        group(section, &word).map(|group| Some(Target::Group(group)))
    }

    /// The groups it names.
    pub fn groups(self) -> Vec<Group> {
        match self {
            Target::Group(group) => vec![group],
            Target::Both(groups) => groups.into(),
            Target::Link(Link { from, to }) => vec![from, to],
        }
    }
}

fn group(section: &Section<'_>, word: &Placed<&str>) -> Result<Group, LoadError> {
    let words: Vec<&str> = ["m1", "m2", "m3", "m4", "m5"].into_iter().chain(Group::WORDS).collect();
    word.value.parse().map_err(|_| section.unknown_word("target", word, &words))
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Group::Member(number) => write!(f, "m{number}"),
            Group::Leader => f.write_str("leader"),
            Group::Follower => f.write_str("follower"),
            Group::Any => f.write_str("any"),
            Group::Minority => f.write_str("minority"),
            Group::Majority => f.write_str("majority"),
            Group::Some => f.write_str("some"),
            Group::All => f.write_str("all"),
            Group::Struck => f.write_str("struck"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Group(group) => group.fmt(f),
            Target::Both([first, second]) => write!(f, "{first} and {second}"),
            Target::Link(link) => write!(f, "{}->{}", link.from, link.to),
        }
    }
}

impl From<Group> for String {
    fn from(group: Group) -> String {
        group.to_string()
    }
}

impl TryFrom<String> for Group {
    type Error = UnknownGroup;

    fn try_from(word: String) -> Result<Group, UnknownGroup> {
        word.parse()
    }
}

/// A word that names no group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown target `{0}`")]
pub struct UnknownGroup(pub String);

impl FromStr for Group {
    type Err = UnknownGroup;

    fn from_str(word: &str) -> Result<Group, UnknownGroup> {
        Ok(match word {
            "leader" => Group::Leader,
            "follower" => Group::Follower,
            "any" => Group::Any,
            "minority" => Group::Minority,
            "majority" => Group::Majority,
            "some" => Group::Some,
            "all" => Group::All,
            "struck" => Group::Struck,
            _ => match word.strip_prefix('m').and_then(|digits| digits.parse().ok()) {
                Some(number) if number > 0 && word == format!("m{number}") => Group::Member(number),
                _ => return Err(UnknownGroup(word.to_owned())),
            },
        })
    }
}

//! The table of faults, by row: word, sentence, target rule, usual times, keys, effect on members.

use super::{Fault, Group};
use crate::error::LoadError;
use crate::reader::Keys;
use crate::time::Draw;

/// Faults that act on the same part of the world.
#[derive(Debug)]
pub struct Family {
    /// Its name, such as `network`. Files that act on the same part of the world share a name.
    pub name: &'static str,
    /// Its faults, in the order of the list of allowed words.
    pub kinds: &'static [&'static Kind],
    /// Reads one of them from a plan.
    pub(super) parse: fn(serde_json::Value) -> serde_json::Result<Fault>,
}

/// What a fault is, apart from its parameters.
#[derive(Debug)]
pub struct Kind {
    /// Names it in scenarios, plans, traces and reports.
    pub word: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// What counts as its effect, in a few words.
    pub effect: &'static str,
    /// Whom it may be aimed at.
    pub targets: Targets,
    /// Whom it strikes when `target` is absent.
    pub usual_target: Group,
    /// It changes what a member's disk holds of what was synced, so that one copy less is right.
    pub damages: bool,
    /// What members it has struck do meanwhile.
    pub meanwhile: Meanwhile,
    /// How long it lasts when `for` is absent.
    pub(crate) lasts: Lasts,
    /// Reads its parameters; the keys it asks for are those that the fault has.
    pub(crate) read: fn(&mut Keys<'_>) -> Result<Fault<Draw>, LoadError>,
}

/// Whom a fault may be aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Targets {
    /// It may be aimed at a [`Target::Link`](super::Target::Link): it acts on what goes from one member to another.
    pub takes_links: bool,
    /// It acts between members, so a cluster of one has no place for it.
    pub needs_peers: bool,
    /// It acts among so many members at least.
    pub needs_members: u32,
    /// It stands between a group and all members outside it, so somebody has to be outside.
    pub against_rest: bool,
    /// It strikes machines, whether or not the member's process runs.
    pub strikes_stopped: bool,
}

impl Kind {
    /// A row with what most faults have: it strikes any one member that runs, and damages nothing.
    pub(crate) const USUAL: Kind = Kind {
        word: "",
        about: "",
        effect: "",
        targets: Targets::RUNNING,
        usual_target: Group::Any,
        damages: false,
        meanwhile: Meanwhile::Running,
        lasts: Lasts::Instant,
        read: |_| unreachable!("a row names how its keys are read"),
    };

    /// How long it lasts when `for` is absent, in words.
    pub fn lasts_in_words(&self) -> String {
        match self.lasts {
            Lasts::Instant => "it is over at once".to_owned(),
            Lasts::Usually(draw) => draw.to_string(),
            Lasts::UntilNext => "until its next repeat, or the end of the traffic".to_owned(),
        }
    }

    /// Its keys with their usual values.
    pub fn keys(&self) -> Vec<(&'static str, String)> {
        Keys::usual_values(self.read)
    }
}

impl Targets {
    /// Members whose process runs, each by itself.
    pub(crate) const RUNNING: Targets = Targets {
        takes_links: false,
        needs_peers: false,
        needs_members: 1,
        against_rest: false,
        strikes_stopped: false,
    };
}

/// What a member does while a fault that has struck it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// It runs.
    Running,
    /// It runs no step, and remembers everything.
    Frozen,
    /// Its process does not exist.
    Down,
}

/// How long a fault lasts when `for` is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// It is over at once, and has no `for`.
    Instant,
    /// A time from this range.
    Usually(Draw),
    /// A trap: it stays armed until its next repeat, or until the traffic ends.
    UntilNext,
}

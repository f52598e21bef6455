//! The table of faults: what can be injected, where it is aimed, and the words that name it.
//!
//! Each family is one file: an enum of its faults, and for each fault a [`Kind`]: its word, its keys,
//! whom it may be aimed at, how long it usually lasts. [`FAMILIES`] is the list of them, and
//! everything that goes by a fault's word goes by that list. What a fault does stands in the file
//! of the same name in the simulator, which matches on the family's enum without a wildcard.
//!
//! A [`Fault<Draw>`](Fault) stands in a scenario, its times still to be drawn; a [`Fault`] stands in
//! a plan. Its times stand beside it in its [`FaultRule`] or
//! [`PlannedFault`](crate::plan::PlannedFault).

mod client;
mod clock;
mod cut;
mod disk;
mod image;
mod kind;
mod link;
mod network;
mod page;
mod process;
mod rule;
mod start;
mod target;
mod written;

pub use client::ClientFault;
pub use clock::{ClockFault, Way};
pub use cut::CutFault;
pub use disk::{DiskFault, FailedSync, FileClass};
pub use image::ImageFault;
pub use kind::{Family, Kind, Meanwhile, Targets};
pub use link::{Between, LinkFault};
pub use network::{NetworkFault, Reset};
pub use page::page;
pub use process::{Crash, ProcessFault};
pub use rule::FaultRule;
pub(crate) use rule::Story;
pub use start::{Start, Trigger, UnknownTrigger};
pub use target::{Group, Link, Target, UnknownGroup};

use crate::settings::{Random, Value};
use crate::time::Draw;

/// One fault with its parameters; target and times stand beside it.
///
/// A group aimed at by a network fault stands against all members outside it. Network faults act
/// between members only, but for [`NetworkFault::Reset`]; clients still reach every member that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault<T: Value = u64> {
    /// Acts on what goes over the network.
    Network(NetworkFault<T>),
    /// Cuts the network in a shape.
    Cut(CutFault<T>),
    /// Acts on single links.
    Link(LinkFault),
    /// Acts on processes and machines.
    Process(ProcessFault<T>),
    /// Acts on what disks do and hold.
    Disk(DiskFault),
    /// Acts on whole disks.
    Image(ImageFault<T>),
    /// Acts on what clocks show.
    Clock(ClockFault<T>),
    /// Acts on clients.
    Client(ClientFault<T>),
}

/// All families, in the order of the list of allowed words.
pub const FAMILIES: [&Family; 8] = [
    &network::FAMILY,
    &cut::FAMILY,
    &link::FAMILY,
    &process::FAMILY,
    &disk::FAMILY,
    &image::FAMILY,
    &clock::FAMILY,
    &client::FAMILY,
];

impl<T: Value> Fault<T> {
    /// Its row in the table.
    pub fn kind(&self) -> &'static Kind {
        match self {
            Fault::Network(fault) => fault.kind(),
            Fault::Cut(fault) => fault.kind(),
            Fault::Link(fault) => fault.kind(),
            Fault::Process(fault) => fault.kind(),
            Fault::Disk(fault) => fault.kind(),
            Fault::Image(fault) => fault.kind(),
            Fault::Clock(fault) => fault.kind(),
            Fault::Client(fault) => fault.kind(),
        }
    }

    /// The word that names it.
    pub fn word(&self) -> &'static str {
        self.kind().word
    }

    /// Whether it acts on what goes between clients and members.
    pub(crate) fn reaches_clients(&self) -> bool {
        match self {
            Fault::Link(fault) => fault.between() != Between::Peers,
            _ => false,
        }
    }

    /// Whether it acts on what goes between members alone.
    pub(crate) fn needs_peers(&self) -> bool {
        match self {
            Fault::Link(fault) => fault.between() == Between::Peers,
            _ => self.kind().targets.needs_peers,
        }
    }

    /// The probe that it waits for.
    pub(crate) fn probe(&self) -> Option<&str> {
        match self {
            Fault::Process(fault) => fault.probe(),
            _ => None,
        }
    }
}

impl Fault<Draw> {
    /// Draws its times.
    pub fn draw(&self, random: &mut impl Random) -> Fault {
        match self {
            Fault::Network(fault) => Fault::Network(fault.draw(random)),
            Fault::Cut(fault) => Fault::Cut(fault.draw(random)),
            Fault::Link(fault) => Fault::Link(fault.clone()),
            Fault::Process(fault) => Fault::Process(fault.draw(random)),
            Fault::Disk(fault) => Fault::Disk(fault.clone()),
            Fault::Image(fault) => Fault::Image(fault.draw(random)),
            Fault::Clock(fault) => Fault::Clock(fault.draw(random)),
            Fault::Client(fault) => Fault::Client(fault.draw(random)),
        }
    }
}

/// All faults with their families, in the order of the list of allowed words.
pub fn all() -> impl Iterator<Item = (&'static Family, &'static Kind)> {
    FAMILIES.into_iter().flat_map(|family| family.kinds.iter().map(move |kind| (family, *kind)))
}

/// The fault of this word, with its family.
pub fn named(word: &str) -> Option<(&'static Family, &'static Kind)> {
    all().find(|(_, kind)| kind.word == word)
}

/// All words a scenario may use for `kind`.
pub fn words() -> Vec<&'static str> {
    all().map(|(_, kind)| kind.word).collect()
}

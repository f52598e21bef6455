//! What is left of writes that are in doubt (`either`), while later holes are filled.

use std::collections::BTreeMap;

use super::either::{Either, Maker, each_has_one, together};
use crate::history::{Record, Request};

/// The doubts that earlier parts left.
#[derive(Debug, Default)]
pub(crate) struct Pledges {
    /// Those that have makers in common lie together.
    groups: Vec<Vec<Vec<Maker>>>,
    /// Where each maker's lie.
    at: BTreeMap<Maker, usize>,
    /// For each unknown write that is in doubt, by number: as what it counts.
    of: BTreeMap<u32, Maker>,
}

impl Pledges {
    /// The doubts, and the unknown writes in the order of their numbers.
    pub(in crate::revision) fn new<'a>(
        doubts: &[Either],
        writes: impl Iterator<Item = &'a Record>,
    ) -> Self {
        if doubts.is_empty() {
            return Pledges::default();
        }
        let all: Vec<&[Maker]> = doubts.iter().map(|doubt| &doubt.among[..]).collect();
        let groups = together(&all).into_iter().map(|places| {
            places.into_iter().map(|place| doubts[place].among.clone()).collect::<Vec<_>>()
        });
        let groups: Vec<Vec<Vec<Maker>>> = groups.collect();
        let at = groups
            .iter()
            .enumerate()
            .flat_map(|(place, groups)| groups.iter().flatten().map(move |maker| (*maker, place)));
        let at: BTreeMap<Maker, usize> = at.collect();
        let of = writes.enumerate().filter_map(|(number, record)| {
            let lease = match &record.request {
                Request::LeaseRevoke(lease) => Some(lease.id),
                Request::Put(put) if put.lease != 0 => Some(put.lease),
                _ => None,
            };
            let of_lease = lease.map(Maker::End).filter(|end| at.contains_key(end));
            let own = Some(Maker::Write(record.id)).filter(|own| at.contains_key(own));
            Some((number as u32, of_lease.or(own)?))
        });
        let of = of.collect();
        Pledges { groups, at, of }
    }

    /// As what a write counts, if it is in doubt.
    pub(in crate::revision) fn of(&self, number: u32) -> Option<Maker> {
        self.of.get(&number).copied()
    }

    /// Whether what is in doubt together with one of them can be explained without that one, and
    /// without what is claimed.
    pub(in crate::revision) fn hold_without(
        &self,
        one: Maker,
        claimed: impl Fn(Maker) -> bool,
    ) -> bool {
        let groups = &self.groups[self.at[&one]];
        let groups: Vec<&[Maker]> = groups.iter().map(|group| &group[..]).collect();
        each_has_one(&groups, |other| other == one || claimed(other))
    }
}

//! Writes that ambiguous revisions of earlier parts may have used, while later holes are filled.

use std::collections::BTreeMap;

use super::ambiguity::{AmbiguousRevision, Writer, each_has_one, together};
use crate::history::{Record, Request};

/// The ambiguous revisions of earlier parts.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    /// Possible writers by revision. Revisions that share possible writers are in one group.
    groups: Vec<Vec<Vec<Writer>>>,
    /// For each possible writer: the index of its group.
    at: BTreeMap<Writer, usize>,
    /// For each reserved write, by number: the writer that it counts as.
    of: BTreeMap<u32, Writer>,
}

impl Reservations {
    /// Takes the ambiguous revisions, and all indeterminate writes by number.
    pub(in crate::linearizability) fn new<'a>(
        ambiguities: &[AmbiguousRevision],
        writes: impl Iterator<Item = &'a Record>,
    ) -> Self {
        if ambiguities.is_empty() {
            return Reservations::default();
        }
        let all: Vec<&[Writer]> =
            ambiguities.iter().map(|ambiguity| &ambiguity.among[..]).collect();
        let groups = together(&all).into_iter().map(|places| {
            places.into_iter().map(|place| ambiguities[place].among.clone()).collect::<Vec<_>>()
        });
        let groups: Vec<Vec<Vec<Writer>>> = groups.collect();
        let at = groups.iter().enumerate().flat_map(|(place, groups)| {
            groups.iter().flatten().map(move |writer| (*writer, place))
        });
        let at: BTreeMap<Writer, usize> = at.collect();
        let of = writes.enumerate().filter_map(|(number, record)| {
            let lease = match &record.request {
                Request::LeaseRevoke(lease) => Some(lease.id),
                Request::Put(put) if put.lease != 0 => Some(put.lease),
                _ => None,
            };
            let of_lease = lease.map(Writer::End).filter(|end| at.contains_key(end));
            let own = Some(Writer::Write(record.id)).filter(|own| at.contains_key(own));
            Some((number as u32, of_lease.or(own)?))
        });
        let of = of.collect();
        Reservations { groups, at, of }
    }

    /// The writer that a reserved write counts as.
    pub(in crate::linearizability) fn of(&self, number: u32) -> Option<Writer> {
        self.of.get(&number).copied()
    }

    /// Whether the group of a writer holds together without that writer, and without the claimed
    /// ones.
    pub(in crate::linearizability) fn hold_without(
        &self,
        one: Writer,
        claimed: impl Fn(Writer) -> bool,
    ) -> bool {
        let groups = &self.groups[self.at[&one]];
        let groups: Vec<&[Writer]> = groups.iter().map(|group| &group[..]).collect();
        each_has_one(&groups, |other| other == one || claimed(other))
    }
}

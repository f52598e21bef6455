//! Holes of which it is certain what was done there, but not which of several writes did it.
//!
//! Where a recording is followed, a part is let go when what it did is certain. Two writes of unknown
//! outcome may be able to do the same at a hole: to delete a key, say, by its name or in a range, or
//! with the lease on which it alone hangs. The store is the same then whichever it was; what differs
//! is only which of them is left for later. So the hole is settled and a **doubt** stays: one of these
//! was done there. Several doubts stand together as long as each can have a maker of its own, and a
//! write may be used at a later hole if they can without it.
//!
//! Of a lease that may have ended in doubt, whatever needs it (an end, a put with it) counts as one:
//! if any of that is done later, it was not over.
//!
//! That is exact. At each hole up to the last that is settled every write that evidence allows was
//! tried, and did the same or could not stand there; so every order leaves the same store, and the
//! orders are the ways to give each hole a maker of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Record, Request};

/// What may have made a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Writer {
    /// The write of this record.
    Write(u64),
    /// The end of this lease, however it came.
    End(i64),
}

impl Writer {
    /// As what a write counts.
    pub(crate) fn of(record: &Record) -> Self {
        match &record.request {
            Request::LeaseRevoke(lease) => Writer::End(lease.id),
            _ => Writer::Write(record.id),
        }
    }

    /// The lease that it ended.
    pub(crate) fn ended(self) -> Option<i64> {
        match self {
            Writer::End(lease) => Some(lease),
            Writer::Write(_) => None,
        }
    }
}

/// A revision that one of several made.
#[derive(Clone, Debug)]
pub(crate) struct AmbiguousRevision {
    pub(crate) revision: i64,
    /// By when it had been called.
    pub(crate) by: u64,
    pub(crate) among: Vec<Writer>,
    /// Whether somebody may have asked for the end that is among them.
    pub(crate) asked: bool,
    /// If there is but one record that says how it came: which.
    pub(crate) only: Option<u64>,
}

/// What is known of a hole's maker.
#[derive(Clone, Debug)]
pub(crate) struct Attribution {
    /// Who can have done it, in the order of their calls.
    pub(crate) ambiguity: AmbiguousRevision,
    /// Whether it does not matter which: they ask for the same.
    pub(crate) alike: bool,
}

/// What is certain of makers, up to a revision.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// What was certainly done, and cannot be done later.
    pub(crate) spent: BTreeSet<Writer>,
    /// Who made what, as far as it is certain.
    pub(crate) made: Vec<(AmbiguousRevision, Writer)>,
    pub(crate) ambiguities: Vec<AmbiguousRevision>,
}

impl Settled {
    /// From what was in doubt before, and what is known of the makers of later holes. `alive` says
    /// whether something was put with a lease after a revision.
    pub(crate) fn new(
        ambiguities: &[AmbiguousRevision],
        attributions: impl Iterator<Item = Attribution>,
        alive: impl Fn(i64, i64) -> bool,
    ) -> Self {
        let mut settled = Settled { ambiguities: ambiguities.to_vec(), ..Settled::default() };
        for Attribution { ambiguity, alike } in attributions {
            // Of those that ask for the same, the last called can stand at the fewest other holes.
            let last = ambiguity.among.iter().rfind(|writer| !settled.spent.contains(writer));
            // A lease of which there were several may have ended before.
            let last = last.or(ambiguity.among.first());
            match last.copied() {
                Some(writer) if alike => settled.make(ambiguity, writer),
                _ => settled.ambiguities.push(ambiguity),
            }
        }
        for ambiguity in &mut settled.ambiguities {
            let revision = ambiguity.revision;
            ambiguity
                .among
                .retain(|writer| !matches!(writer, Writer::End(id) if alive(*id, revision)));
        }
        settled.narrow();
        settled
    }

    fn make(&mut self, ambiguity: AmbiguousRevision, writer: Writer) {
        self.spent.insert(writer);
        self.spent.extend(ambiguity.only.map(Writer::Write));
        self.made.push((ambiguity, writer));
    }

    /// Leaves of each doubt only those that can have made it, and takes out what is no doubt.
    fn narrow(&mut self) {
        loop {
            let spent = &self.spent;
            for ambiguity in &mut self.ambiguities {
                ambiguity.among.retain(|writer| !spent.contains(writer));
            }
            let count = self.ambiguities.len();
            let (sole, open): (Vec<AmbiguousRevision>, Vec<AmbiguousRevision>) =
                std::mem::take(&mut self.ambiguities)
                    .into_iter()
                    .partition(|ambiguity| ambiguity.among.len() < 2);
            self.ambiguities = open;
            for ambiguity in sole {
                if let Some(writer) = ambiguity.among.first().copied() {
                    self.make(ambiguity, writer);
                }
            }
            if self.ambiguities.len() == count && !self.exclude() {
                break;
            }
        }
        self.close();
    }

    /// Takes away whoever cannot have made a revision, since others would be left without a maker.
    fn exclude(&mut self) -> bool {
        let mut wrong: Vec<(usize, Writer)> = Vec::new();
        for places in self.together() {
            let groups: Vec<&[Writer]> =
                places.iter().map(|place| &self.ambiguities[*place].among[..]).collect();
            for (own, place) in places.iter().enumerate() {
                for writer in groups[own] {
                    let mut groups = groups.clone();
                    groups[own] = std::slice::from_ref(writer);
                    if !each_has_one(&groups, |_| false) {
                        wrong.push((*place, *writer));
                    }
                }
            }
        }
        for (place, writer) in &wrong {
            self.ambiguities[*place].among.retain(|other| other != writer);
        }
        !wrong.is_empty()
    }

    /// Takes out the doubts all of whose makers are needed: nobody can do anything later.
    fn close(&mut self) {
        let mut closed: BTreeSet<usize> = BTreeSet::new();
        for places in self.together() {
            let groups: Vec<&[Writer]> =
                places.iter().map(|place| &self.ambiguities[*place].among[..]).collect();
            let needed = |writer: &Writer| {
                writer.ended().is_none() && !each_has_one(&groups, |other| other == *writer)
            };
            let all = places.iter().zip(&groups).filter(|(_, group)| group.iter().all(needed));
            closed.extend(all.map(|(place, _)| *place));
        }
        for place in closed.into_iter().rev() {
            let done = self.ambiguities.remove(place);
            self.spent.extend(done.among);
        }
    }

    /// The places of those doubts that have makers in common with others.
    fn together(&self) -> Vec<Vec<usize>> {
        let groups: Vec<&[Writer]> =
            self.ambiguities.iter().map(|ambiguity| &ambiguity.among[..]).collect();
        let mut all = together(&groups);
        all.retain(|places| places.len() > 1);
        all
    }
}

/// The places of groups that have members in common, directly or by way of others.
pub(super) fn together(groups: &[&[Writer]]) -> Vec<Vec<usize>> {
    let mut holders: BTreeMap<Writer, Vec<usize>> = BTreeMap::new();
    for (place, group) in groups.iter().enumerate() {
        for writer in *group {
            holders.entry(*writer).or_default().push(place);
        }
    }
    let mut seen = vec![false; groups.len()];
    let mut all = Vec::new();
    for first in 0..groups.len() {
        let (mut open, mut own) = (vec![first], Vec::new());
        while let Some(place) = open.pop() {
            if !std::mem::replace(&mut seen[place], true) {
                own.push(place);
                open.extend(groups[place].iter().flat_map(|writer| &holders[writer]));
            }
        }
        own.sort_unstable();
        if !own.is_empty() {
            all.push(own);
        }
    }
    all
}

/// Whether each group can have a writer of its own, none of them barred: a bipartite matching, which
/// grows along augmenting paths.
pub(super) fn each_has_one(groups: &[&[Writer]], barred: impl Fn(Writer) -> bool) -> bool {
    let mut matching = Matching { groups, barred, group_of: BTreeMap::new() };
    (0..groups.len()).all(|group| matching.augment(group, &mut BTreeSet::new()))
}

/// A matching of groups with writers, as far as it has grown.
struct Matching<'a, Barred> {
    groups: &'a [&'a [Writer]],
    barred: Barred,
    group_of: BTreeMap<Writer, usize>,
}

impl<Barred: Fn(Writer) -> bool> Matching<'_, Barred> {
    /// Gives a writer to one more group; `seen` holds the writers that this path tried.
    fn augment(&mut self, group: usize, seen: &mut BTreeSet<Writer>) -> bool {
        let groups = self.groups;
        for writer in groups[group] {
            if (self.barred)(*writer) || !seen.insert(*writer) {
                continue;
            }
            let holder = self.group_of.get(writer).copied();
            if holder.is_none_or(|holder| self.augment(holder, seen)) {
                self.group_of.insert(*writer, group);
                return true;
            }
        }
        false
    }
}

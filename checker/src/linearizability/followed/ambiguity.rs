//! Ambiguous revisions: holes whose effect is certain, and which several writes could have made.
//!
//! A followed recording releases a part once the effect of that part is certain. Two indeterminate
//! writes may have the same effect at a hole. For example both delete a key: one by name and one as
//! part of a range, or by the end of the lease to which only this key is attached. The store is the
//! same either way, and only the writes that remain for later holes differ. So the hole becomes an
//! **ambiguous revision** with several **possible writers**. Ambiguous revisions hold together as
//! long as each can have a writer of its own. A later hole may use a possible writer if the
//! ambiguous revisions hold together without that writer.
//!
//! All operations that need the same lease count as a single writer. If any of them takes effect
//! later, the lease had not ended here.
//!
//! This is exact. At each hole of a released part every write that the evidence allows was tried.
//! Each such write had the effect of the chosen write, or contradicted the evidence. So every order
//! leaves the same store, and the orders are exactly the ways to give each hole a writer of its
//! own.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Record, Request};

/// A possible writer of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Writer {
    /// The write of the record with this id.
    Write(u64),
    /// The end of this lease, by revocation or expiry.
    End(i64),
}

impl Writer {
    /// The writer that a record counts as.
    pub(crate) fn of(record: &Record) -> Self {
        match &record.request {
            Request::LeaseRevoke(lease) => Writer::End(lease.id),
            _ => Writer::Write(record.id),
        }
    }

    /// The lease that this writer ended.
    pub(crate) fn ended(self) -> Option<i64> {
        match self {
            Writer::End(lease) => Some(lease),
            Writer::Write(_) => None,
        }
    }
}

/// A revision with its possible writers.
#[derive(Clone, Debug)]
pub(crate) struct AmbiguousRevision {
    pub(crate) revision: i64,
    /// A time by which the writer had been called.
    pub(crate) by: u64,
    pub(crate) among: Vec<Writer>,
    /// Whether a possible writer is a recorded revocation.
    pub(crate) asked: bool,
    /// If a single record is the only possible writer: its id.
    pub(crate) only: Option<u64>,
}

/// The result of asking for the writers of one hole.
#[derive(Clone, Debug)]
pub(crate) struct Attribution {
    /// The hole with its possible writers, by call.
    pub(crate) ambiguity: AmbiguousRevision,
    /// Whether all possible writers have equal requests: then the choice between them does not
    /// matter.
    pub(crate) alike: bool,
}

/// The writers that are certain up to a revision, and the revisions that stay ambiguous.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Writers that certainly took effect, and cannot take effect later.
    pub(crate) spent: BTreeSet<Writer>,
    /// Revisions whose writer is certain.
    pub(crate) made: Vec<(AmbiguousRevision, Writer)>,
    pub(crate) ambiguities: Vec<AmbiguousRevision>,
}

impl Settled {
    /// Takes the ambiguous revisions of earlier parts and the attributions of later holes.
    /// `alive(lease, revision)` tells whether a put used the lease after the revision.
    pub(crate) fn new(
        ambiguities: &[AmbiguousRevision],
        attributions: impl Iterator<Item = Attribution>,
        alive: impl Fn(i64, i64) -> bool,
    ) -> Self {
        let mut settled = Settled { ambiguities: ambiguities.to_vec(), ..Settled::default() };
        for Attribution { ambiguity, alike } in attributions {
            // Among equal requests the one that was called last is in time for the fewest other
            // holes.
            let last = ambiguity.among.iter().rfind(|writer| !settled.spent.contains(writer));
            // An id that was granted several times may have ended before.
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

    /// Removes the writers that cannot have made a revision, and the revisions that are no longer
    /// ambiguous.
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

    /// Removes each writer of a revision that would leave another revision without a writer.
    /// Returns whether any was removed.
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

    /// Removes the revisions whose possible writers are all needed: none of these can take effect
    /// later.
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

    /// Groups of ambiguous revisions that share possible writers, by index.
    fn together(&self) -> Vec<Vec<usize>> {
        let groups: Vec<&[Writer]> =
            self.ambiguities.iter().map(|ambiguity| &ambiguity.among[..]).collect();
        let mut all = together(&groups);
        all.retain(|places| places.len() > 1);
        all
    }
}

/// Indexes of groups that share members, directly or through other groups.
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

/// Whether each group can have a writer of its own that is not barred. Computes a bipartite
/// matching that grows along augmenting paths.
pub(super) fn each_has_one(groups: &[&[Writer]], barred: impl Fn(Writer) -> bool) -> bool {
    let mut matching = Matching { groups, barred, group_of: BTreeMap::new() };
    (0..groups.len()).all(|group| matching.augment(group, &mut BTreeSet::new()))
}

/// A partial matching of groups with writers.
struct Matching<'a, Barred> {
    groups: &'a [&'a [Writer]],
    barred: Barred,
    group_of: BTreeMap<Writer, usize>,
}

impl<Barred: Fn(Writer) -> bool> Matching<'_, Barred> {
    /// Gives a writer to one more group. `seen` holds the writers that this path has tried.
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

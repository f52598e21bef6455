//! Whether the revision that a response names can have been reached when it came.

use super::HEADER;
use super::check::{Found, Walk};
use crate::history::{Outcome, Record};
use crate::revision::Placement;
use crate::revision::ops::Ops;
use crate::streams::Arrival;
use crate::words;

/// When each revision can first have been seen.
pub(super) struct Reach {
    /// The first revision whose write is known here.
    first: i64,
    /// For revision r at place r - first: when its write was called, and by which record; at the
    /// latest of those up to there, since a revision stands on all before it.
    called: Vec<(u64, u32)>,
    /// When the writes of unknown outcome that have no revision were called, in order: each may
    /// have made one more at the end.
    spare: Vec<u64>,
}

impl Reach {
    pub(super) fn new(ops: &Ops<'_>, placement: &Placement) -> Self {
        let mut called = Vec::new();
        let mut latest = (0, 0);
        let mut placed = placement.placed.iter().peekable();
        let first = ops.base + 1;
        for revision in first..=placement.store.revision() {
            let unknown = placed.next_if(|(at, _)| *at == revision).map(|(_, place)| *place);
            // A placed write is one of several that fit: only the answered ones bind.
            if let (None, Some(place)) = (unknown, ops.mutator(revision)) {
                latest = latest.max((ops.record(place).call_ns, place));
            }
            called.push(latest);
        }
        let mut taken: Vec<u32> = placement.placed.iter().map(|(_, place)| *place).collect();
        taken.sort_unstable();
        // An answered revocation made the revision that it saw, or none.
        let free = ops.unknown.iter().filter(|place| {
            let open = ops.record(**place).outcome == Outcome::Unknown;
            open && taken.binary_search(place).is_err()
        });
        let spare = free.map(|place| ops.record(*place).call_ns);
        // As many were done before: nobody knows which, but all of those had been called by then.
        let spare = spare.skip(ops.doubts.len()).collect();
        Reach { first, called, spare }
    }
}

impl Walk<'_, '_> {
    /// A response names a revision that had been reached.
    pub(super) fn reached(&self, arrival: Arrival<'_>) -> Found {
        let revision = arrival.response.header.revision;
        let at = arrival.record.call_ns;
        let top = self.store.revision();
        let place = revision.min(top).saturating_sub(self.reach.first);
        let called = usize::try_from(place).ok().and_then(|place| self.reach.called.get(place));
        if let Some((_, writer)) = called.filter(|(called, _)| *called > at) {
            let writer: &Record = self.ops.record(*writer);
            let what = format!(
                "a response named revision {revision}, {} before {} was called, which made revision \
                 {} and had to be done first",
                words::duration(writer.call_ns - at),
                words::describe(writer),
                words::revision(writer).unwrap_or(revision)
            );
            let evidence = vec![arrival.record.id, self.watcher.create.id, writer.id];
            return self.broken(HEADER, revision, (what, evidence), arrival.record);
        }
        let spare = self.reach.spare.partition_point(|called| *called <= at) as i64;
        if revision.saturating_sub(top) > spare {
            let what = format!(
                "a response named revision {revision}, but the writes called by then cannot have \
                 made more than {}",
                top + spare
            );
            return self.wrong(HEADER, revision, what, arrival.record);
        }
        Ok(())
    }
}

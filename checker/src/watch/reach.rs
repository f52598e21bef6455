//! When each revision can first have been seen.

use crate::history::Outcome;
use crate::linearizability::Placement;
use crate::linearizability::ops::Ops;

/// When each revision can first have been seen.
pub(super) struct Reach {
    /// The first revision whose write is known here.
    pub(super) first: i64,
    /// For revision r at place r - first: when its write was called, and by which record; at the
    /// latest of those up to there, since a revision stands on all before it.
    pub(super) called: Vec<(u64, u32)>,
    /// When the writes of unknown outcome that have no revision were called, in order: each may
    /// have made one more at the end.
    pub(super) spare: Vec<u64>,
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
        // An answered revocation made the revision in its header, or made no revision.
        let free = ops.unknown.iter().filter(|place| {
            let open = ops.record(**place).outcome == Outcome::Unknown;
            open && taken.binary_search(place).is_err()
        });
        let spare = free.map(|place| ops.record(*place).call_ns);
        // As many were done before: nobody knows which, but all of those had been called by then.
        let spare = spare.skip(ops.ambiguities.len()).collect();
        Reach { first, called, spare }
    }
}

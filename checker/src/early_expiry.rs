//! Decides whether the operations have an order only if a lease expired before its time.

use crate::case::Case;
use crate::history::{EXPIRY_PROCESS, Record, Request};
use crate::lease::{Expiry, LEASE, at};
use crate::linearizability::ops::Ops;
use crate::model::Store;
use crate::streams::{Streams, Watcher};
use crate::verdict::Verdict;
use crate::words;

/// The verdict on a lease that must have expired early.
pub(crate) struct Early {
    pub(crate) verdict: Verdict,
    pub(crate) steps: u64,
}

/// Searches again for an order after a failure, with expiries at any time. None if this search
/// fails too.
pub(crate) fn expired_early(case: &Case<'_>, store: Store, tolerance_ns: u64) -> Option<Early> {
    let leases = case.leases?;
    let ends = case.ends(&store, None);
    if ends.is_empty() {
        return None;
    }
    let ops = case.ops(&ends).ok()?;
    let ordered = case.order(&ops, store);
    if ordered.verdict != Verdict::Legal || ordered.contradicted.is_some() {
        return None;
    }
    let placed = ordered.placement.as_ref()?.placed.iter();
    let mut soonest: Option<(u64, i64, i64, &Record)> = None;
    for (revision, place) in placed {
        let record = ops.record(*place);
        let (EXPIRY_PROCESS, Request::LeaseRevoke(lease)) = (record.process, &record.request)
        else {
            continue;
        };
        let known = &leases.all[&lease.id];
        let (Some(Expiry { at_ns: end, since: Some(_) }), Some(seen)) =
            (known.expires(tolerance_ns), first_sight(&ops, case.streams, *revision))
        else {
            continue;
        };
        let left = end.saturating_sub(seen.return_ns.unwrap_or(seen.call_ns));
        if left > 0 && soonest.is_none_or(|soonest| soonest.0 < left) {
            soonest = Some((left, lease.id, *revision, seen));
        }
    }
    let (left, id, revision, seen) = soonest?;
    let (life, told) = leases.all[&id].life(tolerance_ns);
    let reason = format!(
        "lease {id} expired early: {}, {}, shows revision {revision}, in which the keys of the \
         lease were deleted though nobody had asked for that, {} too soon: {life}",
        words::describe(seen),
        at(seen),
        words::duration(left),
    );
    let evidence = std::iter::once(seen).chain(told).map(|record| record.id).collect();
    let mut verdict = Verdict::broken(LEASE, reason, evidence);
    if let Verdict::Broken(violation) = &mut verdict {
        violation.revision = Some(revision);
    }
    Some(Early { verdict, steps: ordered.steps })
}

/// The first record that proves that a revision had been made.
fn first_sight<'a>(ops: &Ops<'a>, streams: &Streams<'a>, revision: i64) -> Option<&'a Record> {
    let mut first: Option<&Record> = None;
    let mut sees = |record: &'a Record| {
        if first.is_none_or(|first| record.return_ns < first.return_ns) {
            first = Some(record);
        }
    };
    ops.each_slot(|slot, place| {
        if slot / 2 >= revision {
            sees(ops.record(place));
        }
    });
    for (record, event) in streams.watchers.iter().flat_map(Watcher::events) {
        if event.kv.mod_revision >= revision {
            sees(record);
        }
    }
    first
}

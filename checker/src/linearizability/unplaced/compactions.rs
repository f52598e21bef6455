//! Checks compactions against the store, against each other, and against reads of the past.

use super::oldest_read_done;
use super::slots::SlotBounds;
use crate::history::{Record, Response};
use crate::linearizability::judged_range::Bounds;
use crate::linearizability::neighbours::{Sides, with_neighbours};
use crate::linearizability::ops::{Ops, broken};
use crate::model::Store;
use crate::verdict::Verdict;
use crate::words;

/// A compaction that succeeded or may have succeeded.
pub(super) struct Compaction<'a> {
    pub(super) record: &'a Record,
    pub(super) revision: i64,
    pub(super) bounds: Bounds,
    pub(super) done: bool,
}

pub(super) fn compaction(
    ops: &Ops<'_>,
    record: &Record,
    revision: i64,
    slots: &SlotBounds,
    store: &Store,
) -> Result<(), Verdict> {
    let bounds = slots.bounds(record);
    if revision > store.revision() || revision.saturating_mul(2) >= bounds.high {
        let reason = format!(
            "{} succeeded, but the store cannot have reached that revision by then (the last that \
             was made is {})",
            words::describe(record),
            store.revision()
        );
        let (reason, evidence) =
            with_neighbours(ops, record, reason, Sides { before: false, after: true });
        return Err(broken(reason, evidence, revision));
    }
    let header = match &record.response {
        Some(Response::Compact(answer)) => answer.header,
        _ => None,
    };
    let Some(header) = header else { return Ok(()) };
    let at = header.revision.saturating_mul(2).saturating_add(1);
    if at < bounds.low || at > bounds.high || header.revision < revision {
        let reason = format!(
            "{} was answered from revision {}, which was not the store's at any moment of the call",
            words::describe(record),
            header.revision
        );
        let sides = Sides { before: at < bounds.low, after: at > bounds.high };
        let (reason, evidence) = with_neighbours(ops, record, reason, sides);
        return Err(broken(reason, evidence, header.revision));
    }
    Ok(())
}

/// Checks that successful compactions have rising revisions in real time. Narrows their slots by
/// each other.
pub(super) fn in_order(ops: &Ops<'_>, all: &mut [Compaction<'_>]) -> Result<(), Verdict> {
    let done: Vec<usize> = (0..all.len()).filter(|place| all[*place].done).collect();
    let mut latest: Option<usize> = None;
    for &place in done.iter().rev() {
        // `latest` is the compaction with the earliest return among those at higher revisions.
        if let Some(above) = latest {
            let (above, below) = (&all[above], &all[place]);
            let late = above.record.return_ns < Some(below.record.call_ns);
            if late || above.revision == below.revision {
                return Err(out_of_order(below, above));
            }
        }
        let earlier = |other: usize| all[place].record.return_ns < all[other].record.return_ns;
        if latest.is_none_or(earlier) {
            latest = Some(place);
        }
    }
    for pair in done.windows(2) {
        if all[pair[0]].revision == all[pair[1]].revision {
            return Err(out_of_order(&all[pair[0]], &all[pair[1]]));
        }
        all[pair[1]].bounds.low = all[pair[1]].bounds.low.max(all[pair[0]].bounds.low);
    }
    for pair in done.windows(2).rev() {
        all[pair[0]].bounds.high = all[pair[0]].bounds.high.min(all[pair[1]].bounds.high);
    }
    match done.iter().find(|place| all[**place].bounds.low > all[**place].bounds.high) {
        Some(place) => {
            let compaction = &all[*place];
            let reason = format!(
                "{} succeeded, but no moment of its call lies between the answers around it: it must \
                 come after all compactions at lower revisions and before those at higher ones",
                words::describe(compaction.record)
            );
            let (reason, evidence) = with_neighbours(
                ops,
                compaction.record,
                reason,
                Sides { before: true, after: true },
            );
            Err(broken(reason, evidence, compaction.revision))
        }
        None => Ok(()),
    }
}

fn out_of_order(below: &Compaction<'_>, above: &Compaction<'_>) -> Verdict {
    let same = below.revision == above.revision;
    let swapped = same && below.record.call_ns < above.record.call_ns;
    let (below, above) = if swapped { (above, below) } else { (below, above) };
    let reason = format!(
        "{} succeeded although {} had succeeded before ({}): it had to be refused",
        words::describe(below.record),
        words::describe(above.record),
        words::relative(above.record, below.record)
    );
    broken(reason, vec![below.record.id, above.record.id], below.revision)
}

/// Checks that no read of a past revision succeeded after a compaction above that revision.
pub(super) fn past_reads(ops: &Ops<'_>, all: &[Compaction<'_>]) -> Result<(), Verdict> {
    let done: Vec<&Compaction<'_>> = all.iter().filter(|compaction| compaction.done).collect();
    if done.is_empty() {
        return Ok(());
    }
    // At index i: the compaction with the earliest return among all from i on.
    let mut soonest: Vec<&Compaction<'_>> = done.clone();
    for place in (0..done.len() - 1).rev() {
        if soonest[place + 1].record.return_ns < soonest[place].record.return_ns {
            soonest[place] = soonest[place + 1];
        }
    }
    let made = ops.made().map(|(revision, place)| (2 * revision, place));
    let seen = ops.observers.all().iter().map(|(revision, place)| (2 * revision + 1, *place));
    for (slot, place) in made.chain(seen) {
        let record = ops.record(place);
        let Some(past) = oldest_read_done(record) else { continue };
        let first = done.partition_point(|compaction| compaction.revision <= past);
        let Some(compaction) = done.get(first) else { continue };
        let before = soonest[first];
        let returned = before.record.return_ns < Some(record.call_ns);
        if returned || compaction.bounds.high < slot {
            let cause = if returned { before } else { compaction };
            let reason = format!(
                "{} read revision {past} after {} had succeeded ({}): it had to be refused",
                words::describe(record),
                words::describe(cause.record),
                words::relative(cause.record, record)
            );
            return Err(broken(reason, vec![record.id, cause.record.id], past));
        }
    }
    Ok(())
}

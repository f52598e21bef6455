//! Checks unplaced operations: compactions and definite errors. Some slot must fit each of them,
//! above the slots that returned before its call and below the slots that were called after its
//! return.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::indeterminate::{IndeterminateWrites, reads};
use super::judged_range::{Bounds, JudgedRange};
use super::neighbours::{Sides, with_neighbours};
use super::ops::{Ops, broken};
use crate::history::{
    Blob, CompactRequest, ErrorAnswer, Outcome, PlainOp, Record, Request, Response, is_local,
};
use crate::model::{Refusal, Store};
use crate::verdict::{LINEARIZABILITY, Verdict};
use crate::words;

const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";

/// Gives the slots that real time leaves for an interval.
struct SlotBounds<'a> {
    base: i64,
    /// Slots that earlier parts of the recording found, by record id.
    known: &'a BTreeMap<u64, Bounds>,
    /// By return time: the highest slot that had returned by then.
    returned: Vec<(u64, i64)>,
    /// By call time: the lowest slot that was called from then on.
    called: Vec<(u64, i64)>,
}

impl<'a> SlotBounds<'a> {
    fn new(ops: &Ops<'_>, known: &'a BTreeMap<u64, Bounds>) -> Self {
        let mut returned = Vec::new();
        let mut called = Vec::new();
        ops.each_slot(|slot, place| {
            let record = ops.record(place);
            called.push((record.call_ns, slot));
            returned.extend(record.return_ns.map(|return_ns| (return_ns, slot)));
        });
        returned.sort_unstable();
        let mut highest = i64::MIN;
        for (_, slot) in &mut returned {
            highest = highest.max(*slot);
            *slot = highest;
        }
        called.sort_unstable();
        let mut lowest = i64::MAX;
        for (_, slot) in called.iter_mut().rev() {
            lowest = lowest.min(*slot);
            *slot = lowest;
        }
        SlotBounds { base: ops.base, known, returned, called }
    }

    fn bounds(&self, record: &Record) -> Bounds {
        let before = self.returned.partition_point(|(at, _)| *at < record.call_ns);
        let first = 2 * self.base + 1;
        let low = before.checked_sub(1).map_or(first, |place| self.returned[place].1 | 1);
        let high = record.return_ns.map_or(i64::MAX, |return_ns| {
            let after = self.called.partition_point(|(at, _)| *at <= return_ns);
            self.called.get(after).map_or(i64::MAX, |(_, slot)| (slot - 1) | 1)
        });
        match self.known.get(&record.id) {
            Some(known) => Bounds { low: known.low, high: high.min(known.high) },
            None => Bounds { low, high },
        }
    }
}

/// A compaction that succeeded or may have succeeded.
struct Compaction<'a> {
    record: &'a Record,
    revision: i64,
    bounds: Bounds,
    done: bool,
}

/// Everything that may explain a definite error.
struct ErrorContext<'a, 'b> {
    ops: &'b Ops<'a>,
    slots: SlotBounds<'b>,
    /// By revision, then by call.
    compactions: &'b [Compaction<'a>],
    store: &'b Store,
    indeterminate: &'b IndeterminateWrites<'a>,
}

/// Checks all unplaced operations against the store of a replay, and returns their slots. If the
/// recording goes on, operations whose upper slot is still open are left for the next part.
pub(crate) fn check(
    ops: &Ops<'_>,
    indeterminate: &IndeterminateWrites<'_>,
    store: &Store,
    judged_range: &JudgedRange,
    budget: u64,
) -> Result<Vec<(u32, Bounds)>, Verdict> {
    let mut found = Vec::new();
    if ops.compactions.is_empty() && ops.errors.is_empty() {
        return Ok(found);
    }
    let slots = SlotBounds::new(ops, &judged_range.unplaced);
    let later = |bounds: Bounds| judged_range.until.is_some() && bounds.high == i64::MAX;
    let mut all: Vec<Compaction<'_>> = Vec::new();
    for place in &ops.compactions {
        let record = ops.record(*place);
        let Request::Compact(CompactRequest { revision, .. }) = &record.request else { continue };
        let mut bounds = slots.bounds(record);
        found.push((*place, bounds));
        bounds.low = bounds.low.max(revision.saturating_mul(2).saturating_add(1));
        let done = record.outcome == Outcome::Ok;
        if done && !later(bounds) {
            compaction(ops, record, *revision, &slots, store)?;
        }
        all.push(Compaction { record, revision: *revision, bounds, done });
    }
    all.sort_by_key(|compaction| (compaction.revision, compaction.record.call_ns));
    in_order(ops, &mut all)?;
    past_reads(ops, &all)?;
    let context = ErrorContext { ops, slots, compactions: &all, store, indeterminate };
    let mut steps = budget;
    for place in &ops.errors {
        let record = ops.record(*place);
        let bounds = context.slots.bounds(record);
        found.push((*place, bounds));
        if !later(bounds) {
            error(record, &context, &mut steps)?;
        }
    }
    Ok(found)
}

fn compaction(
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
fn in_order(ops: &Ops<'_>, all: &mut [Compaction<'_>]) -> Result<(), Verdict> {
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
fn past_reads(ops: &Ops<'_>, all: &[Compaction<'_>]) -> Result<(), Verdict> {
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
        let Some(past) = oldest_read(&record.request) else { continue };
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

/// The lowest past revision that a request reads.
pub(super) fn oldest_read(request: &Request) -> Option<i64> {
    past_revisions(request).min()
}

/// The past revisions that a request reads, in either branch of a transaction.
fn past_revisions(request: &Request) -> impl Iterator<Item = i64> {
    request.ops().filter_map(|op| match op {
        PlainOp::Range(range) if range.revision > 0 => Some(range.revision),
        _ => None,
    })
}

/// Checks that the store could have answered with this error at some slot.
fn error(record: &Record, context: &ErrorContext<'_, '_>, steps: &mut u64) -> Result<(), Verdict> {
    let ErrorContext { slots, compactions: all, store, indeterminate, .. } = context;
    let Some(Response::Error(ErrorAnswer { message, .. })) = &record.response else {
        return Ok(()); // the request was never sent
    };
    let mut bounds = slots.bounds(record);
    if is_local(&record.request) {
        bounds.low = 2 * store.floor() + 1;
    }
    let asked = match &record.request {
        Request::Range(range) => vec![range.revision],
        Request::Txn(_) => past_revisions(&record.request).collect(),
        Request::Compact(compact) => vec![compact.revision],
        _ => Vec::new(),
    };
    let explained = if message == COMPACTED {
        let inclusive = matches!(record.request, Request::Compact(_));
        // Compactions before the recording are not recorded.
        let past = |asked: &i64| store.floor() > 1 && *asked <= store.floor();
        asked.iter().any(|asked| past(asked) || compacted(record, *asked, inclusive, bounds, all))
    } else if message == Refusal::FutureRevision.text() {
        // The store may have been as low as real time allows.
        asked.iter().any(|asked| bounds.low / 2 < *asked) || is_local(&record.request)
    } else if message == Refusal::KeyNotFound.text() {
        let last = (bounds.high / 2).min(store.revision());
        // An indeterminate write may have deleted the key at any slot.
        let spans = reads(&record.request);
        let mut unknown = 0..indeterminate.len() as u32;
        let mut found =
            unknown.any(|number| spans.iter().any(|span| indeterminate.touches(number, span)));
        found |= bounds.low / 2 < store.floor(); // a compaction may have removed the key
        for revision in bounds.low / 2..=last.max(bounds.low / 2) {
            if found {
                break;
            }
            if *steps == 0 {
                let reason = format!(
                    "whether {} was rightly refused with \"{message}\" is open: it may stand \
                     anywhere from revision {} to {last}, and the steps ran out at revision \
                     {revision}; --steps gives more",
                    words::describe(record),
                    bounds.low / 2
                );
                return Err(Verdict::unknown(LINEARIZABILITY, reason, vec![record.id]));
            }
            *steps -= 1;
            found = store.at(revision).refusal(&record.request) == Some(Refusal::KeyNotFound);
        }
        found
    } else {
        true
    };
    if explained {
        return Ok(());
    }
    Err(unexplained(record, message, context, bounds.low / 2))
}

/// The verdict on an error without a reason. `from` is the first revision at which it may have been
/// answered.
fn unexplained(
    record: &Record,
    message: &str,
    context: &ErrorContext<'_, '_>,
    from: i64,
) -> Verdict {
    let ErrorContext { ops, compactions: all, store, .. } = context;
    let reason = format!(
        "{}, called at {}, was refused with \"{message}\", but at no moment of the call was there a \
         reason",
        words::describe(record),
        words::time(record.call_ns)
    );
    let (mut reason, mut evidence) = with_neighbours(
        ops,
        record,
        reason,
        Sides { before: message == Refusal::FutureRevision.text(), after: false },
    );
    if message == Refusal::KeyNotFound.text() {
        reason.push_str(": what it wanted to keep was there all the time");
        let kept = kept(&record.request).and_then(|key| store.at(from).get(key));
        let writer =
            kept.and_then(|kept| Some((kept.mod_revision, ops.mutator(kept.mod_revision)?)));
        if let Some((written, writer)) = writer {
            let writer = ops.record(writer);
            let _ = write!(reason, ", {}", words::last_written((written, writer), record));
            evidence.push(writer.id);
        }
    }
    if message == COMPACTED {
        let highest = all.iter().rev().find(|one| record.return_ns >= Some(one.record.call_ns));
        match highest {
            Some(one) => {
                let _ = write!(
                    reason,
                    ": by then the highest compaction was {}",
                    words::describe(one.record)
                );
                evidence.push(one.record.id);
            }
            None => reason.push_str(": no compaction had been asked for by then"),
        }
    }
    broken(reason, evidence, from)
}

/// The key whose value or lease a put asks to keep.
fn kept(request: &Request) -> Option<&Blob> {
    match request {
        Request::Put(put) => Some(&put.key),
        _ => None,
    }
}

fn compacted(
    record: &Record,
    asked: i64,
    inclusive: bool,
    bounds: Bounds,
    all: &[Compaction<'_>],
) -> bool {
    if inclusive && asked <= 0 {
        return true; // stores differ in whether revision 0 counts as compacted
    }
    all.iter().any(|compaction| {
        let above = compaction.revision > asked || inclusive && compaction.revision == asked;
        let called = record.return_ns.is_none_or(|at| compaction.record.call_ns <= at);
        above && called && (!compaction.done || compaction.bounds.low <= bounds.high)
    })
}

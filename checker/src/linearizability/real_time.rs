//! Checks that the order of slots agrees with real time.

use super::ops::{Ops, broken};
use crate::history::Record;
use crate::verdict::Verdict;
use crate::words;

/// An operation by its place, with its slot.
#[derive(Clone, Copy)]
struct Placed {
    slot: i64,
    place: u32,
}

/// Finds an operation that was called after an operation of a higher slot had returned. The two
/// records alone prove the violation.
pub(crate) fn check(ops: &Ops<'_>) -> Result<(), Verdict> {
    let mut calls: Vec<(u64, Placed)> = Vec::with_capacity(ops.records.len());
    let mut returns = Vec::with_capacity(ops.records.len());
    ops.each_slot(|slot, place| {
        let record = ops.record(place);
        calls.push((record.call_ns, Placed { slot, place }));
        returns.extend(record.return_ns.map(|return_ns| (return_ns, Placed { slot, place })));
    });
    calls.sort_unstable_by_key(|(call, placed)| (*call, placed.place));
    returns.sort_unstable_by_key(|(returned, placed)| (*returned, placed.place));
    let mut returned = returns.into_iter().peekable();
    let mut latest: Option<Placed> = None;
    for (call, later) in calls {
        while let Some((_, before)) = returned.next_if(|(returned, _)| *returned < call) {
            if latest.is_none_or(|latest| latest.slot < before.slot) {
                latest = Some(before);
            }
        }
        if let Some(earlier) = latest.filter(|earlier| earlier.slot > later.slot) {
            let (a, b) = (ops.record(earlier.place), ops.record(later.place));
            return Err(violation(
                Slotted { record: a, slot: earlier.slot },
                Slotted { record: b, slot: later.slot },
            ));
        }
    }
    Ok(())
}

/// An operation with its slot.
#[derive(Clone, Copy)]
pub(crate) struct Slotted<'a> {
    pub(crate) record: &'a Record,
    pub(crate) slot: i64,
}

/// The verdict that `later` was called after `earlier` had returned, and has the lower slot.
pub(crate) fn violation(earlier: Slotted<'_>, later: Slotted<'_>) -> Verdict {
    let (a, b) = (earlier.record, later.record);
    let (earlier, later) = (earlier.slot, later.slot);
    let gap = words::duration(b.call_ns - a.return_ns.unwrap_or(b.call_ns));
    let (was, is) = (earlier / 2, later / 2);
    let reason = if later % 2 == 1 {
        format!(
            "{} began {gap} after {} {}, and was answered from revision {is}: a stale {}",
            words::describe(b),
            words::describe(a),
            answered(earlier, was),
            words::noun(b),
        )
    } else {
        format!(
            "{} began {gap} after {} {}, and yet made {} revision {is}",
            words::describe(b),
            words::describe(a),
            answered(earlier, was),
            if was == is { "that same" } else { "the earlier" },
        )
    };
    broken(reason, vec![b.id, a.id], is)
}

fn answered(slot: i64, revision: i64) -> String {
    if slot % 2 == 0 {
        format!("was acknowledged at revision {revision}")
    } else {
        format!("had been answered from revision {revision}")
    }
}

//! Finds the answers that bound the slot of an unplaced operation. A reason names them, so they are
//! looked up only after a violation.

use std::fmt::Write as _;

use super::ops::Ops;
use crate::history::Record;
use crate::words;

/// The operation of the highest slot among all that returned before `record` was called.
pub(crate) fn before<'a>(ops: &Ops<'a>, record: &Record) -> Option<(i64, &'a Record)> {
    let mut best: Option<(i64, &Record)> = None;
    ops.each_slot(|slot, place| {
        let other = ops.record(place);
        let returned = other.return_ns.is_some_and(|at| at < record.call_ns);
        if returned && best.is_none_or(|(most, _)| most < slot) {
            best = Some((slot, other));
        }
    });
    best
}

/// The operation of the lowest slot among all that were called after `record` had returned.
pub(crate) fn after<'a>(ops: &Ops<'a>, record: &Record) -> Option<(i64, &'a Record)> {
    let mut best: Option<(i64, &Record)> = None;
    ops.each_slot(|slot, place| {
        let other = ops.record(place);
        let later = record.return_ns.is_some_and(|at| at < other.call_ns);
        if later && best.is_none_or(|(least, _)| least > slot) {
            best = Some((slot, other));
        }
    });
    best
}

/// Which neighbours of an operation a reason names.
#[derive(Clone, Copy)]
pub(crate) struct Sides {
    pub(crate) before: bool,
    pub(crate) after: bool,
}

/// Adds the chosen neighbours of an operation to a reason. Returns the reason and the ids of all
/// records that it names.
pub(crate) fn with_neighbours(
    ops: &Ops<'_>,
    record: &Record,
    mut reason: String,
    sides: Sides,
) -> (String, Vec<u64>) {
    let mut evidence = vec![record.id];
    if let Some((slot, other)) = before(ops, record).filter(|_| sides.before) {
        let gap = words::duration(record.call_ns - other.return_ns.unwrap_or(record.call_ns));
        let _ = write!(
            reason,
            "; {} had been answered at revision {}, {gap} before it was called",
            words::describe(other),
            slot / 2
        );
        evidence.push(other.id);
    }
    if let Some((slot, other)) = after(ops, record).filter(|_| sides.after) {
        let gap = words::duration(other.call_ns - record.return_ns.unwrap_or(other.call_ns));
        let _ = write!(
            reason,
            "; {} was called {gap} after it had been answered, and was answered at revision {}",
            words::describe(other),
            slot / 2
        );
        evidence.push(other.id);
    }
    (reason, evidence)
}

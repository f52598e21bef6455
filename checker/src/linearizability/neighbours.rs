//! Which answers say where an operation without a place of its own can stand: for reasons only, so
//! it is looked up when something is wrong.

use std::fmt::Write as _;

use super::ops::Ops;
use crate::history::Record;
use crate::words;

/// The highest slot among what had returned before an operation was called, and whose it is.
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

/// The lowest slot among what was called after an operation had returned, and whose it is.
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

/// A reason with the answers that fence the operation in, as far as they matter, and the ids of
/// all three.
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

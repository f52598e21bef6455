//! Checks unplaced operations: compactions and definite errors. Real time bounds the slot of an
//! operation: the slots that returned before its call lie below, and the slots that were called
//! after its return lie above.

mod compactions;
mod errors;
mod slots;

use super::indeterminate::IndeterminateWrites;
use super::judged_range::{Bounds, JudgedRange};
use super::ops::Ops;
use crate::history::{CompactRequest, Outcome, PlainOp, Record, Request, Response};
use crate::model::Store;
use crate::verdict::Verdict;

use compactions::{Compaction, compaction, in_order, past_reads};
use errors::{ErrorContext, error};
use slots::SlotBounds;

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

/// The lowest past revision that a request reads.
pub(in crate::linearizability) fn oldest_read(request: &Request) -> Option<i64> {
    past_revisions(request).min()
}

/// The past revisions that a request reads, in either branch of a transaction.
fn past_revisions(request: &Request) -> impl Iterator<Item = i64> {
    request.ops().filter_map(past_revision)
}

/// The lowest past revision that an answered request has read: in a transaction the branch that was
/// taken counts, and the other one read nothing.
fn oldest_read_done(record: &Record) -> Option<i64> {
    match (&record.request, &record.response) {
        (Request::Txn(txn), Some(Response::Txn(answer))) => {
            txn.answered_ops(answer).filter_map(|(op, _)| past_revision(op)).min()
        }
        // Which branch was taken is not known.
        (Request::Txn(_), _) => None,
        (request, _) => oldest_read(request),
    }
}

fn past_revision(op: PlainOp<'_>) -> Option<i64> {
    match op {
        PlainOp::Range(range) if range.revision > 0 => Some(range.revision),
        _ => None,
    }
}

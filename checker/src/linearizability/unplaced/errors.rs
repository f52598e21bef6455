//! Checks that the store could have answered with each definite error.

use std::fmt::Write as _;

use super::compactions::Compaction;
use super::past_revisions;
use super::slots::SlotBounds;
use crate::history::{Blob, ErrorAnswer, Record, Request, Response, is_local};
use crate::linearizability::indeterminate::{IndeterminateWrites, reads};
use crate::linearizability::judged_range::Bounds;
use crate::linearizability::neighbours::{Sides, with_neighbours};
use crate::linearizability::ops::{Ops, broken};
use crate::model::{Refusal, Store};
use crate::verdict::{LINEARIZABILITY, Verdict};
use crate::words;

const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";

/// Everything that may explain a definite error.
pub(super) struct ErrorContext<'a, 'b> {
    pub(super) ops: &'b Ops<'a>,
    pub(super) slots: SlotBounds<'b>,
    /// By revision, then by call.
    pub(super) compactions: &'b [Compaction<'a>],
    pub(super) store: &'b Store,
    pub(super) indeterminate: &'b IndeterminateWrites<'a>,
}

/// Checks that the store could have answered with this error at some slot.
pub(super) fn error(
    record: &Record,
    context: &ErrorContext<'_, '_>,
    steps: &mut u64,
) -> Result<(), Verdict> {
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
            let _ = write!(reason, ", {}", words::last_written(written, writer, record));
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

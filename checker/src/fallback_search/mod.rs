//! Searches for an order if the revisions in answers leave it open.

mod key_space;

use std::fmt::Write as _;

use key_space::KeySpace;

use crate::budget::Budget;
use crate::history::weight::weight;
use crate::history::{Outcome, Record, Request, is_local};
use crate::model::Store;
use crate::verdict::{LINEARIZABILITY, Verdict};
use crate::words;
use crate::words::row::{Row, of_record};
use mettle_search::shrink::shrink;
use mettle_search::{Call, Limits, search};

/// Longer histories are not searched: each state is a store of its own.
const MOST_OPERATIONS: usize = 2_000;
/// The most steps for shrinking a contradiction; each step copies a store.
const SHRINK_STEPS: u64 = 200_000;

/// Searches for an order of the operations; the given doubt stays if the budget does not suffice.
/// Serializable reads are left out, since they have no place in the order.
pub(crate) fn fallback_search(
    records: &[Record],
    start: Store,
    budget: Budget,
    doubt: Verdict,
) -> Verdict {
    let operations = records.iter().filter(|record| {
        let lost_read =
            record.outcome == Outcome::Unknown && matches!(record.request, Request::Range(_));
        record.request.op().is_operation() && !is_local(&record.request) && !lost_read
    });
    let calls: Vec<Call<Record>> = operations
        .map(|record| Call {
            op: record.clone(),
            call: record.call_ns,
            returned: record.return_ns.filter(|_| record.outcome != Outcome::Unknown),
        })
        .collect();
    if calls.len() > MOST_OPERATIONS {
        return doubt;
    }
    let weight: u64 = calls.iter().map(|call| weight(&call.op)).sum();
    let memory_bytes = budget.memory_bytes.saturating_sub(weight).min(usize::MAX as u64) as usize;
    let limits = Limits { steps: budget.steps.min(2_000_000), memory_bytes };
    let model = KeySpace::starting_with(start);
    match search(&model, &calls, &limits).outcome {
        mettle_search::Outcome::Linearizable(_) => Verdict::Legal,
        mettle_search::Outcome::Unknown(_) => doubt,
        mettle_search::Outcome::Illegal(stuck) => {
            let memory_bytes = memory_bytes.saturating_sub(weight as usize);
            let limits = Limits { steps: SHRINK_STEPS, memory_bytes };
            let core = shrink(&[model], &calls, &stuck, &limits, lost);
            let rows: Vec<Row> =
                core.ops.iter().map(|place| of_record(&calls[*place].op, None)).collect();
            let shown: Vec<&Row> = rows.iter().collect();
            let mut reason = words::together(&shown, false);
            let known = |(place, _): &&(usize, String)| core.ops.contains(place);
            if let Some((place, why)) = core.stuck.rejected.iter().find(known) {
                let record = &calls[*place].op;
                let _ = write!(
                    reason,
                    "; in the longest order {} comes next, but {why}",
                    words::describe(record)
                );
            }
            let evidence = rows.iter().map(|row| row.id).collect();
            Verdict::broken(LINEARIZABILITY, reason, evidence)
        }
    }
}

/// A change without its answer.
fn lost(record: &Record) -> Record {
    Record { return_ns: None, outcome: Outcome::Unknown, response: None, ..record.clone() }
}

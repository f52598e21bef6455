//! What the order of revisions leaves open goes to the general search.

use crate::history::{Outcome, Record, Request};
use crate::model::Store;
use crate::revision::LINEARIZABILITY;
use crate::revision::ops::is_local;
use crate::search::key_space::KeySpace;
use crate::search::{self, Call, Limits, search};
use crate::verdict::Verdict;
use crate::words;

/// Histories longer than this are not worth the try: each state is a store of its own.
const MOST_OPERATIONS: usize = 2_000;
const MEMORY_BYTES: usize = 64 << 20;

/// Searches an order of the key space's operations; the given doubt stays if none is found in the
/// budget. Answers of a member's own store are left out: they need no order.
pub(crate) fn general(records: &[Record], start: Store, steps: u64, doubt: Verdict) -> Verdict {
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
    let limits = Limits { steps: steps.min(2_000_000), memory_bytes: MEMORY_BYTES };
    match search(&KeySpace::starting_with(start), &calls, &limits).outcome {
        search::Outcome::Linearizable(_) => Verdict::Legal,
        search::Outcome::Unknown(_) => doubt,
        search::Outcome::Illegal(stuck) => {
            let mut reason = format!(
                "no order fits: {} operations can be ordered, after which nothing can come next",
                stuck.order.len()
            );
            let mut evidence = Vec::new();
            for (place, why) in stuck.rejected.iter().take(5) {
                let record = &calls[*place].op;
                reason.push_str("; ");
                reason.push_str(&words::describe(record));
                reason.push_str(" not, since ");
                reason.push_str(why);
                evidence.push(record.id);
            }
            Verdict::broken(LINEARIZABILITY, reason, evidence)
        }
    }
}

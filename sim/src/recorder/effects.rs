//! Questions to the tape: how one member served clients in a stretch of time.

use std::ops::RangeInclusive;

use crate::member::Member;
use mettle_checker::history::{Op, Outcome, Record};

/// Whether an operation called at `from_ns` or later was answered by `member`.
pub(super) fn served_since(records: &[Record], member: Member, from_ns: u64) -> bool {
    let member = u64::from(member);
    records.iter().rev().take_while(|record| record.call_ns >= from_ns).any(|record| {
        let op = record.request.op();
        record.member == member
            && record.outcome == Outcome::Ok
            && (op.is_operation() || op == Op::WatchResponse)
    })
}

/// Whether an operation called at `member` in this time took so long or longer.
pub(super) fn slow(
    records: &[Record],
    member: Member,
    time: RangeInclusive<u64>,
    least_ns: u64,
) -> bool {
    let member = u64::from(member);
    records.iter().any(|record| {
        record.member == member
            && record.request.op().is_operation()
            && time.contains(&record.call_ns)
            && record.return_ns.is_some_and(|at_ns| at_ns >= record.call_ns + least_ns)
    })
}

/// Whether an operation called at `member` in this time had no answer.
pub(super) fn unanswered(records: &[Record], member: Member, time: RangeInclusive<u64>) -> bool {
    let member = u64::from(member);
    records.iter().any(|record| {
        record.member == member
            && record.outcome == Outcome::Unknown
            && time.contains(&record.call_ns)
    })
}

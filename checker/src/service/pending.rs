//! A write that waits while a leader is elected is answered or refused soon afterwards.

use super::recovery::writes;
use super::windows::Window;
use super::{LeaderChange, PENDING, ServedRun, ServiceCheck, ServiceFinding};
use crate::history::Record;
use crate::words;

/// Looks at every write that was under way when a leader was elected, at a member that was able to
/// serve from the election on.
pub(super) fn check(run: &ServedRun<'_>, windows: &[Window]) -> ServiceCheck {
    let mut check = ServiceCheck::new(PENDING);
    let bound_ns = run.settings.pending_ns;
    for (place, change) in run.leaders.iter().enumerate() {
        let due_ns = change.at_ns.saturating_add(bound_ns);
        // The next election begins the wait anew.
        if run.leaders.get(place + 1).is_some_and(|next| next.at_ns <= due_ns) {
            continue;
        }
        let at = windows.partition_point(|window| window.to_ns < due_ns);
        let Some(window) = windows.get(at).filter(|window| window.from_ns <= change.at_ns) else {
            continue;
        };
        if !window.has(change.member) {
            continue;
        }
        for record in run.records.iter().filter(|record| writes(record)) {
            let Some(ended_ns) = run.ended_ns(record) else { continue };
            let waited = record.call_ns < change.at_ns && change.at_ns < ended_ns;
            if !waited || !window.has(record.member) {
                continue;
            }
            check.look((ended_ns > due_ns).then(|| finding(run, record, change, ended_ns)));
        }
    }
    check
}

fn finding(
    run: &ServedRun<'_>,
    record: &Record,
    change: &LeaderChange,
    ended_ns: u64,
) -> ServiceFinding {
    let reason = format!(
        "{} at m{}, called at {}, was neither answered nor refused until {}, {} after m{} became \
         leader of term {}; the bound is {}",
        words::describe(record),
        record.member,
        words::time(record.call_ns),
        words::time(ended_ns),
        words::duration(ended_ns - change.at_ns),
        change.member,
        change.term,
        words::duration(run.settings.pending_ns)
    );
    ServiceFinding { reason, evidence: vec![record.id], at_ns: ended_ns }
}

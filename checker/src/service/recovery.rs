//! After a quorum can talk, writes succeed again soon.

use super::answered::is_refusal;
use super::windows::Window;
use super::{RECOVERY, ServedRun, ServiceCheck, ServiceFinding};
use crate::history::{Outcome, Record, Request};
use crate::words;

/// In each window that is long enough the first write succeeds in time, if any is asked for.
pub(super) fn check(run: &ServedRun<'_>, windows: &[Window]) -> ServiceCheck {
    let mut check = ServiceCheck::new(RECOVERY);
    for window in windows {
        let by_ns = window.steady_ns(run);
        if by_ns > window.to_ns {
            continue;
        }
        let asked = run.records.iter().filter(|record| {
            let inside = window.from_ns <= record.call_ns && record.call_ns < by_ns;
            // Neither shows whether a write could have succeeded.
            let shows_nothing =
                is_refusal(record) || record.outcome != Outcome::Ok && run.impatient(record);
            inside && window.has(record.member) && writes(record) && !shows_nothing
        });
        // A write that began just before the bound shows nothing when it is still under way.
        let mut tried = None;
        let mut done = false;
        for record in asked {
            let ended_ns = run.ended_ns(record).unwrap_or(u64::MAX);
            done |= record.outcome == Outcome::Ok && ended_ns <= by_ns;
            if ended_ns <= by_ns && record.outcome != Outcome::Ok {
                tried = Some(record);
            }
            let waits = ended_ns > by_ns;
            if waits && by_ns - record.call_ns >= run.settings.latency_ns {
                tried = Some(record);
            }
        }
        if done {
            check.look(None);
        } else if let Some(record) = tried {
            check.look(Some(finding(run, window, record)));
        }
    }
    check
}

fn finding(run: &ServedRun<'_>, window: &Window, record: &Record) -> ServiceFinding {
    let by_ns = window.steady_ns(run);
    let reason = format!(
        "no write at a member able to serve succeeded until {}, {}; {} at m{}, called at {}, was one \
         that was tried",
        words::time(by_ns),
        window.told(by_ns),
        words::describe(record),
        record.member,
        words::time(record.call_ns)
    );
    ServiceFinding { reason, evidence: vec![record.id], at_ns: by_ns }
}

/// Whether a request has to go through the log.
pub(super) fn writes(record: &Record) -> bool {
    match &record.request {
        Request::Put(_) | Request::DeleteRange(_) => true,
        Request::Txn(txn) => txn.may_write(),
        _ => false,
    }
}

//! In the steady part of a window a member's own store is not old, nor is it in a quiet time.

use super::answered::steady;
use super::windows::Window;
use super::{STALE, ServedRun, ServiceCheck, ServiceFinding};
use crate::history::{Outcome, Record, Request, Response, is_local, makes_revision};
use crate::words;

/// A write that was acknowledged.
#[derive(Clone, Copy)]
struct Made<'a> {
    at_ns: u64,
    revision: i64,
    writer: &'a Record,
}

/// A serializable read shows at least what had been acknowledged so long before it that every
/// member must have heard.
pub(super) fn check(run: &ServedRun<'_>, windows: &[Window]) -> ServiceCheck {
    let mut check = ServiceCheck::new(STALE);
    let mut made: Vec<Made<'_>> = run
        .records
        .iter()
        .filter(|record| makes_revision(record))
        .filter_map(|record| {
            let (at_ns, revision) = (record.return_ns?, revision(record)?);
            Some(Made { at_ns, revision, writer: record })
        })
        .collect();
    made.sort_by_key(|one| (one.at_ns, one.revision));
    let mut highest: Vec<usize> = Vec::with_capacity(made.len());
    for place in 0..made.len() {
        let before = place.checked_sub(1).map(|before| highest[before]);
        let best = before.filter(|best| made[*best].revision > made[place].revision);
        highest.push(best.unwrap_or(place));
    }
    let newest = |heard_ns: u64| {
        let before = made.partition_point(|one| one.at_ns < heard_ns);
        before.checked_sub(1).map(|last| made[highest[last]])
    };
    for (record, window) in steady(run, windows).filter(|(record, _)| is_answered(record)) {
        let heard_ns = record.call_ns.saturating_sub(run.settings.latency_ns);
        let told = || window.told(record.call_ns);
        check.look(newest(heard_ns).and_then(|newest| older(record, newest, told)));
    }
    for quiet in run.records.iter().filter(|one| matches!(one.request, Request::Quiesced(_))) {
        let from_ns = quiet.call_ns.saturating_add(run.settings.latency_ns);
        let inside =
            |record: &&Record| record.call_ns >= from_ns && Some(record.call_ns) <= quiet.return_ns;
        for record in run.records.iter().filter(inside).filter(|record| is_answered(record)) {
            let after = words::duration(record.call_ns - quiet.call_ns);
            let told = || format!("{after} after the quiet time began");
            check.look(newest(quiet.call_ns).and_then(|newest| older(record, newest, told)));
        }
    }
    check
}

/// Whether a member answered from its own store.
fn is_answered(record: &Record) -> bool {
    is_local(&record.request) && record.outcome == Outcome::Ok
}

/// The finding that a read shows less than a write had made; `told` says when.
fn older(record: &Record, newest: Made<'_>, told: impl Fn() -> String) -> Option<ServiceFinding> {
    let Made { at_ns, revision: newest, writer } = newest;
    let shown = revision(record).filter(|shown| *shown < newest)?;
    let reason = format!(
        "{} at m{}, called at {}, was answered from revision {shown}, {} after {} was acknowledged \
         at revision {newest}, {}",
        words::describe(record),
        record.member,
        words::time(record.call_ns),
        words::duration(record.call_ns - at_ns),
        words::describe(writer),
        told()
    );
    let evidence = vec![record.id, writer.id];
    Some(ServiceFinding { reason, evidence, at_ns: record.call_ns })
}

fn revision(record: &Record) -> Option<i64> {
    Some(record.response.as_ref().and_then(Response::header)?.revision)
}

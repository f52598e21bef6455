//! Whether a lease that nobody renews ends, when the recording says that it waited.

use super::check::{Found, wrong};
use super::gather::{Lease, Leases, granted};
use crate::history::{KeyValue, Outcome, Record, Request, Response};
use crate::revision::ops::is_local;
use crate::words;

const SECOND_NS: u64 = 1_000_000_000;

/// How long the end of a lease may take after its time: etcd promises none. Elections make it count
/// from anew, and it looks for expired leases twice a second and ends them in portions.
const GRACE_NS: u64 = 10 * SECOND_NS;

/// No key hangs on a lease after a quiet time that was longer than the lease's time and the grace.
pub(super) fn live(records: &[Record], leases: &Leases<'_>) -> Found {
    let quiet = records.iter().filter(|record| {
        matches!(record.request, Request::Quiesced(_)) && record.outcome == Outcome::Ok
    });
    for quiet in quiet {
        for record in records.iter().filter(|record| Some(record.call_ns) >= quiet.return_ns) {
            if record.outcome != Outcome::Ok || is_local(&record.request) {
                continue;
            }
            for kv in shown(record) {
                let lease = leases.all.get(&kv.lease).filter(|_| kv.lease != 0);
                let Some(since) = lease.and_then(|lease| over(lease, quiet)) else { continue };
                let what = format!(
                    "{} shows {} of lease {}, which nobody had renewed for {} in which nothing was \
                     wrong: it must be gone",
                    words::describe(record),
                    kv.key,
                    kv.lease,
                    words::duration(quiet.return_ns.unwrap_or(0) - quiet.call_ns)
                );
                return wrong(what, &[record, since, quiet]);
            }
        }
    }
    Ok(())
}

/// Whether a lease must be over at the end of a quiet time: what was the last to renew it.
fn over<'a>(lease: &Lease<'a>, quiet: &Record) -> Option<&'a Record> {
    let waited = quiet.return_ns?.checked_sub(quiet.call_ns)?;
    if lease.lost_renewal || lease.old {
        return None;
    }
    let mut last: Option<&Record> = None;
    let given = lease.grants.iter().map(|grant| (*grant, granted(grant)));
    for (record, ttl) in given.chain(lease.renewals.iter().copied()) {
        let whole = u64::try_from(ttl).ok()?.saturating_mul(SECOND_NS);
        let known = record.outcome == Outcome::Ok && record.return_ns <= Some(quiet.call_ns);
        if !known || whole == 0 || whole.saturating_add(GRACE_NS) > waited {
            return None;
        }
        if last.is_none_or(|last| last.call_ns < record.call_ns) {
            last = Some(record);
        }
    }
    last
}

fn shown(record: &Record) -> &[KeyValue] {
    match (&record.request, &record.response) {
        (Request::Range(request), Some(Response::Range(range))) if request.revision <= 0 => {
            &range.kvs
        }
        _ => &[],
    }
}

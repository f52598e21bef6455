//! Checks that a lease ends if no client renews it during a long quiet period.

use super::gather::Leases;
use super::life::{Lease, granted};
use super::violation::{Checked, wrong};
use crate::history::{KeyValue, Outcome, Record, Request, Response, is_local};
use crate::words;

const SECOND_NS: u64 = 1_000_000_000;

/// How long the end of a lease may take after its time. Etcd promises no bound: an election
/// restarts the count, and the server looks for expired leases twice a second and ends them in
/// portions.
const GRACE_NS: u64 = 10 * SECOND_NS;

/// Checks that no key is attached to a lease after a quiet period longer than the TTL and the
/// grace.
pub(super) fn live<'a>(
    records: impl Iterator<Item = &'a Record> + Clone,
    leases: &Leases<'_>,
    tolerance_ns: u64,
) -> Checked {
    let quiet = records.clone().filter(|record| {
        matches!(record.request, Request::Quiesced(_)) && record.outcome == Outcome::Ok
    });
    for quiet in quiet {
        for record in records.clone().filter(|record| Some(record.call_ns) >= quiet.return_ns) {
            if record.outcome != Outcome::Ok || is_local(&record.request) {
                continue;
            }
            for kv in shown(record).iter().filter(|_| leases.has_settled(record)) {
                let lease = leases.all.get(&kv.lease).filter(|_| kv.lease != 0);
                let Some(lease) = lease.filter(|lease| over(lease, quiet)) else { continue };
                let (life, told) = lease.life(tolerance_ns);
                let waited = quiet.return_ns.unwrap_or(0) - quiet.call_ns;
                let what = format!(
                    "{} shows the key {} on lease {}, which must be gone: {life}, and from {} on nothing \
                     was wrong for {}; the {} began {} after that",
                    words::describe(record),
                    words::short(&kv.key),
                    kv.lease,
                    words::time(quiet.call_ns),
                    words::duration(waited),
                    words::noun(record),
                    words::duration(record.call_ns - quiet.return_ns.unwrap_or(0)),
                );
                let evidence = std::iter::once(record).chain(told).chain([quiet]);
                return wrong(what, &evidence.collect::<Vec<_>>());
            }
        }
    }
    Ok(())
}

/// Whether a lease must be over at the end of a quiet period.
fn over(lease: &Lease<'_>, quiet: &Record) -> bool {
    let Some(until) = quiet.return_ns else { return false };
    let waited = until.saturating_sub(quiet.call_ns);
    if lease.lost_renewal.is_some_and(|lost| lost < until) || lease.old {
        return false;
    }
    let given = lease.grants.iter().map(|grant| (*grant, granted(grant)));
    // A renewal called after the period cannot have kept the lease alive.
    let renewed = lease.renewals.iter().copied().filter(|(_, ttl)| *ttl > 0);
    let mut all = given.chain(renewed).filter(|(record, _)| record.call_ns < until).peekable();
    all.peek().is_some()
        && all.all(|(record, ttl)| {
            let known = record.outcome == Outcome::Ok && record.return_ns <= Some(quiet.call_ns);
            let whole = u64::try_from(ttl).map_or(0, |ttl| ttl.saturating_mul(SECOND_NS));
            known && whole != 0 && whole.saturating_add(GRACE_NS) <= waited
        })
}

fn shown(record: &Record) -> &[KeyValue] {
    match (&record.request, &record.response) {
        (Request::Range(request), Some(Response::Range(range))) if request.revision <= 0 => {
            &range.kvs
        }
        _ => &[],
    }
}

//! The records about one lease number, and the times at which its lives may expire.

use super::before::Over;
use crate::history::{Outcome, Record, Request, Response};

const SECOND_NS: u64 = 1_000_000_000;

/// The records about one lease number.
#[derive(Debug, Default)]
pub(crate) struct Lease<'a> {
    /// Grants that were answered, and lost ones.
    pub(crate) grants: Vec<&'a Record>,
    /// Revocations that were answered, and lost ones.
    pub(crate) revocations: Vec<&'a Record>,
    /// Answered renewals with their TTL.
    pub(crate) renewals: Vec<(&'a Record, i64)>,
    /// The first call of a renewal that was lost or is not answered yet: it may take effect at any
    /// time from then on.
    pub(crate) lost_renewal: Option<u64>,
    /// Answered puts with the lease, by revision.
    pub(crate) puts: Vec<(i64, &'a Record)>,
    /// Whether a key was attached to the lease when the recording began, or another lease had the
    /// number before.
    pub(crate) old: bool,
    /// The end of the lease, if it is certain.
    pub(crate) over: Option<Over>,
}

impl<'a> Lease<'a> {
    /// The only grant; None if there are several, or if the lease existed before the recording.
    pub(crate) fn grant(&self) -> Option<&'a Record> {
        match &self.grants[..] {
            [one] if !self.old => Some(one),
            _ => None,
        }
    }

    /// The only grant that a record can rest on; None if there are several or none.
    pub(crate) fn grant_for(&self, record: &Record) -> Option<&'a Record> {
        let mut grants = self.grants.iter().copied();
        let first = grants.next().filter(|_| !self.old)?;
        let called =
            |grant: &Record| record.return_ns.is_none_or(|returned| grant.call_ns <= returned);
        (called(first) && !grants.any(called)).then_some(first)
    }

    /// The number of lives that the lease number may have had.
    pub(crate) fn lives(&self) -> usize {
        self.grants.len() + usize::from(self.old)
    }

    /// Starts a new life after an end: records checked before the end belong to the old life.
    pub(super) fn begin_again(&mut self, over: Over) {
        let news = |record: &Record| record.call_ns >= over.looked;
        self.puts.retain(|(_, put)| news(put));
        self.renewals.retain(|(renewal, _)| news(renewal));
        self.revocations.retain(|revocation| news(revocation));
        self.grants.retain(|grant| news(grant));
        self.old |= !self.grants.is_empty();
        self.over = Some(over);
    }

    /// The first answered revocation.
    pub(crate) fn revoked(&self) -> Option<&'a Record> {
        self.revocations.iter().copied().find(|record| record.outcome == Outcome::Ok)
    }

    /// The time from which the lease may expire, and the record that this time follows from; None
    /// for never.
    pub(crate) fn expires(&self, tolerance_ns: u64) -> Option<Expiry<'a>> {
        let mut latest = Expiry { at_ns: 0, since: None };
        if self.lives() > 1 {
            return Some(latest); // a renewal may belong to any of the lives
        }
        let first = self.grants.first().filter(|_| self.grants.len() == 1);
        for (record, ttl) in first.map(|grant| (*grant, granted(grant))).into_iter().chain(
            self.renewals
                .iter()
                .copied()
                .filter(|(record, ttl)| record.outcome == Outcome::Ok && *ttl > 0),
        ) {
            if ttl <= 0 {
                return None;
            }
            latest = latest.later(Expiry::promised(record, ttl, tolerance_ns));
        }
        Some(latest)
    }

    /// The earliest expiry of each life, sorted: an expiry does not say which life it ended.
    pub(super) fn expiries(&self, tolerance_ns: u64) -> Vec<Expiry<'a>> {
        if self.lives() <= 1 {
            return self.expires(tolerance_ns).into_iter().collect();
        }
        let mut all: Vec<Expiry<'a>> = Vec::new();
        if self.old {
            all.push(Expiry { at_ns: 0, since: None });
        }
        for grant in &self.grants {
            if granted(grant) > 0 {
                all.push(Expiry::promised(grant, granted(grant), tolerance_ns));
            }
        }
        // A renewal that returned before the second grant was called belongs to the first life.
        if let (Some(first), [grant, second, ..]) = (all.first_mut(), &self.grants[..])
            && first.since.is_some_and(|since| since.id == grant.id)
        {
            let own = self.renewals.iter().filter(|(renewal, ttl)| {
                *ttl > 0 && renewal.return_ns.is_some_and(|at| at < second.call_ns)
            });
            for (renewal, ttl) in own {
                *first = first.later(Expiry::promised(renewal, *ttl, tolerance_ns));
            }
        }
        all.sort_by_key(|expiry| expiry.at_ns);
        all
    }
}

/// The end of the TTL that a grant or a renewal promises, less the tolerance.
pub(crate) fn promised(record: &Record, ttl: i64, tolerance_ns: u64) -> u64 {
    let whole = u64::try_from(ttl).unwrap_or(0).saturating_mul(SECOND_NS);
    record.call_ns.saturating_add(whole).saturating_sub(tolerance_ns)
}

/// The earliest time at which a lease may expire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry<'a> {
    pub(crate) at_ns: u64,
    /// The grant or renewal that the time follows from; None if the lease may expire at any time.
    pub(crate) since: Option<&'a Record>,
}

impl<'a> Expiry<'a> {
    fn promised(record: &'a Record, ttl: i64, tolerance_ns: u64) -> Self {
        Expiry { at_ns: promised(record, ttl, tolerance_ns), since: Some(record) }
    }

    /// The later time; `self` if both are equal.
    fn later(self, other: Self) -> Self {
        if other.at_ns > self.at_ns { other } else { self }
    }
}

/// The seconds granted at least; 0 if they were not recorded.
pub(crate) fn granted(grant: &Record) -> i64 {
    match (&grant.request, &grant.response) {
        (_, Some(Response::LeaseGrant(answer))) => answer.ttl,
        (Request::LeaseGrant(request), _) => request.ttl.max(1),
        _ => 0,
    }
}

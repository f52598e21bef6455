//! Checks the life of each lease: grants, puts, renewals and ends must fit together.

use super::before::Over;
use super::describe::{asked, at, not_yet, too_early};
use super::gather::{Leases, revision};
use super::life::{Lease, promised};
use super::violation::{Checked, wrong};
use crate::history::{Outcome, Record};
use crate::verdict::Verdict;
use crate::words;

/// Finds a lease violation that is certain.
pub(crate) fn leases<'a>(
    records: impl Iterator<Item = &'a Record> + Clone,
    leases: &Leases<'_>,
    tolerance_ns: u64,
) -> Verdict {
    let check = Check { leases, tolerance_ns };
    let found = leases.all.iter().try_for_each(|(id, lease)| check.lease(*id, lease));
    let mut ripe = records.clone().filter(|record| leases.has_settled(record));
    let found = found.and_then(|()| ripe.try_for_each(|record| check.record(record)));
    match found.and_then(|()| super::live::live(records, leases, tolerance_ns)) {
        Ok(()) => Verdict::Legal,
        Err(violation) => Verdict::Broken(violation),
    }
}

/// The leases of a recording, and the tolerance for their times.
pub(super) struct Check<'a, 'b> {
    pub(super) leases: &'b Leases<'a>,
    pub(super) tolerance_ns: u64,
}

impl Check<'_, '_> {
    /// Checks a lease: one grant, one end, and every put with the lease between the two.
    fn lease(&self, id: i64, lease: &Lease<'_>) -> Checked {
        let ripe = |record: &&Record| self.leases.has_settled(record);
        if let Some(over) = lease.over {
            self.used_over(id, lease, over)?;
            if lease.grants.is_empty() {
                return Ok(());
            }
        }
        if let Some(end) = self.leases.before.ending.get(&id).filter(|_| lease.lives() <= 1) {
            let expiry = lease.expires(self.tolerance_ns);
            let early = expiry.filter(|expiry| end.by < Some(expiry.at_ns));
            let early = early.and_then(|expiry| expiry.since);
            if let Some(record) = lease.revoked().filter(ripe).or(early) {
                return not_over(id, record, *end);
            }
        }
        self.granted_before(id, lease)?;
        if let [first, again, ..] = lease.grants[..] {
            self.granted_twice(id, lease, [first, again])?;
        }
        let answered = lease.revocations.iter().filter(|record| record.outcome == Outcome::Ok);
        let answered = answered.filter(|record| ripe(record));
        let answered: Vec<&Record> = answered.copied().collect();
        if let [first, second, ..] = answered[..]
            && let Some(grant) = lease.grant_for(second)
        {
            let what = format!(
                "{} was {}, though {} had ended lease {id} ({}): it was granted only once, by {}",
                words::describe(second),
                at(second),
                words::describe(first),
                words::relative(first, second),
                asked(grant)
            );
            return wrong(what, &[second, first, grant]);
        }
        self.within(id, lease)
    }

    /// Checks that a lease was granted before it was used.
    fn granted_before(&self, id: i64, lease: &Lease<'_>) -> Checked {
        if lease.old || !self.leases.granted || self.leases.nameless.is_some() {
            return Ok(());
        }
        let used = lease.puts.iter().map(|(_, put)| *put);
        let renewed = lease.renewals.iter().filter(|(_, ttl)| *ttl > 0).map(|(record, _)| *record);
        let revoked = lease.revocations.iter().copied();
        let revoked = revoked.filter(|record| record.outcome == Outcome::Ok);
        let first = lease.grants.first();
        let before =
            |record: &Record| first.is_none_or(|grant| record.return_ns < Some(grant.call_ns));
        let mut all = used.chain(revoked).chain(renewed);
        let early = all.find(|record| self.leases.has_settled(record) && before(record));
        match (early, first) {
            (None, _) => Ok(()),
            (Some(early), None) => {
                let what = format!(
                    "{} was {}, but nobody in the recording, which begins with a fresh store, was \
                     granted lease {id} or asked for it",
                    asked(early),
                    at(early)
                );
                wrong(what, &[early])
            }
            (Some(early), Some(grant)) => {
                let made = lease.puts.iter().find(|(_, put)| put.id == early.id);
                let what = match made {
                    Some((made, put)) => too_early(put, *made, grant),
                    None => not_yet(early, grant),
                };
                wrong(what, &[early, grant])
            }
        }
    }

    /// Checks a lease that is over: it was not used after its end unless granted again, and it did
    /// not end too early.
    fn used_over(&self, id: i64, lease: &Lease<'_>, over: Over) -> Checked {
        let again = lease.grants.first().map_or(u64::MAX, |grant| grant.call_ns);
        let before = |record: &&Record| record.return_ns.is_some_and(|at| at < again);
        let puts = lease.puts.iter().map(|(_, put)| *put);
        let revoked = lease.revoked().filter(|record| self.leases.has_settled(record));
        let used = puts.chain(revoked).find(before);
        let late = |(record, ttl): &&(&Record, i64)| {
            let end = || promised(record, *ttl, self.tolerance_ns);
            *ttl > 0 && over.by.is_none_or(|by| end() > by)
        };
        let renewed = lease.renewals.iter().filter(late).map(|(record, _)| *record).find(before);
        match used.or(renewed) {
            Some(record) => not_over(id, record, over),
            None => Ok(()),
        }
    }

    /// Checks that everything done with a lease granted once lies between its grant and its end.
    fn within(&self, id: i64, lease: &Lease<'_>) -> Checked {
        let answered = lease.revocations.iter().copied();
        let answered = answered.filter(|record| record.outcome == Outcome::Ok);
        for (made, put) in &lease.puts {
            let Some(grant) = lease.grant_for(put) else { continue };
            if grant.outcome == Outcome::Ok && *made <= revision(grant) {
                return wrong(too_early(put, *made, grant), &[put, grant]);
            }
            if let Some(end) = answered.clone().find(|end| *made > revision(end)) {
                let what = format!(
                    "{} was acknowledged at revision {made}, but {} had ended lease {id} at \
                     revision {} ({}): there was no such lease any more",
                    words::describe(put),
                    words::describe(end),
                    revision(end),
                    words::relative(end, put)
                );
                return wrong(what, &[put, end]);
            }
        }
        for end in answered.clone().filter(|end| self.leases.has_settled(end)) {
            let Some(grant) = lease.grant_for(end) else { continue };
            if grant.outcome == Outcome::Ok && revision(end) < revision(grant) {
                return wrong(not_yet(end, grant), &[end, grant]);
            }
        }
        for (record, ttl) in lease.renewals.iter().filter(|(_, ttl)| *ttl > 0) {
            let mut before = answered.clone().filter(|end| end.return_ns < Some(record.call_ns));
            if let (Some(_), Some(end)) = (lease.grant_for(record), before.next()) {
                let what = format!(
                    "{} was {} with {ttl} s to live, but {} had ended the lease ({}): there was \
                     no such lease any more",
                    words::describe(record),
                    at(record),
                    words::describe(end),
                    words::relative(end, record)
                );
                return wrong(what, &[record, end]);
            }
        }
        Ok(())
    }

    /// Checks two grants of one number: the first lease must have ended before the second grant.
    fn granted_twice(&self, id: i64, lease: &Lease<'_>, [first, again]: [&Record; 2]) -> Checked {
        let both = [first, again];
        let last = first.return_ns.max(again.return_ns);
        let in_time = |record: &&&Record| Some(record.call_ns) <= last;
        let done = |grant: &Record| grant.outcome == Outcome::Ok && self.leases.has_settled(grant);
        if lease.old
            || !both.into_iter().all(done)
            || lease.grants.iter().filter(in_time).count() > 2
            || lease.revocations.iter().any(|end| in_time(&end))
        {
            return Ok(());
        }
        let alone = |one: &Record, other: &Record| {
            let renewals = lease.renewals.iter().copied();
            let renewals = renewals.filter(|(renewal, _)| renewal.return_ns < Some(other.call_ns));
            let mut alone = Lease { renewals: renewals.collect(), ..Lease::default() };
            alone.grants.extend(lease.grants.iter().filter(|grant| grant.id == one.id));
            alone
        };
        let may_follow = |one: &Record, other: &Record| {
            let end = alone(one, other).expires(self.tolerance_ns);
            end.is_some_and(|expiry| Some(expiry.at_ns) <= other.return_ns)
        };
        let at_once = first.return_ns >= Some(again.call_ns);
        if may_follow(first, again) || at_once && may_follow(again, first) {
            return Ok(());
        }
        let (life, _) = alone(first, again).life(self.tolerance_ns);
        let what = format!(
            "{} was {}, though {} was answered too ({}) and lease {id} cannot have ended in \
             between: {life}",
            words::describe(again),
            at(again),
            words::describe(first),
            words::relative(first, again)
        );
        wrong(what, &[again, first])
    }
}

/// Violation: a lease was used after its end.
fn not_over(id: i64, record: &Record, over: Over) -> Checked {
    let how = if over.by.is_some() { "had ended by itself" } else { "was revoked" };
    let what = format!(
        "{} was {}, but lease {id} {how} by revision {}: there was no such lease any more",
        words::describe(record),
        at(record),
        over.revision
    );
    wrong(what, &[record])
}

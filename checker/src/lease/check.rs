//! Checks answers about leases, and puts with leases.

use std::fmt::Write as _;

use super::before::Over;
use super::describe::{asked, at};
use super::gather::{Lease, Leases, granted, promised, revision};
use super::violation::{Found, wrong};
use crate::history::{LeaseTimeToLiveResponse, Outcome, Record, Request, Response};
use crate::verdict::Verdict;
use crate::words;

pub(crate) const NOT_FOUND: &str = "etcdserver: requested lease not found";
const EXISTS: &str = "etcdserver: lease already exists";

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

struct Check<'a, 'b> {
    leases: &'b Leases<'a>,
    tolerance_ns: u64,
}

impl Check<'_, '_> {
    /// Checks a lease: one grant, one end, and every put with the lease between the two.
    fn lease(&self, id: i64, lease: &Lease<'_>) -> Found {
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
    fn granted_before(&self, id: i64, lease: &Lease<'_>) -> Found {
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
    fn used_over(&self, id: i64, lease: &Lease<'_>, over: Over) -> Found {
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
    fn within(&self, id: i64, lease: &Lease<'_>) -> Found {
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
    fn granted_twice(&self, id: i64, lease: &Lease<'_>, [first, again]: [&Record; 2]) -> Found {
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

    /// Checks one answer by itself.
    fn record(&self, record: &Record) -> Found {
        match (&record.request, &record.response) {
            (Request::LeaseGrant(request), Some(Response::LeaseGrant(answer))) => {
                let other = request.id != 0 && request.id != answer.id;
                let short = answer.ttl != 0 && answer.ttl < request.ttl;
                if other || short || answer.id == 0 {
                    let why = if other {
                        "another number than was asked for"
                    } else if short {
                        "less time than was asked for"
                    } else {
                        "no number"
                    };
                    let what = format!(
                        "{} was {} with lease {} for {} s: {why}",
                        words::describe(record),
                        at(record),
                        answer.id,
                        answer.ttl
                    );
                    return wrong(what, &[record]);
                }
                Ok(())
            }
            (Request::LeaseKeepAlive(request), Some(Response::LeaseKeepAlive(answer))) => {
                if answer.ttl <= 0 { self.absent(request.id, record) } else { Ok(()) }
            }
            (Request::LeaseTimeToLive(request), Some(Response::LeaseTimeToLive(answer))) => {
                if answer.ttl < 0 {
                    return self.absent(request.id, record);
                }
                self.left(record, answer)
            }
            (_, Some(Response::LeaseLeases(answer))) => {
                for lease in &answer.leases {
                    self.known(lease.id, record)?;
                }
                Ok(())
            }
            (request, Some(Response::Error(error))) if record.outcome == Outcome::Fail => {
                match (&error.message[..], request) {
                    (NOT_FOUND, _) => self.refused(record),
                    (EXISTS, Request::LeaseGrant(request)) => self.exists(request.id, record),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Checks an answer that a lease does not exist: the lease must be absent at some moment of the
    /// call.
    fn absent(&self, id: i64, record: &Record) -> Found {
        if self.may_be_absent(id, record) {
            return Ok(());
        }
        let what = format!("{}, {}, found no such lease", asked(record), at(record));
        self.was_there(what, id, record)
    }

    /// The violation of an answer that did not find a lease, though nothing can have ended the
    /// lease by then.
    fn was_there(&self, mut what: String, id: i64, record: &Record) -> Found {
        let mut evidence = vec![record];
        if let Some(lease) = self.leases.all.get(&id) {
            let (life, told) = lease.life(self.tolerance_ns);
            what += ", but nothing can have ended it by then: ";
            what += &life;
            evidence.extend(told);
            if let Some(later) = self.alive_after(lease, record) {
                what += "; and it was still there afterwards: ";
                let when = words::relative(later, record);
                let _ = write!(what, "{}, {when}", words::describe(later));
                evidence.push(later);
            }
        }
        evidence.dedup_by_key(|record| record.id);
        wrong(what, &evidence)
    }

    fn may_be_absent(&self, id: i64, record: &Record) -> bool {
        let Some(lease) = self.leases.all.get(&id) else { return true };
        // A later grant proves nothing.
        let in_time = |other: &Record| Some(other.call_ns) <= record.return_ns;
        let mut grants = lease.grants.iter().copied().filter(|grant| in_time(grant));
        let (Some(grant), None, false) = (grants.next(), grants.next(), lease.old) else {
            return true;
        };
        if grant.outcome != Outcome::Ok || grant.return_ns >= Some(record.call_ns) {
            return true;
        }
        if self.alive_after(lease, record).is_some() {
            return false;
        }
        let renewals = lease.renewals.iter().copied().filter(|(renewal, _)| in_time(renewal));
        let alone = Lease { grants: vec![grant], renewals: renewals.collect(), ..Lease::default() };
        let expired = alone.expires(self.tolerance_ns);
        let ended = lease.revocations.iter().any(|end| in_time(end));
        ended || expired.is_some_and(|expiry| Some(expiry.at_ns) <= record.return_ns)
    }

    /// A later record that proves that the same lease still existed.
    fn alive_after<'a>(&self, lease: &Lease<'a>, record: &Record) -> Option<&'a Record> {
        let later = |other: &&Record| {
            self.leases.has_settled(other)
                && Some(other.call_ns) > record.return_ns
                && lease.grant_for(other).is_some()
        };
        let mut puts = lease.puts.iter().map(|(_, put)| *put);
        let renewed = lease.renewals.iter().filter(|(_, ttl)| *ttl > 0);
        let mut renewed = renewed.map(|(renewal, _)| *renewal);
        let put = puts.find(later);
        put.or_else(|| renewed.find(later)).or_else(|| lease.revoked().filter(later))
    }

    /// Checks a refusal: at least one lease of the request must possibly be absent.
    fn refused(&self, record: &Record) -> Found {
        let asked_for = named(&record.request);
        if asked_for.iter().any(|id| self.may_be_absent(*id, record)) {
            return Ok(());
        }
        let what = format!("{}, {}, was refused with \"{NOT_FOUND}\"", asked(record), at(record));
        self.was_there(what, asked_for.first().copied().unwrap_or(0), record)
    }

    /// Checks a grant refused for an existing lease: another grant must have come before.
    fn exists(&self, id: i64, record: &Record) -> Found {
        let lease = self.leases.all.get(&id);
        let other = lease.is_some_and(|lease| {
            lease.old || lease.grants.iter().any(|grant| Some(grant.call_ns) <= record.return_ns)
        });
        let over = lease.and_then(|lease| {
            let grants = lease.grants.iter();
            let called = grants.filter(|grant| Some(grant.call_ns) <= record.return_ns).count();
            lease.revoked().filter(|_| called == 1 && !lease.old)
        });
        let over = over.filter(|end| end.return_ns < Some(record.call_ns));
        // A refusal is not compared with the time of an expiry.
        let expired = self.leases.before.over.get(&id).is_some_and(|over| over.by.is_some());
        let other = other || expired;
        if other && over.is_none() {
            return Ok(());
        }
        let mut evidence = vec![record];
        let why = match over {
            Some(end) => {
                evidence.push(end);
                format!("{} had ended it ({})", words::describe(end), words::relative(end, record))
            }
            None => "nobody had asked for a lease of that number by then".to_owned(),
        };
        let what = format!(
            "{}, {}, was refused with \"{EXISTS}\", but there was none at any moment of the call: \
             {why}",
            asked(record),
            at(record)
        );
        wrong(what, &evidence)
    }

    /// Checks that a listed lease was granted.
    fn known(&self, id: i64, record: &Record) -> Found {
        let lease = self.leases.all.get(&id);
        let granted = lease.is_some_and(|lease| {
            lease.old || lease.grants.iter().any(|grant| Some(grant.call_ns) <= record.return_ns)
        });
        let granted = granted || self.leases.before.over.contains_key(&id);
        // A lost grant that let the server choose may have made any number.
        let nameless = self.leases.nameless.is_some_and(|at| Some(at) <= record.return_ns);
        if granted || !self.leases.granted || nameless {
            return Ok(());
        }
        let what = format!(
            "{}, {}, shows lease {id}, which nobody had been granted or had asked for by then",
            words::describe(record),
            at(record)
        );
        wrong(what, &[record])
    }

    /// Checks a remaining time: it is at most the granted time, and the keys shown were put with
    /// the lease.
    fn left(&self, record: &Record, answer: &LeaseTimeToLiveResponse) -> Found {
        let before = self.leases.before;
        let over = before.over.get(&answer.id);
        let lease = self.leases.all.get(&answer.id);
        let grants = lease.into_iter().flat_map(|lease| lease.grants.iter().copied());
        let grants = grants.filter(|grant| Some(grant.call_ns) <= record.return_ns);
        // The time of each grant; 0 if it is not certain.
        let given = grants.clone().map(|grant| match grant.outcome {
            Outcome::Ok => granted(grant),
            _ => 0,
        });
        let mut given = given.chain(over.map(|over| over.granted)).peekable();
        let known = given.peek().is_some() && !before.old.contains(&answer.id);
        let other = known && given.all(|given| given != 0 && given != answer.granted_ttl);
        if answer.ttl > answer.granted_ttl || other {
            let grant = grants.clone().next();
            let given = over.map_or_else(|| grant.map_or(0, granted), |over| over.granted);
            let what = format!(
                "{} was {} with {} s of {} s",
                words::describe(record),
                at(record),
                answer.ttl,
                answer.granted_ttl
            );
            return match grant {
                Some(grant) => {
                    let what = format!("{what}, but {} gave it {given} s", asked(grant));
                    wrong(what, &[record, grant])
                }
                None => wrong(what + ": more than there was to begin with", &[record]),
            };
        }
        // The keys of a lease that is over are not kept.
        let mut keys = answer.keys.iter().filter(|_| over.is_none());
        match keys.find(|key| !self.leases.ever_attached(answer.id, key)) {
            Some(key) => {
                let what = format!(
                    "{}, {}, shows the key {} on the lease, but no put of it with lease {} was \
                     ever called",
                    words::describe(record),
                    at(record),
                    words::short(key),
                    answer.id
                );
                wrong(what, &[record])
            }
            None => Ok(()),
        }
    }
}

/// Text: a lease was used before its grant.
fn not_yet(early: &Record, grant: &Record) -> String {
    let from = match revision(early) {
        0 => String::new(),
        revision => format!(" from revision {revision}"),
    };
    let to = if grant.outcome == Outcome::Ok && revision(early) > 0 {
        format!(" at revision {}", revision(grant))
    } else {
        String::new()
    };
    format!(
        "{} was {}{from}, but there was no such lease yet: {} came later{to} ({})",
        words::describe(early),
        at(early),
        words::describe(grant),
        words::relative(grant, early)
    )
}

/// Violation: a lease was used after its end.
fn not_over(id: i64, record: &Record, over: Over) -> Found {
    let how = if over.by.is_some() { "had ended by itself" } else { "was revoked" };
    let what = format!(
        "{} was {}, but lease {id} {how} by revision {}: there was no such lease any more",
        words::describe(record),
        at(record),
        over.revision
    );
    wrong(what, &[record])
}

/// Text: a put with a lease came before the grant.
fn too_early(put: &Record, made: i64, grant: &Record) -> String {
    let granted = if grant.outcome == Outcome::Ok {
        format!(" found the store at revision {} already", revision(grant))
    } else {
        " was not called by then".to_owned()
    };
    format!(
        "{} was acknowledged at revision {made}, but there was no such lease yet: {}{granted} ({})",
        words::describe(put),
        words::describe(grant),
        words::relative(grant, put)
    )
}

/// The leases that a request names.
pub(crate) fn named(request: &Request) -> Vec<i64> {
    match request {
        Request::Put(put) => vec![put.lease],
        Request::LeaseRevoke(lease) => vec![lease.id],
        Request::Txn(_) => request.lease_puts().iter().map(|put| put.lease).collect(),
        _ => Vec::new(),
    }
}

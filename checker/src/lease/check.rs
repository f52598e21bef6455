//! What answers about leases, and puts with them, may say.

use std::fmt::Write as _;

use super::LEASE;
use super::gather::{Lease, Leases, granted};
use super::told::{asked, at};
use crate::history::{
    LeaseTimeToLiveResponse, Outcome, Record, Request, RequestOp, Response, TxnRequest,
};
use crate::verdict::{Verdict, Violation};
use crate::words;

const NOT_FOUND: &str = "etcdserver: requested lease not found";
const EXISTS: &str = "etcdserver: lease already exists";

pub(super) type Found = Result<(), Violation>;

/// What is wrong with the leases of a recording.
pub(crate) fn leases(records: &[Record], leases: &Leases<'_>, tolerance_ns: u64) -> Verdict {
    let check = Check { leases, tolerance_ns };
    let found = leases.all.iter().try_for_each(|(id, lease)| check.lease(*id, lease));
    let found = found.and_then(|()| records.iter().try_for_each(|record| check.record(record)));
    match found.and_then(|()| super::live::live(records, leases, tolerance_ns)) {
        Ok(()) => Verdict::Legal,
        Err(violation) => Verdict::Broken(violation),
    }
}

pub(super) fn wrong(reason: String, evidence: &[&Record]) -> Found {
    let revision = evidence.first().and_then(|record| record.response.as_ref()?.header());
    Err(Violation {
        checker: LEASE,
        reason,
        evidence: evidence.iter().map(|record| record.id).collect(),
        revision: revision.map(|header| header.revision),
    })
}

fn revision(record: &Record) -> i64 {
    let header = record.response.as_ref().and_then(Response::header);
    header.map_or(0, |header| header.revision)
}

struct Check<'a, 'b> {
    leases: &'b Leases<'a>,
    tolerance_ns: u64,
}

impl Check<'_, '_> {
    /// Puts with a lease lie between its grant and its end, and it has one of each.
    fn lease(&self, id: i64, lease: &Lease<'_>) -> Found {
        if lease.grants.is_empty() && !lease.old && self.leases.granted {
            let used = lease.puts.first().map(|(_, put)| *put);
            let renewed =
                lease.renewals.iter().find(|(_, ttl)| *ttl > 0).map(|(record, _)| *record);
            if let Some(record) = used.or(lease.revoked()).or(renewed) {
                let what = format!(
                    "{} was {}, but nobody in the recording, which begins with a fresh store, was \
                     granted lease {id} or asked for it",
                    asked(record),
                    at(record)
                );
                return wrong(what, &[record]);
            }
        }
        if let [first, rest @ ..] = &lease.grants[..]
            && let Some(again) = rest.iter().find(|grant| grant.outcome == Outcome::Ok)
            && first.outcome == Outcome::Ok
            && lease.revocations.is_empty()
            && rest.len() == 1
        {
            return self.granted_twice(id, lease, [*first, *again]);
        }
        let Some(grant) = lease.grant() else { return Ok(()) };
        let answered = lease.revocations.iter().filter(|record| record.outcome == Outcome::Ok);
        let answered: Vec<&&Record> = answered.collect();
        if let [first, second, ..] = answered[..] {
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
        within(id, lease, grant)
    }

    fn granted_twice(&self, id: i64, lease: &Lease<'_>, [first, again]: [&Record; 2]) -> Found {
        let alone = Lease { grants: vec![first], ..Lease::default() };
        let may_end = alone.expires(self.tolerance_ns);
        let renewed = !lease.renewals.is_empty();
        if !renewed && may_end.is_some_and(|(at, _)| Some(at) <= again.return_ns) {
            return Ok(());
        }
        let (life, _) = alone.life(self.tolerance_ns);
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

    /// One answer by itself.
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

    /// A lease that was asked for is not there at some moment of the call.
    fn absent(&self, id: i64, record: &Record) -> Found {
        if self.may_be_absent(id, record) {
            return Ok(());
        }
        let what = format!("{}, {}, found no such lease", asked(record), at(record));
        self.was_there(what, id, record)
    }

    /// A lease was not found, though nothing can have ended it by then.
    fn was_there(&self, mut what: String, id: i64, record: &Record) -> Found {
        let mut evidence = vec![record];
        if let Some(lease) = self.leases.all.get(&id) {
            let (life, told) = lease.life(self.tolerance_ns);
            what += ", but nothing can have ended it by then: ";
            what += &life;
            evidence.extend(told);
            if let Some(later) = lease.alive_after(record) {
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
        let Some(grant) = lease.grant() else { return true };
        let called = Some(record.call_ns);
        if grant.outcome != Outcome::Ok || grant.return_ns >= called {
            return true;
        }
        if lease.alive_after(record).is_some() {
            return false;
        }
        let ended = lease.revocations.iter().any(|end| Some(end.call_ns) <= record.return_ns);
        let expired = lease.expires(self.tolerance_ns);
        ended
            || lease.revoked().is_none()
                && expired.is_some_and(|(at, _)| Some(at) <= record.return_ns)
    }

    /// One of the leases of a refused request may have been absent.
    fn refused(&self, record: &Record) -> Found {
        let asked_for = named(&record.request);
        if asked_for.iter().any(|id| self.may_be_absent(*id, record)) {
            return Ok(());
        }
        let what = format!("{}, {}, was refused with \"{NOT_FOUND}\"", asked(record), at(record));
        self.was_there(what, asked_for.first().copied().unwrap_or(0), record)
    }

    /// A grant is refused because another came before.
    fn exists(&self, id: i64, record: &Record) -> Found {
        let lease = self.leases.all.get(&id);
        let other = lease.is_some_and(|lease| {
            lease.old || lease.grants.iter().any(|grant| Some(grant.call_ns) <= record.return_ns)
        });
        let over = lease.and_then(|lease| lease.grant().and(lease.revoked()));
        let over = over.filter(|end| end.return_ns < Some(record.call_ns));
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

    /// A lease that is shown was granted.
    fn known(&self, id: i64, record: &Record) -> Found {
        let lease = self.leases.all.get(&id);
        let granted = lease.is_some_and(|lease| {
            lease.old || lease.grants.iter().any(|grant| Some(grant.call_ns) <= record.return_ns)
        });
        // A grant that left the number to the server and was not answered may have made any.
        if granted || !self.leases.granted || self.leases.nameless {
            return Ok(());
        }
        let what = format!(
            "{}, {}, shows lease {id}, which nobody had been granted or had asked for by then",
            words::describe(record),
            at(record)
        );
        wrong(what, &[record])
    }

    /// What is left of a lease is not more than what was granted, and its keys were put with it.
    fn left(&self, record: &Record, answer: &LeaseTimeToLiveResponse) -> Found {
        let lease = self.leases.all.get(&answer.id);
        let grant = lease.and_then(Lease::grant).filter(|grant| grant.outcome == Outcome::Ok);
        let given = grant.map_or(0, granted);
        if answer.ttl > answer.granted_ttl || given != 0 && answer.granted_ttl != given {
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
        let strange = answer.keys.iter().find(|key| !self.leases.ever_hung(answer.id, key));
        match strange {
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

/// Everything done with a lease that is granted once lies between its grant and its end.
fn within(id: i64, lease: &Lease<'_>, grant: &Record) -> Found {
    for (made, put) in &lease.puts {
        let before = match grant.outcome {
            Outcome::Ok => *made <= revision(grant),
            _ => put.return_ns < Some(grant.call_ns),
        };
        if before {
            return wrong(too_early(put, *made, grant), &[put, grant]);
        }
        if let Some(end) = lease.revoked().filter(|end| *made > revision(end)) {
            let what = format!(
                "{} was acknowledged at revision {made}, but {} had ended lease {id} at revision \
                 {} ({}): there was no such lease any more",
                words::describe(put),
                words::describe(end),
                revision(end),
                words::relative(end, put)
            );
            return wrong(what, &[put, end]);
        }
    }
    let ended = lease.revoked().filter(|end| {
        let below = grant.outcome == Outcome::Ok && revision(end) < revision(grant);
        below || end.return_ns < Some(grant.call_ns)
    });
    let renewed = lease.renewals.iter().filter(|(_, ttl)| *ttl > 0).map(|(record, _)| *record);
    let mut renewed = renewed.filter(|record| record.return_ns < Some(grant.call_ns));
    if let Some(early) = ended.or_else(|| renewed.next()) {
        let from = match revision(early) {
            0 => String::new(),
            revision => format!(" from revision {revision}"),
        };
        let to = if grant.outcome == Outcome::Ok && revision(early) > 0 {
            format!(" at revision {}", revision(grant))
        } else {
            String::new()
        };
        let what = format!(
            "{} was {}{from}, but there was no such lease yet: {} came later{to} ({})",
            words::describe(early),
            at(early),
            words::describe(grant),
            words::relative(grant, early)
        );
        return wrong(what, &[early, grant]);
    }
    let Some(end) = lease.revoked() else { return Ok(()) };
    let late = |(record, ttl): &&(&Record, i64)| *ttl > 0 && end.return_ns < Some(record.call_ns);
    match lease.renewals.iter().find(late) {
        Some((record, ttl)) => {
            let what = format!(
                "{} was {} with {ttl} s to live, but {} had ended the lease ({}): there was no \
                 such lease any more",
                words::describe(record),
                at(record),
                words::describe(end),
                words::relative(end, record)
            );
            wrong(what, &[record, end])
        }
        None => Ok(()),
    }
}

/// A put with a lease came before the grant of the lease.
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
fn named(request: &Request) -> Vec<i64> {
    fn inside(txn: &TxnRequest, found: &mut Vec<i64>) {
        for op in txn.success.iter().chain(&txn.failure) {
            match op {
                RequestOp::Put(put) if put.lease != 0 => found.push(put.lease),
                RequestOp::Txn(inner) => inside(inner, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    match request {
        Request::Put(put) => found.push(put.lease),
        Request::LeaseRevoke(lease) => found.push(lease.id),
        Request::Txn(txn) => inside(txn, &mut found),
        _ => {}
    }
    found
}

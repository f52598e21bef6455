//! Checks answers about leases against what is known of each lease.

use std::fmt::Write as _;

use super::check::Check;
use super::describe::{asked, at};
use super::life::{Lease, granted};
use super::violation::{Checked, wrong};
use crate::history::{LeaseTimeToLiveResponse, Outcome, Record, Request, Response};
use crate::words;

pub(crate) const NOT_FOUND: &str = "etcdserver: requested lease not found";
const EXISTS: &str = "etcdserver: lease already exists";

impl Check<'_, '_> {
    /// Checks one answer by itself.
    pub(super) fn record(&self, record: &Record) -> Checked {
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
    fn absent(&self, id: i64, record: &Record) -> Checked {
        if self.may_be_absent(id, record) {
            return Ok(());
        }
        let what = format!("{}, {}, found no such lease", asked(record), at(record));
        self.was_there(what, id, record)
    }

    /// The violation of an answer that did not find a lease, though nothing can have ended the
    /// lease by then.
    fn was_there(&self, mut what: String, id: i64, record: &Record) -> Checked {
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

    /// A later record that proves the existence of the same lease.
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
    fn refused(&self, record: &Record) -> Checked {
        let asked_for = named(&record.request);
        if asked_for.iter().any(|id| self.may_be_absent(*id, record)) {
            return Ok(());
        }
        let what = format!("{}, {}, was refused with \"{NOT_FOUND}\"", asked(record), at(record));
        self.was_there(what, asked_for.first().copied().unwrap_or(0), record)
    }

    /// Checks a grant refused for an existing lease: another grant must have come before.
    fn exists(&self, id: i64, record: &Record) -> Checked {
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
    fn known(&self, id: i64, record: &Record) -> Checked {
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
    fn left(&self, record: &Record, answer: &LeaseTimeToLiveResponse) -> Checked {
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

/// The leases that a request names.
pub(crate) fn named(request: &Request) -> Vec<i64> {
    match request {
        Request::LeaseRevoke(lease) => vec![lease.id],
        _ => request.lease_puts().map(|put| put.lease).collect(),
    }
}

//! What was said of leases, altered.

use mettle_checker::history::*;

use super::case::{Case, Row};
use crate::world::error;

/// Leases that were granted with an answer and never asked to end, with the place of the grant.
fn granted(case: &Case) -> Vec<(i64, usize)> {
    let ended = |id: i64| {
        case.records.iter().any(|record| {
            record.request == Request::LeaseRevoke(LeaseRequest { id })
                && record.outcome != Outcome::Fail
        })
    };
    let grants = case.records.iter().enumerate().filter_map(|(place, record)| {
        let Some(Response::LeaseGrant(answer)) = &record.response else { return None };
        (!ended(answer.id)).then_some((answer.id, place))
    });
    grants.collect()
}

/// The first answered revocation, its lease, and whether it deleted keys.
fn revoked(case: &Case, deleted: bool) -> Option<(i64, u64)> {
    case.records.iter().find_map(|record| {
        let (Request::LeaseRevoke(lease), Outcome::Ok) = (&record.request, record.outcome) else {
            return None;
        };
        let revision = record.response.as_ref()?.header()?.revision;
        let made = case.store.changes(revision).next().is_some_and(|change| {
            change.now.is_deletion() && change.before.is_some_and(|was| was.lease == lease.id)
        });
        let claimed = case.records.iter().any(|other| {
            let header = other.response.as_ref().and_then(Response::header);
            header.is_some_and(|header| header.revision == revision)
                && matches!(other.request, Request::DeleteRange(_) | Request::Txn(_))
        });
        (made == deleted && !claimed).then_some((lease.id, record.return_ns?))
    })
}

/// A client that does nothing else.
const STRANGER: u64 = 99;

/// Adds an operation that was answered.
fn add(case: &mut Case, at: u64, request: Request, response: Response) {
    let id = case.fresh_id();
    case.records.push(Record::called(id, STRANGER, 1, at, request).ok(at + 1, response));
}

/// Adds an operation that was refused.
fn refuse(case: &mut Case, at: u64, request: Request, text: &str) {
    let id = case.fresh_id();
    case.records.push(Record::called(id, STRANGER, 1, at, request).failed(at + 1, error(text)));
}

fn header(case: &Case, more: i64) -> Header {
    Header { revision: case.store.revision() + more, ..Header::default() }
}

/// A put at the end, with a lease.
fn put(case: &mut Case, lease: i64) -> Option<()> {
    let at = case.quiet_ns()?;
    let request = PutRequest { key: "k0".into(), lease, ..PutRequest::default() };
    let response = PutResponse { header: Some(header(case, 1)), prev_kv: None };
    add(case, at, Request::Put(request), Response::Put(response));
    (!case.unsure()).then_some(())
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "J16 lease expired early",
        checker: "lease",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            let (id, _) = granted(case).into_iter().find(|(id, _)| {
                let mut all = 2..case.store.revision();
                all.any(|revision| {
                    let claimed = case.records.iter().any(|record| {
                        let header = record.response.as_ref().and_then(Response::header);
                        header.is_some_and(|header| header.revision == revision)
                            && matches!(record.request, Request::DeleteRange(_) | Request::Txn(_))
                    });
                    let mut changes = case.store.changes(revision);
                    !claimed
                        && changes.all(|change| {
                            change.now.is_deletion()
                                && change.before.is_some_and(|was| was.lease == *id)
                        })
                })
            })?;
            for record in &mut case.records {
                match &mut record.response {
                    Some(Response::LeaseGrant(answer)) if answer.id == id => answer.ttl += 1_000,
                    Some(Response::LeaseKeepAlive(answer)) if answer.id == id && answer.ttl > 0 => {
                        answer.ttl += 1_000;
                    }
                    _ => {}
                }
            }
            case.records.retain(|record| !matches!(record.request, Request::LeaseTimeToLive(_)));
            Some(())
        },
    },
    Row {
        name: "J17 key of an expired lease still there",
        checker: "lease",
        alter: |case| {
            let (quiet, end) = (case.quiet_ns()?, case.quiet_end_ns()?);
            let key = Blob::from("held");
            let granted = LeaseGrantResponse { header: Some(header(case, 0)), id: 900, ttl: 5 };
            let grant = Request::LeaseGrant(LeaseGrantRequest { id: 900, ttl: 5 });
            add(case, quiet - 5, grant, Response::LeaseGrant(granted));
            let put = PutRequest { key: key.clone(), lease: 900, ..PutRequest::default() };
            let done = PutResponse { header: Some(header(case, 1)), prev_kv: None };
            add(case, quiet + 5, Request::Put(put), Response::Put(done));
            let revision = case.store.revision() + 1;
            let kv = KeyValue {
                key: key.clone(),
                create_revision: revision,
                mod_revision: revision,
                version: 1,
                lease: 900,
                ..KeyValue::default()
            };
            let range = RangeRequest { key, ..RangeRequest::default() };
            let header = Some(header(case, 1));
            let found = RangeResponse { header, kvs: vec![kv], count: 1, more: false };
            add(case, end, Request::Range(range), Response::Range(found));
            (!case.unsure()).then_some(())
        },
    },
    Row {
        name: "a put with a lease that had been revoked",
        checker: "lease",
        alter: |case| {
            let (lease, _) = revoked(case, false)?;
            put(case, lease)
        },
    },
    Row {
        name: "a put with a lease whose keys had been deleted",
        checker: "linearizability",
        alter: |case| {
            let (lease, _) = revoked(case, true)?;
            put(case, lease)
        },
    },
    Row {
        name: "a put with a lease that nobody granted",
        checker: "lease",
        alter: |case| {
            granted(case).first()?;
            put(case, 77_777)
        },
    },
    Row {
        name: "a put refused although its lease was there",
        checker: "lease",
        alter: |case| {
            let long = |(_, place): &(i64, usize)| match &case.records[*place].request {
                Request::LeaseGrant(grant) => grant.ttl > 3,
                _ => false,
            };
            let (lease, place) = granted(case).into_iter().find(long)?;
            let at = case.records[place].return_ns? + 1;
            let request = PutRequest { key: "k0".into(), lease, ..PutRequest::default() };
            refuse(case, at, Request::Put(request), "etcdserver: requested lease not found");
            Some(())
        },
    },
    Row {
        name: "a revocation left a key",
        checker: "linearizability",
        alter: |case| {
            let (lease, _) = revoked(case, true)?;
            let revoke = Request::LeaseRevoke(LeaseRequest { id: lease });
            let record = case
                .records
                .iter_mut()
                .find(|record| record.request == revoke && record.outcome == Outcome::Ok)?;
            let Some(Response::LeaseRevoke(answer)) = &mut record.response else { return None };
            answer.header.as_mut()?.revision -= 1;
            (!case.unsure()).then_some(())
        },
    },
    Row {
        name: "a lease renewed after it was revoked",
        checker: "lease",
        alter: |case| {
            let (id, at) = revoked(case, false)?;
            let answer = LeaseKeepAliveResponse { header: None, id, ttl: 3 };
            let request = Request::LeaseKeepAlive(LeaseRequest { id });
            add(case, at + 1, request, Response::LeaseKeepAlive(answer));
            Some(())
        },
    },
    Row {
        name: "a lease not found right after its grant",
        checker: "lease",
        alter: |case| {
            let long = |(_, place): &(i64, usize)| match &case.records[*place].request {
                Request::LeaseGrant(grant) => grant.ttl > 3,
                _ => false,
            };
            let (id, place) = granted(case).into_iter().find(long)?;
            let at = case.records[place].return_ns? + 1;
            let answer = LeaseKeepAliveResponse { header: None, id, ttl: 0 };
            let request = Request::LeaseKeepAlive(LeaseRequest { id });
            add(case, at, request, Response::LeaseKeepAlive(answer));
            Some(())
        },
    },
    Row {
        name: "a lease revoked twice",
        checker: "lease",
        alter: |case| {
            let (id, _) = revoked(case, false)?;
            let at = case.quiet_ns()?;
            let answer = LeaseRevokeResponse { header: Some(header(case, 0)) };
            let request = Request::LeaseRevoke(LeaseRequest { id });
            add(case, at, request, Response::LeaseRevoke(answer));
            (!case.unsure()).then_some(())
        },
    },
    Row {
        name: "a lease granted twice",
        checker: "lease",
        alter: |case| {
            // In a slow answer there is room for the end of the first.
            let slow = |record: &Record| match (&record.request, record.return_ns) {
                (Request::LeaseGrant(request), Some(at)) => {
                    at - record.call_ns + 200_000_000 > request.ttl as u64 * 1_000_000_000
                }
                _ => true,
            };
            let granted = granted(case);
            let (_, place) = *granted.iter().find(|(_, place)| !slow(&case.records[*place]))?;
            let grant = case.records[place].clone();
            if case.store.revision() < 2 {
                return None;
            }
            add(case, grant.return_ns? + 1, grant.request, grant.response?);
            let last = case.records.last_mut()?;
            // Nobody saw anything in between.
            (last.call_ns, last.return_ns) = (grant.call_ns, grant.return_ns);
            Some(())
        },
    },
    Row {
        name: "a lease for less time than was asked",
        checker: "lease",
        alter: |case| {
            let (_, place) = *granted(case).first()?;
            match &mut case.records[place].request {
                Request::LeaseGrant(request) => request.ttl += 10,
                _ => return None,
            }
            Some(())
        },
    },
    Row {
        name: "more time left than was granted",
        checker: "lease",
        alter: |case| {
            let answer = case.time_left(|answer| answer.ttl >= 0)?;
            answer.ttl = answer.granted_ttl + 1;
            Some(())
        },
    },
    Row {
        name: "a key that was never put with the lease",
        checker: "lease",
        alter: |case| {
            case.time_left(|answer| answer.ttl >= 0)?.keys.push("nobody".into());
            Some(())
        },
    },
    Row {
        name: "a list with a lease that nobody granted",
        checker: "lease",
        alter: |case| {
            let at = case.quiet_ns()?;
            granted(case).first()?;
            let leases = vec![LeaseStatus { id: 4_444 }];
            let answer = LeaseLeasesResponse { header: None, leases };
            let request = Request::LeaseLeases(LeaseLeasesRequest {});
            add(case, at, request, Response::LeaseLeases(answer));
            Some(())
        },
    },
    Row {
        name: "a grant refused although there was no such lease",
        checker: "lease",
        alter: |case| {
            let at = case.quiet_ns()?;
            let request = Request::LeaseGrant(LeaseGrantRequest { id: 4_444, ttl: 5 });
            refuse(case, at, request, "etcdserver: lease already exists");
            Some(())
        },
    },
    Row {
        name: "deletions of an expiry in two responses",
        checker: "watch.atomic",
        alter: |case| {
            let (place, at) = case.pair()?;
            let response = case.response(place);
            if response.events[at].kind == EventType::Put {
                return None;
            }
            let mut first = response.clone();
            response.events.drain(..=at);
            first.events.truncate(at + 1);
            case.tell(place, first);
            Some(())
        },
    },
];

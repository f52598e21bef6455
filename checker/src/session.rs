//! Session monotonicity: on one connection to one member the store never goes back.
//!
//! Etcd promises of a serializable read only that it shows one whole revision; the member may lag
//! behind. But a member does not take back an applied entry while its process lives, and it answers
//! after applying. A connection leads to one incarnation of one member. So on one connection a
//! serializable read never shows a lower revision than an answer that returned before the read was
//! called. Etcd does not document this guarantee. Every released version keeps it, and clients that
//! read their own writes on one connection rely on it.
//!
//! A client that reconnects is exempt, even to the same member: a restarted member may be behind
//! the revision at which it was killed until other members answer it. So only operations with a
//! recorded `connection` are checked; process and member alone do not suffice.

use std::collections::BTreeMap;

use crate::history::{Outcome, Record, Request, Response, is_local};
use crate::verdict::{Check, Verdict, Violation};
use crate::words;

/// The checker's name.
pub(crate) const SESSION: &str = "session";

/// Checks each connection on its own.
pub(crate) fn sessions(records: &[Record]) -> Check {
    let mut connections: BTreeMap<(u64, u64), Vec<(&Record, i64)>> = BTreeMap::new();
    for record in records {
        let operation = record.request.op().is_operation() && record.outcome == Outcome::Ok;
        if record.connection == 0 || !operation {
            continue;
        }
        if let Some(header) = record.response.as_ref().and_then(Response::header) {
            let own = connections.entry((record.connection, record.member)).or_default();
            own.push((record, header.revision));
        }
    }
    let mut examined = 0;
    let mut verdict = Verdict::Legal;
    for answers in connections.values() {
        examined += answers.iter().filter(|(record, _)| is_local(&record.request)).count() as u64;
        if verdict == Verdict::Legal
            && let Some(violation) = goes_back(answers)
        {
            verdict = Verdict::Broken(violation);
        }
    }
    Check { name: SESSION, verdict, examined }
}

fn goes_back(answers: &[(&Record, i64)]) -> Option<Violation> {
    let mut calls: Vec<_> = answers.iter().collect();
    calls.sort_by_key(|(record, _)| record.call_ns);
    // A compaction's header is read before its answer, like every other header.
    let mut returns: Vec<_> = answers.iter().collect();
    returns.sort_by_key(|(record, _)| record.return_ns);
    let mut returned = returns.into_iter().peekable();
    let mut highest: Option<&(&Record, i64)> = None;
    for later in calls {
        let call = Some(later.0.call_ns);
        while let Some(before) = returned.next_if(|(record, _)| record.return_ns < call) {
            if highest.is_none_or(|highest| highest.1 < before.1) {
                highest = Some(before);
            }
        }
        let Some(earlier) = highest.filter(|earlier| earlier.1 > later.1) else { continue };
        if !is_local(&later.0.request) {
            continue; // the order of all operations is another checker's
        }
        let old = match &later.0.request {
            Request::Txn(_) => "a transaction of reads",
            _ => "a read",
        };
        let gap = later.0.call_ns - earlier.0.return_ns.unwrap_or(later.0.call_ns);
        let by = match later.0.member {
            0 => "the same member".to_owned(),
            member => format!("member {member}"),
        };
        let reason = format!(
            "{} began {} after {by} had answered {} on the same connection, number {}, from \
             revision {}, and was answered from revision {}: {old} of its own store went back",
            words::describe(later.0),
            words::duration(gap),
            words::describe(earlier.0),
            later.0.connection,
            earlier.1,
            later.1
        );
        let evidence = vec![later.0.id, earlier.0.id];
        let revision = Some(later.1);
        return Some(Violation { checker: SESSION, reason, evidence, revision });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Header, RangeRequest, RangeResponse};

    /// A serializable read from a revision, called 10 after the one before it returned.
    fn read(id: u64, connection: u64, revision: i64) -> Record {
        let request =
            RangeRequest { key: "a".into(), serializable: true, ..RangeRequest::default() };
        let header = Some(Header { revision, ..Header::default() });
        let answer = RangeResponse { header, ..RangeResponse::default() };
        let mut record = Record::called(id, id, 1, 20 * id, Request::Range(request));
        record.connection = connection;
        record.ok(20 * id + 10, Response::Range(answer))
    }

    #[test]
    fn a_connection_that_goes_forward_is_legal() {
        let check = sessions(&[read(1, 1, 5), read(2, 1, 5), read(3, 1, 9)]);
        assert_eq!((check.verdict, check.examined), (Verdict::Legal, 3));
    }

    #[test]
    fn a_connection_that_goes_back_is_broken() {
        let check = sessions(&[read(1, 1, 5), read(2, 1, 9), read(3, 1, 8)]);
        let Verdict::Broken(found) = check.verdict else { panic!("{:?}", check.verdict) };
        assert_eq!((found.checker, found.revision), (SESSION, Some(8)));
        assert_eq!(found.evidence, [3, 2]);
    }

    #[test]
    fn another_connection_may_be_behind() {
        assert_eq!(sessions(&[read(1, 1, 9), read(2, 2, 8)]).verdict, Verdict::Legal);
    }

    #[test]
    fn a_connection_that_was_not_recorded_is_not_judged() {
        let check = sessions(&[read(1, 0, 9), read(2, 0, 8)]);
        assert_eq!((check.verdict, check.examined), (Verdict::Legal, 0));
    }

    #[test]
    fn a_read_that_was_called_before_the_other_returned_may_be_behind() {
        let mut later = read(2, 1, 8);
        later.call_ns = 25;
        assert_eq!(sessions(&[read(1, 1, 9), later]).verdict, Verdict::Legal);
    }
}

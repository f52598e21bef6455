//! Checks the headers of answers: one cluster, one identity per member, and terms that never go
//! back.

use std::collections::BTreeMap;

use crate::history::{Record, Response};
use crate::verdict::{Check, Verdict};
use crate::words;

/// The checker's name.
pub(crate) const HEADER: &str = "header";

/// A value in the header of a record.
#[derive(Clone, Copy)]
struct HeaderValue<'a> {
    value: u64,
    record: &'a Record,
}

/// Checks the fields of headers except the revision. A field that is 0 was not recorded, and a header
/// without any is not examined.
pub(crate) fn headers(records: &[Record]) -> Check {
    let headers = records.iter().filter_map(|record| record.response.as_ref()?.header());
    let told = headers
        .filter(|header| header.cluster_id != 0 || header.member_id != 0 || header.raft_term != 0);
    Check { name: HEADER, verdict: agree(records), examined: told.count() as u64 }
}

fn agree(records: &[Record]) -> Verdict {
    let mut cluster: Option<HeaderValue<'_>> = None;
    let mut members: BTreeMap<u64, HeaderValue<'_>> = BTreeMap::new();
    let mut by_member: BTreeMap<u64, Vec<(&Record, u64)>> = BTreeMap::new();
    for record in records {
        let Some(header) = record.response.as_ref().and_then(Response::header) else { continue };
        if header.cluster_id != 0 {
            let own = HeaderValue { value: header.cluster_id, record };
            let first = *cluster.get_or_insert(own);
            if first.value != own.value {
                return differs("cluster_id", first, own);
            }
        }
        if header.member_id == 0 || record.member == 0 {
            continue;
        }
        let own = HeaderValue { value: header.member_id, record };
        let first = *members.entry(record.member).or_insert(own);
        if first.value != own.value {
            return differs("member_id", first, own);
        }
        if header.raft_term != 0 && record.request.op().is_operation() {
            by_member.entry(record.member).or_default().push((record, header.raft_term));
        }
    }
    for answers in by_member.values() {
        if let Some(verdict) = term_goes_back(answers) {
            return verdict;
        }
    }
    Verdict::Legal
}

fn differs(field: &str, first: HeaderValue<'_>, second: HeaderValue<'_>) -> Verdict {
    let reason = format!(
        "{} was answered by member {} with {field} {:x}, but {} by member {} with {:x} ({})",
        words::describe(second.record),
        second.record.member,
        second.value,
        words::describe(first.record),
        first.record.member,
        first.value,
        words::relative(first.record, second.record)
    );
    Verdict::broken(HEADER, reason, vec![second.record.id, first.record.id])
}

/// Checks that no answer of a member has a lower term than an answer that returned before its call.
fn term_goes_back(answers: &[(&Record, u64)]) -> Option<Verdict> {
    let mut calls: Vec<_> = answers.iter().collect();
    let mut returns = calls.clone();
    calls.sort_by_key(|(record, _)| record.call_ns);
    returns.sort_by_key(|(record, _)| record.return_ns);
    let mut returned = returns.into_iter().peekable();
    let mut highest: Option<&(&Record, u64)> = None;
    for later in calls {
        let call = Some(later.0.call_ns);
        while let Some(before) = returned.next_if(|(record, _)| record.return_ns < call) {
            if highest.is_none_or(|highest| highest.1 < before.1) {
                highest = Some(before);
            }
        }
        if let Some(earlier) = highest.filter(|earlier| earlier.1 > later.1) {
            let reason = format!(
                "{} was answered by member {} in term {}, though it began {} after the same member \
                 had answered {} in term {}",
                words::describe(later.0),
                later.0.member,
                later.1,
                words::duration(later.0.call_ns - earlier.0.return_ns.unwrap_or(later.0.call_ns)),
                words::describe(earlier.0),
                earlier.1
            );
            return Some(Verdict::broken(HEADER, reason, vec![later.0.id, earlier.0.id]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Header, PutRequest, PutResponse, Request};

    /// A put that a member answers, called 10 after the one before it returned.
    fn answer(id: u64, member: u64, cluster_id: u64, raft_term: u64) -> Record {
        let member_id = 100 + member;
        let header = Header { cluster_id, member_id, raft_term, ..Header::default() };
        let request = Request::Put(PutRequest { key: "a".into(), ..PutRequest::default() });
        let answer = PutResponse { header: Some(header), prev_kv: None };
        Record::called(id, id, member, 20 * id, request).ok(20 * id + 10, Response::Put(answer))
    }

    fn broken(records: &[Record]) -> (String, Vec<u64>) {
        let Verdict::Broken(found) = headers(records).verdict else { panic!("it is not noticed") };
        assert_eq!(found.checker, HEADER);
        (found.reason, found.evidence)
    }

    #[test]
    fn one_cluster_with_rising_terms_is_legal() {
        let records = [answer(1, 1, 7, 2), answer(2, 2, 7, 4), answer(3, 1, 7, 3)];
        assert_eq!(headers(&records).verdict, Verdict::Legal);
    }

    #[test]
    fn another_cluster_is_noticed() {
        let (reason, evidence) = broken(&[answer(1, 1, 7, 2), answer(2, 2, 8, 2)]);
        assert!(reason.contains("cluster_id 8"), "{reason}");
        assert_eq!(evidence, [2, 1]);
    }

    #[test]
    fn another_identity_of_a_member_is_noticed() {
        let mut second = answer(2, 1, 7, 2);
        if let Some(Response::Put(PutResponse { header: Some(header), .. })) = &mut second.response
        {
            header.member_id = 999;
        }
        let (reason, _) = broken(&[answer(1, 1, 7, 2), second]);
        assert!(reason.contains("member_id 3e7"), "{reason}");
    }

    #[test]
    fn a_term_of_a_member_that_goes_back_is_noticed() {
        let (_, evidence) = broken(&[answer(1, 1, 7, 3), answer(2, 1, 7, 2)]);
        assert_eq!(evidence, [2, 1]);
    }

    #[test]
    fn fields_of_0_were_not_recorded() {
        assert_eq!(headers(&[answer(1, 1, 7, 3), answer(2, 1, 0, 0)]).verdict, Verdict::Legal);
    }
}

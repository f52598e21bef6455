//! Checks the headers of answers: one cluster, one identity per member, and terms that never go
//! back.

use std::collections::BTreeMap;

use crate::history::{Record, Response};
use crate::verdict::Verdict;
use crate::words;

/// The checker's name.
pub(crate) const HEADER: &str = "header";

/// Checks the fields of headers except the revision. A field that is 0 was not recorded.
pub(crate) fn headers(records: &[Record]) -> Verdict {
    let mut cluster: Option<(u64, &Record)> = None;
    let mut members: BTreeMap<u64, (u64, &Record)> = BTreeMap::new();
    let mut by_member: BTreeMap<u64, Vec<(&Record, u64)>> = BTreeMap::new();
    for record in records {
        let Some(header) = record.response.as_ref().and_then(Response::header) else { continue };
        if header.cluster_id != 0 {
            let (known, first) = *cluster.get_or_insert((header.cluster_id, record));
            if known != header.cluster_id {
                return differs("cluster_id", (known, first), (header.cluster_id, record));
            }
        }
        if header.member_id == 0 || record.member == 0 {
            continue;
        }
        let (known, first) = *members.entry(record.member).or_insert((header.member_id, record));
        if known != header.member_id {
            return differs("member_id", (known, first), (header.member_id, record));
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

fn differs(field: &str, first: (u64, &Record), second: (u64, &Record)) -> Verdict {
    let reason = format!(
        "{} was answered by member {} with {field} {:x}, but {} by member {} with {:x} ({})",
        words::describe(second.1),
        second.1.member,
        second.0,
        words::describe(first.1),
        first.1.member,
        first.0,
        words::relative(first.1, second.1)
    );
    Verdict::broken(HEADER, reason, vec![second.1.id, first.1.id])
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

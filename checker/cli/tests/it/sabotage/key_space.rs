//! Answers of the key space, altered.

use mettle_checker::history::*;

use super::case::{Case, Row, bump};
use crate::world::error;

const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "J1 stale read",
        checker: "linearizability",
        alter: |case| {
            let mut newest = 0;
            let mut returned: Vec<(u64, i64)> = Vec::new();
            let store = case.store.clone();
            for record in &mut case.records {
                let (Request::Range(request), Some(Response::Range(answer))) =
                    (&record.request, &mut record.response)
                else {
                    if let Some(Response::Put(put)) = &record.response {
                        returned.push((record.return_ns?, put.header?.revision));
                    }
                    continue;
                };
                for (at, revision) in &returned {
                    if *at < record.call_ns {
                        newest = newest.max(*revision);
                    }
                }
                if newest > 3 && !request.serializable && request.revision == 0 {
                    let stale = store.at(newest - 1).range(request);
                    let header = Some(Header { revision: newest - 1, ..Header::default() });
                    *answer = RangeResponse { header, ..stale };
                    return Some(());
                }
            }
            None
        },
    },
    Row {
        name: "J2 lost update",
        checker: "linearizability",
        alter: |case| {
            let store = case.store.clone();
            let (request, answer) = case.range(|request, answer| {
                request.range_end.is_empty()
                    && request.revision == 0
                    && !request.keys_only
                    && answer.kvs.first().is_some_and(|kv| kv.version > 1)
            })?;
            let (request, header) = (request.clone(), answer.header);
            let lost = answer.kvs[0].mod_revision;
            *answer = RangeResponse { header, ..store.at(lost - 1).range(&request) };
            Some(())
        },
    },
    Row {
        name: "J3 phantom key",
        checker: "linearizability",
        alter: |case| {
            let (_, answer) = case.range(|request, answer| {
                !request.range_end.is_empty() && request.limit == 0 && !answer.kvs.is_empty()
            })?;
            let mut ghost = answer.kvs.last()?.clone();
            ghost.key = Blob::from(format!("{}ghost", ghost.key));
            answer.kvs.push(ghost);
            answer.count += 1;
            Some(())
        },
    },
    Row {
        name: "J6 prev_kv of another value",
        checker: "linearizability",
        alter: |case| {
            case.put(|_, answer| answer.prev_kv.is_some())?.prev_kv.as_mut()?.value =
                "other".into();
            Some(())
        },
    },
    Row {
        name: "J6 prev_kv missing",
        checker: "linearizability",
        alter: |case| {
            case.put(|_, answer| answer.prev_kv.is_some())?.prev_kv = None;
            Some(())
        },
    },
    Row {
        name: "J6 prev_kv not asked for",
        checker: "linearizability",
        alter: |case| {
            case.put(|request, _| !request.prev_kv)?.prev_kv = Some(KeyValue::default());
            Some(())
        },
    },
    Row {
        name: "J7 two writes share a revision",
        checker: "linearizability",
        alter: |case| {
            bump(
                &mut case.put(|_, answer| answer.header.is_some_and(|h| h.revision > 5))?.header,
                -1,
            );
            Some(())
        },
    },
    Row {
        name: "J8 revisions against real time",
        checker: "linearizability",
        alter: |case| {
            let mut puts = case.records.iter().enumerate().filter(|(_, record)| {
                matches!((&record.request, record.outcome), (Request::Put(put), Outcome::Ok)
                    if !put.prev_kv)
            });
            let (first, early) = puts.next()?;
            let (second, _) = puts.find(|(_, late)| {
                Some(late.call_ns) > early.return_ns && late.request != early.request
            })?;
            let answer = case.records[first].response.take();
            case.records[first].response = case.records[second].response.take();
            case.records[second].response = answer;
            Some(())
        },
    },
    Row {
        name: "J20 count under a limit",
        checker: "linearizability",
        alter: |case| {
            let (_, answer) = case.range(|_, answer| answer.more)?;
            answer.count = answer.kvs.len() as i64;
            Some(())
        },
    },
    Row {
        name: "J20 more under a limit",
        checker: "linearizability",
        alter: |case| {
            case.range(|_, answer| answer.more)?.1.more = false;
            Some(())
        },
    },
    Row {
        name: "a condition that did not hold held",
        checker: "linearizability",
        alter: |case| {
            let answer = case.txn(|request, answer| {
                !request.compare.is_empty()
                    && answer.responses.is_empty()
                    && request.failure.is_empty()
                    && request.success.iter().any(|op| matches!(op, RequestOp::Put(_)))
            })?;
            answer.succeeded = !answer.succeeded;
            Some(())
        },
    },
    Row {
        name: "an answer of a transaction missing",
        checker: "linearizability",
        alter: |case| {
            let answer = case.txn(|_, answer| !answer.responses.is_empty())?;
            answer.responses.pop();
            Some(())
        },
    },
    Row {
        name: "compacted, but nobody compacted",
        checker: "linearizability",
        alter: |case| {
            case.records.retain(|record| {
                !matches!(record.request, Request::Compact(_)) && record.outcome != Outcome::Fail
            });
            let record = case.records.iter_mut().find(|record| {
                matches!((&record.request, record.outcome), (Request::Range(range), Outcome::Ok)
                    if range.revision > 0)
            })?;
            *record = record.clone().failed(record.return_ns?, error(COMPACTED));
            Some(())
        },
    },
    Row {
        name: "read below a compaction",
        checker: "linearizability",
        alter: |case| {
            let store = case.store.clone();
            let (at, past) = case.records.iter().find_map(|record| match &record.request {
                Request::Compact(compact)
                    if record.outcome == Outcome::Ok && compact.revision > 1 =>
                {
                    Some((record.return_ns?, compact.revision - 1))
                }
                _ => None,
            })?;
            let record = case.records.iter_mut().find(|record| {
                let plain = matches!(&record.request, Request::Range(range)
                    if !range.serializable && range.revision == 0);
                plain && record.call_ns > at
            })?;
            let (Request::Range(request), Some(Response::Range(answer))) =
                (&mut record.request, &mut record.response)
            else {
                return None;
            };
            request.revision = past;
            *answer = RangeResponse { header: answer.header, ..store.at(past).range(request) };
            Some(())
        },
    },
    Row {
        name: "a read of the past shows the present",
        checker: "linearizability",
        alter: |case| {
            let store = case.store.clone();
            let (request, answer) = case.range(|request, answer| {
                request.revision > 1 && answer.header.is_some_and(|h| h.revision > request.revision)
            })?;
            let now = store
                .at(answer.header?.revision)
                .range(&RangeRequest { revision: 0, ..request.clone() });
            if now.kvs == answer.kvs && now.count == answer.count {
                return None;
            }
            (answer.kvs, answer.count, answer.more) = (now.kvs, now.count, now.more);
            Some(())
        },
    },
    Row {
        name: "a member's own value is another",
        checker: "serializable",
        alter: |case| {
            let answers = case.records.iter_mut().filter_map(|record| {
                match (&record.request, &mut record.response) {
                    (Request::Range(request), Some(Response::Range(answer)))
                        if request.serializable && !answer.kvs.is_empty() =>
                    {
                        Some(answer)
                    }
                    _ => None,
                }
            });
            answers.into_iter().next()?.kvs[0].value = "other".into();
            Some(())
        },
    },
    Row {
        name: "a member with two identities",
        checker: "header",
        alter: |case| {
            let member = |member_id| Header { cluster_id: 3, member_id, ..Header::default() };
            case.put(|_, answer| answer.header.is_some_and(|h| h.member_id == 0))?
                .header
                .as_mut()
                .map(|header| *header = Header { revision: header.revision, ..member(1) })?;
            case.put(|_, answer| answer.header.is_some_and(|h| h.member_id == 0))?
                .header
                .as_mut()
                .map(|header| *header = Header { revision: header.revision, ..member(2) })
        },
    },
    Row {
        name: "J4 wrong create_revision",
        checker: "linearizability",
        alter: |case| {
            case.first_kv()?.create_revision += 1;
            Some(())
        },
    },
    Row {
        name: "J5 wrong version",
        checker: "linearizability",
        alter: |case| {
            case.first_kv()?.version += 1;
            Some(())
        },
    },
    Row {
        name: "wrong lease",
        checker: "linearizability",
        alter: |case| {
            case.first_kv()?.lease = 7;
            Some(())
        },
    },
    Row {
        name: "wrong mod_revision",
        checker: "linearizability",
        alter: |case| {
            case.first_kv()?.mod_revision -= 1;
            Some(())
        },
    },
    Row {
        name: "an id used twice",
        checker: "assumptions",
        alter: |case| {
            case.records[1].id = case.records[0].id;
            Some(())
        },
    },
    Row {
        name: "a call while another has not returned",
        checker: "assumptions",
        alter: |case| {
            let mut asked = case.records.iter_mut().filter(|record| {
                record.request.op().is_operation() && record.return_ns > Some(record.call_ns)
            });
            let first = asked.next()?;
            asked.find(|record| record.process == first.process)?.call_ns = first.call_ns;
            Some(())
        },
    },
    Row {
        name: "more deleted than there was",
        checker: "linearizability",
        alter: |case| {
            let answer = case.deletion(|answer| answer.deleted > 0)?;
            answer.deleted += 1;
            Some(())
        },
    },
    Row {
        name: "deletion shows another value",
        checker: "linearizability",
        alter: |case| {
            let answer = case.deletion(|answer| !answer.prev_kvs.is_empty())?;
            answer.prev_kvs[0].value = "other".into();
            Some(())
        },
    },
    Row {
        name: "deletion of nothing made a revision",
        checker: "linearizability",
        alter: |case| {
            let answer = case.deletion(|answer| answer.deleted == 0)?;
            answer.deleted = 1;
            Some(())
        },
    },
    Row {
        name: "a key is missing",
        checker: "linearizability",
        alter: |case| {
            let (_, answer) =
                case.range(|request, answer| request.limit == 0 && answer.kvs.len() > 1)?;
            answer.kvs.remove(0);
            answer.count -= 1;
            Some(())
        },
    },
    Row {
        name: "keys in another order",
        checker: "linearizability",
        alter: |case| {
            let (_, answer) = case.range(|_, answer| answer.kvs.len() > 1)?;
            answer.kvs.swap(0, 1);
            Some(())
        },
    },
    Row {
        name: "a key twice",
        checker: "linearizability",
        alter: |case| {
            let (_, answer) = case.range(|_, answer| !answer.kvs.is_empty())?;
            let kv = answer.kvs[0].clone();
            answer.kvs.push(kv);
            Some(())
        },
    },
    Row {
        name: "values where only keys were asked for",
        checker: "linearizability",
        alter: |case| {
            let (_, answer) =
                case.range(|request, answer| request.keys_only && !answer.kvs.is_empty())?;
            answer.kvs[0].value = "v1".into();
            Some(())
        },
    },
    Row {
        name: "keys where only a count was asked for",
        checker: "linearizability",
        alter: |case| {
            let (_, answer) =
                case.range(|request, answer| request.count_only && answer.count > 0)?;
            answer.kvs.push(KeyValue { key: "k0".into(), ..KeyValue::default() });
            Some(())
        },
    },
    Row {
        name: "a key beyond the limit",
        checker: "linearizability",
        alter: |case| {
            let (request, answer) = case.range(|request, answer| {
                request.sort_order == SortOrder::None && request.limit > 0 && answer.more
            })?;
            let all = RangeRequest { limit: 0, ..request.clone() };
            let (at, len) = (answer.header?.revision, answer.kvs.len());
            let more = case.store.at(at).range(&all).kvs.get(len)?.clone();
            case.range(|_, answer| answer.more)?.1.kvs.push(more);
            Some(())
        },
    },
    Row {
        name: "a write that nobody made",
        checker: "linearizability",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            let place = case.records.iter().position(|record| {
                matches!((&record.request, record.outcome), (Request::Put(_), Outcome::Ok))
            })?;
            case.records.remove(place);
            Some(())
        },
    },
    Row {
        name: "a write applied twice",
        checker: "linearizability",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            let put = case.records.iter().rposition(|record| {
                matches!((&record.request, record.outcome), (Request::Put(put), Outcome::Ok) if !put.prev_kv)
            })?;
            let mut again = case.records[put].clone();
            again.id = case.fresh_id();
            again.process = again.id;
            case.records.push(again);
            Some(())
        },
    },
    Row {
        name: "compacted twice",
        checker: "linearizability",
        alter: |case| {
            let compact = case.records.iter().find(|record| {
                matches!(record.request, Request::Compact(_)) && record.outcome == Outcome::Ok
            })?;
            let mut again = compact.clone();
            (again.id, again.process) = (case.fresh_id(), case.fresh_id());
            (again.call_ns, again.return_ns) = (again.return_ns? + 1, Some(again.return_ns? + 2));
            if let Some(Response::Compact(answer)) = &mut again.response {
                answer.header = None;
            }
            case.records.push(again);
            Some(())
        },
    },
    Row {
        name: "the future was reached long ago",
        checker: "linearizability",
        alter: |case| {
            let at = case.quiet_ns()?;
            let request = Request::Range(RangeRequest {
                key: "k0".into(),
                revision: 2,
                ..RangeRequest::default()
            });
            let future = error("etcdserver: mvcc: required revision is a future revision");
            let id = case.fresh_id();
            case.records.push(Record::called(id, id, 1, at, request).failed(at + 1, future));
            (case.store.revision() > 2).then_some(())
        },
    },
    Row {
        name: "refused for a key that was there",
        checker: "linearizability",
        alter: |case| {
            let at = case.quiet_ns()?;
            let live = (0..4).map(|key| Blob::from(format!("k{key}")));
            let key = live.into_iter().find(|key| case.store.now().get(key).is_some())?;
            let put = PutRequest { key, ignore_value: true, ..PutRequest::default() };
            let id = case.fresh_id();
            let missing = error("etcdserver: key not found");
            case.records
                .push(Record::called(id, id, 1, at, Request::Put(put)).failed(at + 1, missing));
            (!case.unsure()).then_some(())
        },
    },
    Row {
        name: "refused for nothing",
        checker: "refusal",
        alter: |case| {
            let at = case.quiet_ns()?;
            let put = PutRequest { key: "k0".into(), value: "1".into(), ..PutRequest::default() };
            let id = case.fresh_id();
            let twice = error("etcdserver: duplicate key given in txn request");
            case.records
                .push(Record::called(id, id, 1, at, Request::Put(put)).failed(at + 1, twice));
            Some(())
        },
    },
    Row {
        name: "read without a key",
        checker: "refusal",
        alter: |case| {
            let at = case.quiet_ns()?;
            let header = Some(Header { revision: case.store.revision(), ..Header::default() });
            let answer = RangeResponse { header, ..RangeResponse::default() };
            let id = case.fresh_id();
            let read = Request::Range(RangeRequest { serializable: true, ..Default::default() });
            case.records
                .push(Record::called(id, id, 1, at, read).ok(at + 1, Response::Range(answer)));
            Some(())
        },
    },
    Row {
        name: "a transaction went the other way",
        checker: "linearizability",
        alter: |case| {
            let answer = case.txn(|_, answer| !answer.responses.is_empty() && !answer.succeeded)?;
            answer.succeeded = true;
            Some(())
        },
    },
    Row {
        name: "the first answer of a transaction is of the second",
        checker: "linearizability",
        alter: |case| {
            let answer = case.txn(|_, answer| match &answer.responses[..] {
                [ResponseOp::Range(a), ResponseOp::Range(b), ..] => {
                    a.kvs != b.kvs || a.count != b.count
                }
                [a, b, ..] => std::mem::discriminant(a) != std::mem::discriminant(b),
                _ => false,
            })?;
            answer.responses.swap(0, 1);
            Some(())
        },
    },
    Row {
        name: "a term goes back",
        checker: "header",
        alter: |case| {
            let mut puts = case.records.iter_mut().filter(|record| {
                matches!((&record.request, record.outcome), (Request::Put(_), Outcome::Ok))
            });
            let (first, mut rest) = (puts.next()?, puts);
            let returned = first.return_ns;
            let second = rest.find(|record| Some(record.call_ns) > returned)?;
            for (record, term) in [(first, 5), (second, 4)] {
                if let Some(Response::Put(answer)) = &mut record.response {
                    *answer.header.as_mut()? =
                        Header { raft_term: term, member_id: 9, ..answer.header? };
                }
            }
            Some(())
        },
    },
    Row {
        name: "an answer of another cluster",
        checker: "header",
        alter: |case| {
            for cluster_id in [3, 4] {
                let answer =
                    case.put(|_, answer| answer.header.is_some_and(|h| h.cluster_id == 0))?;
                answer.header = Some(Header { cluster_id, ..answer.header? });
            }
            Some(())
        },
    },
    Row {
        name: "a member's own answer from a revision that was never made",
        checker: "serializable",
        alter: |case| {
            let answer = case.local()?;
            answer.header.as_mut()?.revision = 5_000_000;
            Some(())
        },
    },
    Row {
        name: "a member's own answer from before its write",
        checker: "serializable",
        alter: |case| {
            let (store, last) = (case.store.clone(), case.store.revision());
            let last_put = case.records.iter().find(|record| {
                record
                    .response
                    .as_ref()
                    .and_then(Response::header)
                    .is_some_and(|header| header.revision == last)
                    && matches!(record.request, Request::Put(_))
            })?;
            let called = last_put.call_ns;
            let record = case.records.iter_mut().find(|record| {
                let local = matches!(&record.request, Request::Range(range) if range.serializable && range.revision == 0);
                local && record.outcome == Outcome::Ok && record.return_ns < Some(called)
            })?;
            let Request::Range(range) = &record.request else { return None };
            let header = Some(Header { revision: last, ..Header::default() });
            record.response =
                Some(Response::Range(RangeResponse { header, ..store.at(last).range(range) }));
            Some(())
        },
    },
    Row {
        name: "J18 lock held twice",
        checker: "linearizability",
        alter: |case| {
            let at = case.quiet_ns()?;
            for (more, owner) in [(1, "first"), (2, "second")] {
                let key = Blob::from("lock");
                let absent = Compare {
                    key: key.clone(),
                    range_end: Blob::default(),
                    result: CompareResult::Equal,
                    operand: Operand::CreateRevision(0),
                };
                let put = PutRequest { key, value: owner.into(), ..PutRequest::default() };
                let request = TxnRequest {
                    compare: vec![absent],
                    success: vec![RequestOp::Put(put)],
                    failure: Vec::new(),
                };
                let revision = case.store.revision() + more;
                let response = TxnResponse {
                    header: Some(Header { revision, ..Header::default() }),
                    succeeded: true,
                    responses: vec![ResponseOp::Put(PutResponse::default())],
                };
                let id = case.fresh_id();
                let held = Record::called(id, id, 1, at + more as u64, Request::Txn(request));
                case.records.push(held.ok(at + 10, Response::Txn(response)));
            }
            (!case.unsure()).then_some(())
        },
    },
    Row {
        name: "a member's own answers go back on a connection",
        checker: "session",
        alter: |case| back(case, false),
    },
];

/// Lets a member's own answer be from before what its process has seen on the connection.
pub(crate) fn back(case: &mut Case, elsewhere: bool) -> Option<()> {
    let own = |record: &Record| match &record.request {
        Request::Range(range) => {
            range.serializable && range.revision == 0 && record.outcome == Outcome::Ok
        }
        _ => false,
    };
    let shown = |record: &Record| Some(record.response.as_ref()?.header()?.revision);
    let (place, revision) = case.records.iter().enumerate().find_map(|(place, record)| {
        let mut before = case.records.iter().filter(|before| {
            before.connection == record.connection && before.return_ns < Some(record.call_ns)
        });
        let seen = before.find_map(|before| shown(before).filter(|seen| *seen > 1))?;
        own(record).then_some((place, seen - 1))
    })?;
    let record = &mut case.records[place];
    let Request::Range(range) = &record.request else { return None };
    let header = Some(Header { revision, ..Header::default() });
    let answer = case.store.at(revision).range(range);
    record.response = Some(Response::Range(RangeResponse { header, ..answer }));
    if elsewhere {
        record.connection = 5_000;
    }
    Some(())
}

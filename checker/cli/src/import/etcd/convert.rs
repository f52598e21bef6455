//! Converts the objects of a report into records.

use std::collections::BTreeMap;

use super::wire::{self, Condition, Found, Input, Line, Operation, Output, Stored, WatchAnswer};
use mettle_checker::history::{
    Blob, CompactRequest, CompactResponse, Compare, CompareResult, DeleteRangeRequest,
    DeleteRangeResponse, ErrorAnswer, Event, EventType, Field, Header, History, IsCreate, KeyValue,
    LeaseGrantRequest, LeaseGrantResponse, LeaseRequest, LeaseRevokeResponse, OnStream, Operand,
    Origin, Outcome, PutRequest, PutResponse, RangeRequest, RangeResponse, Record, Request,
    RequestOp, Response, ResponseOp, TxnRequest, TxnResponse, WatchCreateRequest, WatchResponse,
    outcome_of,
};

/// The time to live of leases in these tests, which reports do not contain.
const LEASE_SECONDS: i64 = 7_200;

/// The first process number of watches.
const WATCHERS: u64 = 1_000_000_000;

#[derive(Default)]
pub(super) struct Report {
    records: Vec<Record>,
    /// The process under which each client continues.
    processes: BTreeMap<i64, u64>,
    fresh: u64,
    streams: u64,
    /// Whether any key came with its version.
    versions: bool,
}

impl Report {
    /// The number of records so far.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn history(self) -> History {
        let mut lacks = vec![Field::CreateRevision, Field::Lease, Field::More, Field::EventVersion];
        if !self.versions {
            lacks.push(Field::Version);
        }
        let origin = Origin { lacks, ..Origin::default() };
        History { origin, records: self.records }
    }

    /// Adds an operation, unless it is not about keys.
    pub(super) fn operation(&mut self, line: Line) -> Result<(), String> {
        let Some(request) = request(&line.input)? else { return Ok(()) };
        let id = self.records.len() as u64 + 1;
        let fresh = &mut self.fresh;
        let process = *self.processes.entry(line.client_id).or_insert_with(|| {
            *fresh += 1;
            *fresh
        });
        let call = u64::try_from(line.call).map_err(|_| format!("Call is {}", line.call))?;
        let record = Record::called(id, process, 0, call, request);
        let returned = u64::try_from(line.returned).unwrap_or(call).max(call);
        let output = &line.output;
        let record = if !output.client_error.is_empty() {
            let error = named(&output.client_error);
            match outcome_of(&error.code, &error.message) {
                Outcome::Fail => record.failed(returned, error),
                _ => self.lost(line.client_id, record, error),
            }
        } else if let Some(answer) = self.answer(&record.request, output) {
            record.ok(returned, answer)
        } else {
            let error = ErrorAnswer { code: "Unknown".to_owned(), message: output.error.clone() };
            self.lost(line.client_id, record, error)
        };
        self.records.push(record);
        Ok(())
    }

    /// Ends an operation with an unknown outcome: the client continues under a new process number.
    fn lost(&mut self, client: i64, record: Record, error: ErrorAnswer) -> Record {
        self.processes.remove(&client);
        record.unknown(error)
    }

    /// The answer, if the report holds a complete one.
    fn answer(&mut self, request: &Request, output: &Output) -> Option<Response> {
        if !output.error.is_empty() || output.persisted {
            return None;
        }
        let header = Some(Header { revision: output.revision, ..Header::default() });
        Some(match request {
            Request::Range(_) => {
                let found = output.range.as_ref()?;
                let range = self.range(found.kvs.as_deref(), found.count);
                Response::Range(RangeResponse { header, ..range })
            }
            Request::Txn(request) => {
                let txn = output.txn.as_ref()?;
                let ops = if txn.failure { &request.failure } else { &request.success };
                let results = txn.results.as_deref().unwrap_or(&[]);
                let mut responses: Vec<_> =
                    ops.iter().zip(results).map(|(op, found)| self.result(op, found)).collect();
                // The judge notices a missing or surplus answer.
                responses.extend(results.iter().skip(ops.len()).map(|found| {
                    ResponseOp::Range(RangeResponse { count: found.count, ..Default::default() })
                }));
                Response::Txn(TxnResponse { header, succeeded: !txn.failure, responses })
            }
            Request::LeaseGrant(_) if output.revision > 0 => {
                let id = output.lease_grant.as_ref()?.id;
                Response::LeaseGrant(LeaseGrantResponse { header, id, ttl: 0 })
            }
            Request::LeaseRevoke(_) if output.revision > 0 => {
                output.lease_revoke.as_ref()?;
                Response::LeaseRevoke(LeaseRevokeResponse { header })
            }
            Request::LeaseGrant(_) | Request::LeaseRevoke(_) => return None,
            // The member reads this revision after the compaction, so it is dropped.
            _ => {
                output.compact.as_ref()?;
                Response::Compact(CompactResponse { header: None })
            }
        })
    }

    fn result(&mut self, op: &RequestOp, found: &Found) -> ResponseOp {
        match op {
            RequestOp::Put(_) => ResponseOp::Put(PutResponse::default()),
            RequestOp::DeleteRange(_) => ResponseOp::DeleteRange(DeleteRangeResponse {
                deleted: found.deleted,
                ..DeleteRangeResponse::default()
            }),
            RequestOp::Range(_) | RequestOp::Txn(_) => {
                ResponseOp::Range(self.range(found.kvs.as_deref(), found.count))
            }
        }
    }

    fn range(&mut self, kvs: Option<&[Stored]>, count: i64) -> RangeResponse {
        let kvs: Vec<KeyValue> = kvs.unwrap_or(&[]).iter().map(Stored::kv).collect();
        self.versions |= kvs.iter().any(|kv| kv.version > 0);
        RangeResponse { kvs, count, ..RangeResponse::default() }
    }

    /// Adds a watch with a stream of its own. The report has no times of the request and of the
    /// creation; the first response gives the latest possible time.
    pub(super) fn watch(&mut self, watch: wire::Watch) {
        self.streams += 1;
        let stream = self.streams;
        let process = WATCHERS + stream;
        let answers = watch.responses.unwrap_or_default();
        let time = |answer: &WatchAnswer| u64::try_from(answer.time).unwrap_or(0);
        let mut at = answers.first().map_or(0, time);
        let request = watch_request(stream, &watch.request);
        let first = answers.first().map_or(0, |answer| {
            let event = answer.events.as_deref().and_then(<[wire::WatchEvent]>::first);
            event.map_or(answer.revision, |event| event.revision - 1)
        });
        let id = self.records.len() as u64 + 1;
        self.records.push(Record::sent(id, process, 0, at, Request::WatchCreate(request)));
        let on = |id, at_ns| OnStream { id, process, member: 0, at_ns, stream };
        let created = WatchResponse {
            header: Header { revision: first, ..Header::default() },
            created: true,
            ..WatchResponse::default()
        };
        self.records.push(Record::watch_response(on(id + 1, at), created));
        let count = answers.len();
        for (place, answer) in answers.into_iter().enumerate() {
            at = at.max(time(&answer));
            let id = self.records.len() as u64 + 1;
            if !answer.error.is_empty() {
                // An error in the middle of the responses did not end the watch.
                if place + 1 == count {
                    let error = Some(named(&answer.error));
                    self.records.push(Record::watch_end(on(id, at), error));
                }
                continue;
            }
            let events: Vec<Event> = answer.events.iter().flatten().map(event).collect();
            if events.is_empty() && !answer.is_progress_notify {
                continue;
            }
            self.versions |=
                events.iter().any(|event| event.prev_kv.as_ref().is_some_and(|kv| kv.version > 0));
            let header = Header { revision: answer.revision, ..Header::default() };
            let response = WatchResponse { header, events, ..WatchResponse::default() };
            let record = Record::watch_response(on(id, at), response);
            self.records.push(record);
        }
    }
}

/// An error with its code. Reports have the text alone, without the prefix if the error comes from
/// the model.
fn named(text: &str) -> ErrorAnswer {
    let full = match text.strip_prefix("mvcc: ") {
        Some(rest) => format!("etcdserver: mvcc: {rest}"),
        None if text == "future rev" => {
            "etcdserver: mvcc: required revision is a future revision".to_owned()
        }
        None => text.to_owned(),
    };
    let code = if full.starts_with("etcdserver: mvcc: required revision") {
        "OutOfRange"
    } else {
        "Unknown"
    };
    ErrorAnswer { code: code.to_owned(), message: full }
}

/// The request; None if it changes no key.
fn request(input: &Input) -> Result<Option<Request>, String> {
    Ok(Some(match (&input.kind[..], &input.range, &input.txn, &input.compact) {
        ("range", Some(range), ..) => Request::Range(RangeRequest {
            key: Blob::from(&range.start[..]),
            range_end: Blob::from(&range.end[..]),
            limit: range.limit,
            revision: range.revision,
            ..RangeRequest::default()
        }),
        ("txn", _, Some(txn), _) => Request::Txn(txn_request(txn)?),
        ("compact", .., Some(compact)) => {
            Request::Compact(CompactRequest { revision: compact.revision, physical: false })
        }
        ("leaseGrant", ..) if input.lease_grant.is_some() => {
            let id = input.lease_grant.as_ref().map_or(0, |lease| lease.id);
            Request::LeaseGrant(LeaseGrantRequest { id, ttl: LEASE_SECONDS })
        }
        ("leaseRevoke", ..) if input.lease_revoke.is_some() => {
            let id = input.lease_revoke.as_ref().map_or(0, |lease| lease.id);
            Request::LeaseRevoke(LeaseRequest { id })
        }
        ("defragment", ..) => return Ok(None),
        ("range" | "txn" | "compact" | "leaseGrant" | "leaseRevoke", ..) => {
            return Err(format!("an operation of type {:?} says not what", input.kind));
        }
        (other, ..) => {
            return Err(format!(
                "operation {other:?} is not judged: remove such operations and all they changed"
            ));
        }
    }))
}

fn event(event: &wire::WatchEvent) -> Event {
    let deleted = event.kind.starts_with("delete");
    let key = Blob::from(&event.key[..]);
    let value = if deleted { Blob::default() } else { event.value.blob() };
    let kv =
        KeyValue { key: key.clone(), value, mod_revision: event.revision, ..KeyValue::default() };
    let prev_kv = event.prev_value.as_ref().map(|stored| stored.kv(key));
    let kind = if deleted { EventType::Delete } else { EventType::Put };
    Event { kind, kv, prev_kv, is_create: event.is_create.map(IsCreate) }
}

fn watch_request(stream: u64, asked: &wire::WatchAsked) -> WatchCreateRequest {
    let (key, range_end) = match (asked.with_prefix, asked.key.is_empty()) {
        (true, true) => (Blob::from(&[0]), Blob::from(&[0])),
        (true, false) => (Blob::from(&asked.key[..]), prefix_end(asked.key.as_bytes())),
        (false, _) => (Blob::from(&asked.key[..]), Blob::default()),
    };
    WatchCreateRequest {
        stream,
        key,
        range_end,
        start_revision: asked.revision,
        progress_notify: asked.with_progress_notify,
        prev_kv: asked.with_prev_kv,
        ..WatchCreateRequest::default()
    }
}

/// The first key behind all keys with a prefix.
pub(crate) fn prefix_end(prefix: &[u8]) -> Blob {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return Blob::from(end);
        }
    }
    Blob::from(&[0])
}

fn txn_request(txn: &wire::Txn) -> Result<TxnRequest, String> {
    let conditions = txn.conditions.iter().flatten();
    let compare =
        conditions.map(|Condition { key, expected_revision, expected_version }| Compare {
            key: Blob::from(&key[..]),
            range_end: Blob::default(),
            result: CompareResult::Equal,
            operand: match expected_version {
                0 => Operand::ModRevision(*expected_revision),
                version => Operand::Version(*version),
            },
        });
    let list = |ops: &Option<Vec<Operation>>| -> Result<Vec<RequestOp>, String> {
        ops.iter().flatten().map(operation).collect()
    };
    Ok(TxnRequest {
        compare: compare.collect(),
        success: list(&txn.operations_on_success)?,
        failure: list(&txn.operations_on_failure)?,
    })
}

fn operation(operation: &Operation) -> Result<RequestOp, String> {
    Ok(match &operation.kind[..] {
        "put-operation" => RequestOp::Put(PutRequest {
            key: Blob::from(&operation.put.key[..]),
            value: operation.put.value.blob(),
            lease: operation.put.lease,
            ..PutRequest::default()
        }),
        "delete-operation" => RequestOp::DeleteRange(DeleteRangeRequest {
            key: Blob::from(&operation.delete.key[..]),
            ..DeleteRangeRequest::default()
        }),
        "range-operation" => RequestOp::Range(RangeRequest {
            key: Blob::from(&operation.range.start[..]),
            range_end: Blob::from(&operation.range.end[..]),
            limit: operation.range.limit,
            ..RangeRequest::default()
        }),
        other => return Err(format!("operation {other:?} in a transaction is not known here")),
    })
}

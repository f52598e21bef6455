//! The report folder of etcd's robustness tests: what each client did and watched.
//!
//! `client-*/operations.json` holds one object after another: `{ClientId, Input, Call, Output,
//! Return}`; `client-*/watch.json` the same of `{Request, Responses}`. What they leave out (leases
//! of keys, revisions of creation, whether a limit cut something off, in older reports versions)
//! is not judged. Long values are kept there as hashes, on both sides, so hashes are compared.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bad;
use crate::history::{
    Blob, CompactRequest, Compare, CompareResult, DeleteRangeRequest, DeleteRangeResponse,
    ErrorAnswer, Event, EventType, Field, Header, History, KeyValue, Limits, Operand, Origin,
    PutRequest, PutResponse, RangeRequest, RangeResponse, ReadError, Record, Request, RequestOp,
    Response, ResponseOp, TxnRequest, TxnResponse, WatchCreateRequest, WatchResponse,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(default)]
    client_id: i64,
    input: Input,
    call: u64,
    output: Output,
    #[serde(rename = "Return")]
    returned: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(rename = "Type")]
    kind: String,
    range: Option<Range>,
    txn: Option<Txn>,
    compact: Option<Compact>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Compact {
    revision: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Range {
    start: String,
    end: String,
    limit: i64,
    revision: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Txn {
    conditions: Option<Vec<Condition>>,
    operations_on_success: Option<Vec<Operation>>,
    operations_on_failure: Option<Vec<Operation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    key: String,
    #[serde(default)]
    expected_revision: i64,
    #[serde(default)]
    expected_version: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Operation {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    range: Range,
    #[serde(default)]
    put: Put,
    #[serde(default)]
    delete: Delete,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Put {
    key: String,
    value: Value,
    #[serde(rename = "LeaseID")]
    lease: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Delete {
    key: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Value {
    value: String,
    hash: u64,
}

impl Value {
    fn blob(&self) -> Blob {
        if self.hash == 0 { Blob::from(&self.value[..]) } else { format!("#{}", self.hash).into() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    txn: Option<TxnOutput>,
    range: Option<Found>,
    #[serde(default)]
    revision: i64,
    #[serde(default)]
    partial_response: bool,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TxnOutput {
    failure: bool,
    results: Option<Vec<Found>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    #[serde(rename = "KVs")]
    kvs: Option<Vec<Stored>>,
    #[serde(default)]
    count: i64,
    #[serde(default)]
    deleted: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    #[serde(default)]
    key: String,
    value: Value,
    mod_revision: i64,
    #[serde(default)]
    version: i64,
}

impl Stored {
    fn kv(&self) -> KeyValue {
        KeyValue {
            key: Blob::from(&self.key[..]),
            value: self.value.blob(),
            mod_revision: self.mod_revision,
            version: self.version,
            ..KeyValue::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Watch {
    request: WatchAsked,
    responses: Option<Vec<WatchAnswer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WatchAsked {
    key: String,
    #[serde(default)]
    revision: i64,
    #[serde(default)]
    with_prefix: bool,
    #[serde(default)]
    with_progress_notify: bool,
    #[serde(default, rename = "WithPrevKV")]
    with_prev_kv: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WatchAnswer {
    events: Option<Vec<WatchEvent>>,
    #[serde(default)]
    is_progress_notify: bool,
    #[serde(default)]
    revision: i64,
    time: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WatchEvent {
    #[serde(rename = "Type")]
    kind: String,
    key: String,
    value: Value,
    revision: i64,
    prev_value: Option<Stored>,
}

/// Reads a whole report folder.
pub(super) fn read(folder: &Path, limits: Limits) -> Result<History, ReadError> {
    let name = folder.display().to_string();
    let mut clients = Vec::new();
    let listing = std::fs::read_dir(folder).map_err(|error| {
        bad(&name, None, format!("cannot be listed: {error}"), "check the path")
    })?;
    for entry in listing.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with("client-") {
            clients.push(entry.path());
        }
    }
    clients.sort();
    if clients.is_empty() {
        let remedy = "a report of etcd's robustness tests has client-1, client-2 and so on";
        return Err(bad(&name, None, "has no client-* folder", remedy));
    }
    let mut report = Report { left: limits.total_bytes, ..Report::default() };
    for client in &clients {
        for line in report.file::<Line>(&client.join("operations.json"))? {
            report.operation(&client.display().to_string(), line)?;
        }
        for watch in report.file::<Watch>(&client.join("watch.json"))? {
            report.watch(watch);
        }
    }
    let mut lacks = vec![Field::CreateRevision, Field::Lease, Field::More];
    if !report.versions {
        lacks.push(Field::Version);
    }
    let origin = Origin { lacks, ..Origin::default() };
    Ok(History { origin, records: report.records })
}

#[derive(Default)]
struct Report {
    records: Vec<Record>,
    /// The process under which a client goes on.
    processes: BTreeMap<i64, u64>,
    fresh: u64,
    streams: u64,
    /// Whether any key came with its version.
    versions: bool,
    left: u64,
}

impl Report {
    /// The objects of a file; none if the client has no such file.
    fn file<T: DeserializeOwned>(&mut self, path: &PathBuf) -> Result<Vec<T>, ReadError> {
        let name = path.display().to_string();
        let Ok(file) = File::open(path) else { return Ok(Vec::new()) };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        if length > self.left {
            return Err(bad(&name, None, "is too long", "split the recording"));
        }
        self.left -= length;
        let mut all = Vec::new();
        let stream = serde_json::Deserializer::from_reader(BufReader::new(file)).into_iter::<T>();
        for object in stream {
            all.push(object.map_err(|error| {
                let line = Some(error.line() as u64);
                let remedy = "objects of etcd's robustness report are expected";
                bad(&name, line, error.to_string(), remedy)
            })?);
        }
        Ok(all)
    }

    fn operation(&mut self, file: &str, line: Line) -> Result<(), ReadError> {
        let request = match (&line.input.kind[..], &line.input.range, &line.input.txn) {
            ("range", Some(range), _) => Request::Range(range_request(range)),
            ("txn", _, Some(txn)) => Request::Txn(txn_request(txn)),
            ("compact", ..) => Request::Compact(CompactRequest {
                revision: line.input.compact.map_or(0, |compact| compact.revision),
                physical: false,
            }),
            ("defragment" | "leaseGrant", ..) => return Ok(()), // they change no key
            (other, ..) => {
                let cause = format!("operation {other:?} is not judged");
                return Err(bad(file, None, cause, "remove such operations and all they changed"));
            }
        };
        let id = self.records.len() as u64 + 1;
        let fresh = &mut self.fresh;
        let process = *self.processes.entry(line.client_id).or_insert_with(|| {
            *fresh += 1;
            *fresh
        });
        let record = Record::called(id, process, 0, line.call, request);
        let error = line.output.error.clone().filter(|error| !error.is_empty());
        let answer = if error.is_some() || line.output.partial_response {
            None
        } else {
            self.answer(&record.request, &line.output)
        };
        let record = if let Some(answer) = answer {
            record.ok(line.returned.max(line.call), answer)
        } else {
            self.processes.remove(&line.client_id);
            let message = error.unwrap_or_default();
            record.unknown(ErrorAnswer { code: "Unknown".to_owned(), message })
        };
        self.records.push(record);
        Ok(())
    }

    fn answer(&mut self, request: &Request, output: &Output) -> Option<Response> {
        let header = Some(Header { revision: output.revision, ..Header::default() });
        Some(match request {
            Request::Range(_) => {
                let range = self.range(output.range.as_ref()?);
                Response::Range(RangeResponse { header, ..range })
            }
            Request::Txn(request) => {
                let txn = output.txn.as_ref()?;
                let ops = if txn.failure { &request.failure } else { &request.success };
                let results = txn.results.as_deref().unwrap_or(&[]);
                let answers = ops.iter().zip(results);
                let responses = answers.map(|(op, found)| match op {
                    RequestOp::Put(_) => ResponseOp::Put(PutResponse::default()),
                    RequestOp::DeleteRange(_) => ResponseOp::DeleteRange(DeleteRangeResponse {
                        deleted: found.deleted,
                        ..DeleteRangeResponse::default()
                    }),
                    RequestOp::Range(_) | RequestOp::Txn(_) => ResponseOp::Range(self.range(found)),
                });
                let responses = responses.collect();
                Response::Txn(TxnResponse { header, succeeded: !txn.failure, responses })
            }
            _ => Response::Compact(crate::history::CompactResponse { header: None }),
        })
    }

    fn range(&mut self, found: &Found) -> RangeResponse {
        let stored = found.kvs.as_deref().unwrap_or(&[]);
        let kvs: Vec<KeyValue> = stored.iter().map(Stored::kv).collect();
        self.versions |= kvs.iter().any(|kv| kv.version > 0);
        RangeResponse { kvs, count: found.count, ..RangeResponse::default() }
    }

    fn watch(&mut self, watch: Watch) {
        self.streams += 1;
        let stream = self.streams;
        let process = 1_000_000_000 + stream;
        let answers = watch.responses.unwrap_or_default();
        let mut at = answers.first().map_or(0, |answer| answer.time);
        let request = watch_request(stream, &watch.request);
        let first = answers.first().map_or(0, |answer| {
            let event = answer.events.as_deref().and_then(<[WatchEvent]>::first);
            event.map_or(answer.revision, |event| event.revision - 1)
        });
        let id = self.records.len() as u64 + 1;
        self.records.push(Record::sent(id, process, 0, at, Request::WatchCreate(request)));
        let created = WatchResponse {
            header: Header { revision: first, ..Header::default() },
            created: true,
            ..WatchResponse::default()
        };
        self.records.push(Record::watch_response(id + 1, process, 0, at, (stream, created)));
        for answer in answers {
            let events: Vec<Event> = answer.events.iter().flatten().map(event).collect();
            if events.is_empty() && !answer.is_progress_notify {
                continue;
            }
            self.versions |=
                events.iter().any(|event| event.prev_kv.as_ref().is_some_and(|kv| kv.version > 0));
            at = at.max(answer.time);
            let header = Header { revision: answer.revision, ..Header::default() };
            let response = WatchResponse { header, events, ..WatchResponse::default() };
            let id = self.records.len() as u64 + 1;
            let record = Record::watch_response(id, process, 0, at, (stream, response));
            self.records.push(record);
        }
    }
}

fn event(event: &WatchEvent) -> Event {
    let deleted = event.kind.starts_with("delete");
    let key = Blob::from(&event.key[..]);
    let value = if deleted { Blob::default() } else { event.value.blob() };
    let kv =
        KeyValue { key: key.clone(), value, mod_revision: event.revision, ..KeyValue::default() };
    let prev_kv = event.prev_value.as_ref().map(|stored| KeyValue { key, ..stored.kv() });
    let kind = if deleted { EventType::Delete } else { EventType::Put };
    Event { kind, kv, prev_kv }
}

fn watch_request(stream: u64, asked: &WatchAsked) -> WatchCreateRequest {
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
fn prefix_end(prefix: &[u8]) -> Blob {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return Blob::from(end);
        }
    }
    Blob::from(&[0])
}

fn range_request(range: &Range) -> RangeRequest {
    RangeRequest {
        key: Blob::from(&range.start[..]),
        range_end: Blob::from(&range.end[..]),
        limit: range.limit,
        revision: range.revision,
        ..RangeRequest::default()
    }
}

fn txn_request(txn: &Txn) -> TxnRequest {
    let conditions = txn.conditions.iter().flatten();
    let compare = conditions.map(|condition| Compare {
        key: Blob::from(&condition.key[..]),
        range_end: Blob::default(),
        result: CompareResult::Equal,
        operand: match condition.expected_version {
            0 => Operand::ModRevision(condition.expected_revision),
            version => Operand::Version(version),
        },
    });
    let list = |ops: &Option<Vec<Operation>>| ops.iter().flatten().map(operation).collect();
    TxnRequest {
        compare: compare.collect(),
        success: list(&txn.operations_on_success),
        failure: list(&txn.operations_on_failure),
    }
}

fn operation(operation: &Operation) -> RequestOp {
    match &operation.kind[..] {
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
        _ => RequestOp::Range(range_request(&operation.range)),
    }
}

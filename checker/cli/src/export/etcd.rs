//! Writes operations as etcd's robustness tests write them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use super::{ExportError, LeftOut, text, watch};
use crate::import::etcd::wire::{
    Compact, Condition, Delete, Found, InnerRange, Input, Lease, Line, Nothing, Operation, Output,
    Put, Range, RangeOutput, Stored, Txn, TxnOutput, Value, Watch,
};
use mettle_checker::history::{
    Compare, CompareResult, DeleteRangeRequest, History, KeyValue, Operand, Outcome, PutRequest,
    RangeRequest, RangeResponse, Record, Request, RequestOp, Response, ResponseOp, SortOrder,
    SortTarget, TxnResponse,
};
use mettle_checker::words;

/// The number of clients over which processes are spread.
const CLIENTS: u64 = 10;

/// The revision in an answer without a revision of the store.
const NO_REVISION: i64 = -1;

#[derive(Default)]
struct Client {
    operations: Vec<Line>,
    watches: Vec<Watch>,
}

/// Writes a report into a new or empty folder, and returns what was left out.
pub fn etcd(history: &History, folder: &Path) -> Result<LeftOut, ExportError> {
    if history.origin.start_revision.is_some_and(|start| start > 1) {
        return Err(ExportError::History(
            "the history begins with a store that holds keys, and a report of etcd's cannot",
        ));
    }
    let mut left = LeftOut::default();
    let mut clients: BTreeMap<u64, Client> = BTreeMap::new();
    let own = |process: u64| process % CLIENTS + 1;
    none_expires(history)?;
    let ends = history.records.iter().filter_map(|record| record.return_ns);
    // Etcd's tests end an operation without a return one second after the last return.
    let never = ends.max().unwrap_or(0).saturating_add(1_000_000_000);
    for record in history.records.iter().filter(|record| record.request.op().is_operation()) {
        match line(record, never) {
            Ok(line) => clients.entry(own(record.process)).or_default().operations.push(line),
            Err(cause) if !may_write(record) => left.count(cause),
            Err(cause) => {
                let what = words::request(&record.request);
                return Err(ExportError::Words { id: record.id, what, cause });
            }
        }
    }
    for (process, watch) in watch::watches(history, &mut left) {
        clients.entry(own(process)).or_default().watches.push(watch);
    }
    write(&clients, folder)?;
    Ok(left)
}

/// Refuses a history in which a lease may have expired: a report has no times to live.
fn none_expires(history: &History) -> Result<(), ExportError> {
    let times = history.records.iter().map(|record| record.return_ns.unwrap_or(record.call_ns));
    let last = times.max().unwrap_or(0);
    for record in &history.records {
        let Request::LeaseGrant(request) = &record.request else { continue };
        let ttl = match &record.response {
            Some(Response::LeaseGrant(answer)) => answer.ttl,
            _ => request.ttl,
        };
        let over = u64::try_from(ttl).unwrap_or(0).saturating_mul(1_000_000_000);
        if over > 0
            && record.outcome != Outcome::Fail
            && record.call_ns.saturating_add(over) <= last
        {
            let what = words::request(&record.request);
            let cause = "a lease that may have expired by the end";
            return Err(ExportError::Words { id: record.id, what, cause });
        }
    }
    Ok(())
}

fn write(clients: &BTreeMap<u64, Client>, folder: &Path) -> Result<(), ExportError> {
    let file = |path: &Path, error: io::Error| ExportError::File(path.display().to_string(), error);
    let new = fs::create_dir_all(folder).and_then(|()| fs::read_dir(folder)?.next().transpose());
    if new.map_err(|error| file(folder, error))?.is_some() {
        let error = io::Error::other("the folder is not empty");
        return Err(file(folder, error));
    }
    for (number, client) in clients {
        let own = folder.join(format!("client-{number}"));
        fs::create_dir_all(&own).map_err(|error| file(&own, error))?;
        let path = own.join("operations.json");
        objects(&path, &client.operations).map_err(|error| file(&path, error))?;
        let path = own.join("watch.json");
        objects(&path, &client.watches).map_err(|error| file(&path, error))?;
    }
    Ok(())
}

/// Writes one object a line; an empty list gives no file, as with etcd.
fn objects<T: Serialize>(path: &Path, all: &[T]) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let mut out = BufWriter::new(File::create(path)?);
    for object in all {
        serde_json::to_writer(&mut out, object)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Whether the operation may have changed a key, so that it cannot be left out.
fn may_write(record: &Record) -> bool {
    if record.outcome == Outcome::Fail {
        return false;
    }
    match &record.request {
        Request::Range(_)
        | Request::LeaseKeepAlive(_)
        | Request::LeaseTimeToLive(_)
        | Request::LeaseLeases(_) => false,
        Request::Txn(request) => request.may_write(),
        _ => true,
    }
}

/// The line of an operation, or the reason why the format cannot carry it.
fn line(record: &Record, never: u64) -> Result<Line, &'static str> {
    let output = match (record.outcome, &record.response) {
        (Outcome::Ok, Some(response)) => output(response)?,
        (Outcome::Unknown, response) => {
            let told = match response {
                Some(Response::Error(error)) if !error.message.is_empty() => error.message.clone(),
                Some(Response::Error(error)) if !error.code.is_empty() => error.code.clone(),
                _ => "no answer".to_owned(),
            };
            Output { error: told, ..Output::default() }
        }
        (Outcome::Fail, Some(Response::Error(error)))
            if matches!(record.request, Request::Compact(_))
                && error.message.starts_with("etcdserver: mvcc: ") =>
        {
            let model = error.message.trim_start_matches("etcdserver: ");
            Output { client_error: model.to_owned(), ..Output::default() }
        }
        _ => return Err("definite errors"),
    };
    let returned = record.return_ns.unwrap_or(never) as i64;
    let client_id = record.process as i64;
    Ok(Line { client_id, input: input(record)?, call: record.call_ns as i64, output, returned })
}

fn input(record: &Record) -> Result<Input, &'static str> {
    Ok(match &record.request {
        Request::Range(range) => {
            Input { kind: "range".to_owned(), range: Some(whole_range(range)?), ..Input::default() }
        }
        Request::Put(put) => transaction(&[], &[RequestOp::Put(put.clone())], &[])?,
        Request::DeleteRange(delete) => {
            transaction(&[], &[RequestOp::DeleteRange(delete.clone())], &[])?
        }
        Request::Txn(txn) => transaction(&txn.compare, &txn.success, &txn.failure)?,
        Request::Compact(compact) => Input {
            kind: "compact".to_owned(),
            compact: Some(Compact { revision: compact.revision }),
            ..Input::default()
        },
        Request::LeaseGrant(grant) => {
            let chosen = match &record.response {
                Some(Response::LeaseGrant(answer)) => answer.id,
                _ => grant.id,
            };
            let lease_grant = Some(Lease { id: chosen });
            Input { kind: "leaseGrant".to_owned(), lease_grant, ..Input::default() }
        }
        Request::LeaseRevoke(lease) => {
            let lease_revoke = Some(Lease { id: lease.id });
            Input { kind: "leaseRevoke".to_owned(), lease_revoke, ..Input::default() }
        }
        Request::LeaseKeepAlive(_) | Request::LeaseTimeToLive(_) | Request::LeaseLeases(_) => {
            return Err("renewals of leases and questions about them");
        }
        _ => return Err("requests that etcd's reports do not know"),
    })
}

fn transaction(
    compare: &[Compare],
    success: &[RequestOp],
    failure: &[RequestOp],
) -> Result<Input, &'static str> {
    let txn = Txn {
        conditions: Some(compare.iter().map(condition).collect::<Result<_, _>>()?),
        operations_on_success: Some(success.iter().map(operation).collect::<Result<_, _>>()?),
        operations_on_failure: Some(failure.iter().map(operation).collect::<Result<_, _>>()?),
    };
    Ok(Input { kind: "txn".to_owned(), txn: Some(txn), ..Input::default() })
}

/// A condition of the format: equality of the revision or the version. The absence of a key can be
/// asked for in several ways.
fn condition(compare: &Compare) -> Result<Condition, &'static str> {
    if compare.result != CompareResult::Equal || !compare.range_end.is_empty() {
        return Err("transactions with conditions other than equality on one key");
    }
    let key = text(&compare.key)?;
    let condition = Condition { key, ..Condition::default() };
    match compare.operand {
        Operand::ModRevision(expected_revision) => Ok(Condition { expected_revision, ..condition }),
        Operand::Version(0) | Operand::CreateRevision(0) => Ok(condition),
        Operand::Version(expected_version) => Ok(Condition { expected_version, ..condition }),
        _ => Err("transactions with conditions on values, leases or revisions of creation"),
    }
}

fn operation(op: &RequestOp) -> Result<Operation, &'static str> {
    Ok(match op {
        RequestOp::Put(put) => Operation {
            kind: "put-operation".to_owned(),
            put: put_of(put)?,
            ..Operation::default()
        },
        RequestOp::DeleteRange(delete) => Operation {
            kind: "delete-operation".to_owned(),
            delete: delete_of(delete)?,
            ..Operation::default()
        },
        RequestOp::Range(range) if range.revision > 0 => {
            return Err("transactions that read the past");
        }
        RequestOp::Range(range) => {
            let Range { start, end, limit, .. } = whole_range(range)?;
            Operation {
                kind: "range-operation".to_owned(),
                range: InnerRange { start, end, limit },
                ..Operation::default()
            }
        }
        RequestOp::Txn(_) => return Err("transactions inside transactions"),
    })
}

fn put_of(put: &PutRequest) -> Result<Put, &'static str> {
    if put.ignore_value || put.ignore_lease {
        return Err("puts that keep the value or the lease");
    }
    Ok(Put { key: text(&put.key)?, value: Value::of(&put.value), lease: put.lease })
}

fn delete_of(delete: &DeleteRangeRequest) -> Result<Delete, &'static str> {
    if !delete.range_end.is_empty() {
        return Err("deletions of more than one key");
    }
    Ok(Delete { key: text(&delete.key)? })
}

fn whole_range(range: &RangeRequest) -> Result<Range, &'static str> {
    let RangeRequest { sort_order, sort_target, .. } = range;
    let bounds = [
        range.min_mod_revision,
        range.max_mod_revision,
        range.min_create_revision,
        range.max_create_revision,
    ];
    match () {
        () if range.serializable => Err("serializable reads"),
        () if range.keys_only || range.count_only => Err("reads of keys or counts only"),
        () if *sort_order == SortOrder::Descend || *sort_target != SortTarget::Key => {
            Err("sorted reads")
        }
        () if bounds != [0; 4] => Err("reads with bounds of revisions"),
        () => Ok(Range {
            start: text(&range.key)?,
            end: text(&range.range_end)?,
            limit: range.limit,
            revision: range.revision,
        }),
    }
}

fn output(response: &Response) -> Result<Output, &'static str> {
    let revision = response.header().map_or(0, |header| header.revision);
    let output = Output { revision, ..Output::default() };
    Ok(match response {
        Response::Range(range) => {
            let RangeOutput { kvs, count } = found(range)?;
            Output { range: Some(RangeOutput { kvs, count }), ..output }
        }
        Response::Put(_) => done(output, Found::default()),
        Response::DeleteRange(delete) => {
            done(output, Found { deleted: delete.deleted, ..Found::default() })
        }
        Response::Txn(TxnResponse { succeeded, responses, .. }) => {
            let results = responses.iter().map(result).collect::<Result<_, _>>()?;
            let txn = TxnOutput { failure: !succeeded, results: Some(results) };
            Output { txn: Some(txn), ..output }
        }
        Response::Compact(_) => {
            Output { compact: Some(Nothing {}), revision: NO_REVISION, ..output }
        }
        Response::LeaseGrant(answer) => {
            Output { lease_grant: Some(Lease { id: answer.id }), ..output }
        }
        Response::LeaseRevoke(_) => Output { lease_revoke: Some(Nothing {}), ..output },
        Response::LeaseKeepAlive(_) | Response::LeaseTimeToLive(_) | Response::LeaseLeases(_) => {
            return Err("renewals of leases and questions about them");
        }
        _ => return Err("answers that etcd's reports do not know"),
    })
}

/// The answer to a transaction of one operation.
fn done(output: Output, found: Found) -> Output {
    let txn = TxnOutput { failure: false, results: Some(vec![found]) };
    Output { txn: Some(txn), ..output }
}

fn result(response: &ResponseOp) -> Result<Found, &'static str> {
    Ok(match response {
        ResponseOp::Range(range) => {
            let RangeOutput { kvs, count } = found(range)?;
            Found { kvs, count, deleted: 0 }
        }
        ResponseOp::Put(_) => Found::default(),
        ResponseOp::DeleteRange(delete) => Found { deleted: delete.deleted, ..Found::default() },
        ResponseOp::Txn(_) => return Err("transactions inside transactions"),
    })
}

fn found(range: &RangeResponse) -> Result<RangeOutput, &'static str> {
    let stored = |kv: &KeyValue| text(&kv.key).map(|key| Stored::of(key, kv));
    let kvs = range.kvs.iter().map(stored).collect::<Result<_, _>>()?;
    Ok(RangeOutput { kvs: Some(kvs), count: range.count })
}

//! Parses the line of one record: the request and the response according to the kind.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::valid::{Problem, problem, valid};
use super::{ErrorAnswer, Op, Outcome, Record, Request, Response};

/// The message of serde without its line number, which is always 1.
pub(super) fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => format!("{} (column {})", &text[..at], error.column()),
        None => text,
    }
}

/// A record as its line spells it: the request and the response wait for the kind. Errors of serde
/// name this type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire<'a> {
    id: u64,
    process: u64,
    #[serde(default)]
    member: u64,
    #[serde(default)]
    connection: u64,
    #[serde(borrow)]
    op: Cow<'a, str>,
    call_ns: u64,
    #[serde(default)]
    return_ns: Option<u64>,
    outcome: Outcome,
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// Parses the request and the response of a record, and checks the record.
pub(super) fn parse(wire: &Wire<'_>) -> Result<Record, Problem> {
    let Some(op) = Op::ALL.into_iter().find(|op| op.name() == wire.op) else {
        let known: Vec<_> = Op::ALL.iter().map(|op| op.name()).collect();
        return Err(Problem {
            cause: format!("op {:?} is not known; known are {}", wire.op, known.join(", ")),
            remedy: "correct the word, or leave the line out",
        });
    };
    let request = request(op, wire.request)?;
    let response = match wire.response {
        None => None,
        Some(raw) if raw.get() == "null" => None,
        Some(raw) => Some(response(op, raw)?),
    };
    let record = Record {
        id: wire.id,
        process: wire.process,
        member: wire.member,
        connection: wire.connection,
        call_ns: wire.call_ns,
        return_ns: wire.return_ns,
        outcome: wire.outcome,
        request,
        response,
    };
    valid(&record).map(|()| record)
}

fn request(op: Op, raw: Option<&RawValue>) -> Result<Request, Problem> {
    let text = raw.map_or("{}", RawValue::get);
    let parsed = match op {
        Op::Range => serde_json::from_str(text).map(Request::Range),
        Op::Put => serde_json::from_str(text).map(Request::Put),
        Op::DeleteRange => serde_json::from_str(text).map(Request::DeleteRange),
        Op::Txn => serde_json::from_str(text).map(Request::Txn),
        Op::Compact => serde_json::from_str(text).map(Request::Compact),
        Op::WatchCreate => serde_json::from_str(text).map(Request::WatchCreate),
        Op::WatchCancel => serde_json::from_str(text).map(Request::WatchCancel),
        Op::WatchProgress => serde_json::from_str(text).map(Request::WatchProgress),
        Op::WatchResponse => serde_json::from_str(text).map(Request::WatchResponse),
        Op::WatchEnd => serde_json::from_str(text).map(Request::WatchEnd),
        Op::Quiesced => serde_json::from_str(text).map(Request::Quiesced),
        Op::LeaseGrant => serde_json::from_str(text).map(Request::LeaseGrant),
        Op::LeaseRevoke => serde_json::from_str(text).map(Request::LeaseRevoke),
        Op::LeaseKeepAlive => serde_json::from_str(text).map(Request::LeaseKeepAlive),
        Op::LeaseTimeToLive => serde_json::from_str(text).map(Request::LeaseTimeToLive),
        Op::LeaseLeases => serde_json::from_str(text).map(Request::LeaseLeases),
    };
    parsed.map_err(|error| {
        problem(
            format!("the request of op {}: {}", op.name(), describe(&error)),
            "use etcd's own field names, see checker/README.md",
        )
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorWire {
    error: ErrorAnswer,
}

fn response(op: Op, raw: &RawValue) -> Result<Response, Problem> {
    let text = raw.get();
    // Parsing every answer as an error first would cost more than reading the answer.
    let inside = text.trim_start().strip_prefix('{').unwrap_or("").trim_start();
    if inside.starts_with("\"error\"")
        && let Ok(wire) = serde_json::from_str::<ErrorWire>(text)
    {
        return Ok(Response::Error(wire.error));
    }
    let parsed = match op {
        Op::Range => serde_json::from_str(text).map(Response::Range),
        Op::Put => serde_json::from_str(text).map(Response::Put),
        Op::DeleteRange => serde_json::from_str(text).map(Response::DeleteRange),
        Op::Txn => serde_json::from_str(text).map(Response::Txn),
        Op::Compact => serde_json::from_str(text).map(Response::Compact),
        Op::LeaseGrant => serde_json::from_str(text).map(Response::LeaseGrant),
        Op::LeaseRevoke => serde_json::from_str(text).map(Response::LeaseRevoke),
        Op::LeaseKeepAlive => serde_json::from_str(text).map(Response::LeaseKeepAlive),
        Op::LeaseTimeToLive => serde_json::from_str(text).map(Response::LeaseTimeToLive),
        Op::LeaseLeases => serde_json::from_str(text).map(Response::LeaseLeases),
        Op::WatchResponse => serde_json::from_str(text).map(Response::Watch),
        Op::WatchCreate | Op::WatchCancel | Op::WatchProgress | Op::WatchEnd => {
            return Err(problem(
                format!("op {} has no answer of its own", op.name()),
                "record what came back as watch_response lines",
            ));
        }
        Op::Quiesced => {
            return Err(problem("op quiesced has no answer", "leave the response out"));
        }
    };
    parsed.map_err(|error| {
        problem(
            format!("the response of op {}: {}", op.name(), describe(&error)),
            "use etcd's own field names, see checker/README.md",
        )
    })
}

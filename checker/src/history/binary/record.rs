//! Packs one record; ids and times are differences to the record before.

use super::pack::{Bad, Item, Pack, Packer, Unpacker};
use crate::history::{ErrorAnswer, Op, Outcome, Record, Request, Response};

/// The record before, to which the next one is compared.
#[derive(Default)]
pub(super) struct Before {
    id: u64,
    call_ns: u64,
}

const NO_ANSWER: u8 = 0;
const ANSWER: u8 = 1;
const ERROR: u8 = 2;

pub(super) fn pack(record: &Record, before: &mut Before, out: &mut Packer) {
    out.byte(record.request.op().byte());
    let answer = match record.response {
        None => NO_ANSWER,
        Some(Response::Error(_)) => ERROR,
        Some(_) => ANSWER,
    };
    let outcome = match record.outcome {
        Outcome::Ok => 0,
        Outcome::Fail => 1,
        Outcome::Unknown => 2,
    };
    out.byte(outcome + 3 * answer + 9 * u8::from(record.connection != 0));
    out.signed(record.id.wrapping_sub(before.id) as i64);
    out.number(record.process);
    out.number(record.member);
    if record.connection != 0 {
        out.number(record.connection);
    }
    out.signed(record.call_ns.wrapping_sub(before.call_ns) as i64);
    if record.outcome != Outcome::Unknown {
        let took = record.return_ns.unwrap_or(record.call_ns).wrapping_sub(record.call_ns);
        out.number(took);
    }
    *before = Before { id: record.id, call_ns: record.call_ns };
    match &record.request {
        Request::Range(request) => request.pack(out),
        Request::Put(request) => request.pack(out),
        Request::DeleteRange(request) => request.pack(out),
        Request::Txn(request) => request.pack(out),
        Request::Compact(request) => request.pack(out),
        Request::WatchCreate(request) => request.pack(out),
        Request::WatchCancel(request) => request.pack(out),
        Request::WatchProgress(stream)
        | Request::WatchResponse(stream)
        | Request::WatchEnd(stream) => stream.pack(out),
        Request::Quiesced(request) => request.pack(out),
        Request::LeaseGrant(request) => request.pack(out),
        Request::LeaseRevoke(request) | Request::LeaseKeepAlive(request) => request.pack(out),
        Request::LeaseTimeToLive(request) => request.pack(out),
        Request::LeaseLeases(request) => request.pack(out),
    }
    match &record.response {
        None => {}
        Some(Response::Range(response)) => response.pack(out),
        Some(Response::Put(response)) => response.pack(out),
        Some(Response::DeleteRange(response)) => response.pack(out),
        Some(Response::Txn(response)) => response.pack(out),
        Some(Response::Compact(response)) => response.pack(out),
        Some(Response::LeaseGrant(response)) => response.pack(out),
        Some(Response::LeaseRevoke(response)) => response.pack(out),
        Some(Response::LeaseKeepAlive(response)) => response.pack(out),
        Some(Response::LeaseTimeToLive(response)) => response.pack(out),
        Some(Response::LeaseLeases(response)) => response.pack(out),
        Some(Response::Watch(response)) => response.pack(out),
        Some(Response::Error(error)) => error.pack_item(out),
    }
}

pub(super) fn unpack(before: &mut Before, from: &mut Unpacker<'_>) -> Result<Record, Bad> {
    let kind = from.byte()?;
    let op = Op::ALL.into_iter().find(|op| op.byte() == kind);
    let op = op.ok_or(Bad("a kind of record that is not known here: use a newer mettle-check"))?;
    let ends = from.byte()?;
    let outcome = match ends % 3 {
        0 => Outcome::Ok,
        1 => Outcome::Fail,
        _ => Outcome::Unknown,
    };
    let id = before.id.wrapping_add(from.signed()? as u64);
    let process = from.number()?;
    let member = from.number()?;
    let connection = if ends / 9 % 2 == 1 { from.number()? } else { 0 };
    let call_ns = before.call_ns.wrapping_add(from.signed()? as u64);
    let return_ns = match outcome {
        Outcome::Unknown => None,
        _ => Some(call_ns.wrapping_add(from.number()?)),
    };
    *before = Before { id, call_ns };
    let request = request(op, from)?;
    if ends >= 18 {
        return Err(Bad("an outcome that is not known here: use a newer mettle-check"));
    }
    let response = match ends / 3 % 3 {
        NO_ANSWER => None,
        ANSWER => Some(response(op, from)?),
        _ => Some(Response::Error(ErrorAnswer::unpack_item(from)?)),
    };
    Ok(Record { id, process, member, connection, call_ns, return_ns, outcome, request, response })
}

fn request(op: Op, from: &mut Unpacker<'_>) -> Result<Request, Bad> {
    Ok(match op {
        Op::Range => Request::Range(Pack::unpack(from)?),
        Op::Put => Request::Put(Pack::unpack(from)?),
        Op::DeleteRange => Request::DeleteRange(Pack::unpack(from)?),
        Op::Txn => Request::Txn(Pack::unpack(from)?),
        Op::Compact => Request::Compact(Pack::unpack(from)?),
        Op::WatchCreate => Request::WatchCreate(Pack::unpack(from)?),
        Op::WatchCancel => Request::WatchCancel(Pack::unpack(from)?),
        Op::WatchProgress => Request::WatchProgress(Pack::unpack(from)?),
        Op::WatchResponse => Request::WatchResponse(Pack::unpack(from)?),
        Op::WatchEnd => Request::WatchEnd(Pack::unpack(from)?),
        Op::Quiesced => Request::Quiesced(Pack::unpack(from)?),
        Op::LeaseGrant => Request::LeaseGrant(Pack::unpack(from)?),
        Op::LeaseRevoke => Request::LeaseRevoke(Pack::unpack(from)?),
        Op::LeaseKeepAlive => Request::LeaseKeepAlive(Pack::unpack(from)?),
        Op::LeaseTimeToLive => Request::LeaseTimeToLive(Pack::unpack(from)?),
        Op::LeaseLeases => Request::LeaseLeases(Pack::unpack(from)?),
    })
}

fn response(op: Op, from: &mut Unpacker<'_>) -> Result<Response, Bad> {
    Ok(match op {
        Op::Range => Response::Range(Pack::unpack(from)?),
        Op::Put => Response::Put(Pack::unpack(from)?),
        Op::DeleteRange => Response::DeleteRange(Pack::unpack(from)?),
        Op::Txn => Response::Txn(Pack::unpack(from)?),
        Op::Compact => Response::Compact(Pack::unpack(from)?),
        Op::LeaseGrant => Response::LeaseGrant(Pack::unpack(from)?),
        Op::LeaseRevoke => Response::LeaseRevoke(Pack::unpack(from)?),
        Op::LeaseKeepAlive => Response::LeaseKeepAlive(Pack::unpack(from)?),
        Op::LeaseTimeToLive => Response::LeaseTimeToLive(Pack::unpack(from)?),
        Op::LeaseLeases => Response::LeaseLeases(Pack::unpack(from)?),
        Op::WatchResponse => Response::Watch(Pack::unpack(from)?),
        Op::WatchCreate | Op::WatchCancel | Op::WatchProgress | Op::WatchEnd | Op::Quiesced => {
            return Err(Bad("an answer to what has none"));
        }
    })
}

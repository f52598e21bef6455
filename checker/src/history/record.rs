//! One record of a history: an operation with its times, or an event of a watch stream.

use serde::{Deserialize, Serialize};

use super::{
    CompactRequest, CompactResponse, DeleteRangeRequest, DeleteRangeResponse, Header,
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRequest, LeaseRevokeResponse, LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse, Op, Origin, PlainOp, PutRequest, PutResponse, QuiescedRequest,
    RangeRequest, RangeResponse, StreamRef, TxnRequest, TxnResponse, WatchCancelRequest,
    WatchCreateRequest, WatchResponse,
};

/// Everything that the clients of one run recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The first line of the file.
    pub origin: Origin,
    /// In the order of the file. The judge relies on the times, not on this order.
    pub records: Vec<Record>,
}

/// The outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The operation was answered.
    Ok,
    /// The operation certainly did not take effect.
    Fail,
    /// The operation may take effect at any time, or never.
    Unknown,
}

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record's number, unique in the history.
    pub id: u64,
    /// The sequential client that called.
    pub process: u64,
    /// The member that was asked, from 1; 0 if unknown.
    pub member: u64,
    /// The recorder's number of the connection to the member, 0 if unknown. A connection leads to
    /// one incarnation of a member.
    pub connection: u64,
    /// The time of the call, in nanoseconds.
    pub call_ns: u64,
    /// The time of the answer; None without an answer.
    pub return_ns: Option<u64>,
    /// The outcome.
    pub outcome: Outcome,
    /// The request.
    pub request: Request,
    /// The answer; None if the record has none, or none is known.
    pub response: Option<Response>,
}

/// The request of a record, or the watch stream that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `range`
    Range(RangeRequest),
    /// `put`
    Put(PutRequest),
    /// `delete_range`
    DeleteRange(DeleteRangeRequest),
    /// `txn`
    Txn(TxnRequest),
    /// `compact`
    Compact(CompactRequest),
    /// `watch_create`
    WatchCreate(WatchCreateRequest),
    /// `watch_cancel`
    WatchCancel(WatchCancelRequest),
    /// `watch_progress`: a manual progress request.
    WatchProgress(StreamRef),
    /// `watch_response`: the record's response is what arrived.
    WatchResponse(StreamRef),
    /// `watch_end`: the stream is over; the record's response may be the error.
    WatchEnd(StreamRef),
    /// `quiesced`: no fault was in effect between the record's times.
    Quiesced(QuiescedRequest),
    /// `lease_grant`
    LeaseGrant(LeaseGrantRequest),
    /// `lease_revoke`
    LeaseRevoke(LeaseRequest),
    /// `lease_keep_alive`
    LeaseKeepAlive(LeaseRequest),
    /// `lease_time_to_live`
    LeaseTimeToLive(LeaseTimeToLiveRequest),
    /// `lease_leases`
    LeaseLeases(LeaseLeasesRequest),
}

impl Request {
    /// The puts with a lease that the request may do, whichever branches its transactions take.
    #[inline]
    pub(crate) fn lease_puts(&self) -> impl Iterator<Item = &PutRequest> + Clone {
        self.ops().filter_map(|op| match op {
            PlainOp::Put(put) if put.lease != 0 => Some(put),
            _ => None,
        })
    }

    /// The kind of the request.
    pub fn op(&self) -> Op {
        match self {
            Request::Range(_) => Op::Range,
            Request::Put(_) => Op::Put,
            Request::DeleteRange(_) => Op::DeleteRange,
            Request::Txn(_) => Op::Txn,
            Request::Compact(_) => Op::Compact,
            Request::WatchCreate(_) => Op::WatchCreate,
            Request::WatchCancel(_) => Op::WatchCancel,
            Request::WatchProgress(_) => Op::WatchProgress,
            Request::WatchResponse(_) => Op::WatchResponse,
            Request::WatchEnd(_) => Op::WatchEnd,
            Request::Quiesced(_) => Op::Quiesced,
            Request::LeaseGrant(_) => Op::LeaseGrant,
            Request::LeaseRevoke(_) => Op::LeaseRevoke,
            Request::LeaseKeepAlive(_) => Op::LeaseKeepAlive,
            Request::LeaseTimeToLive(_) => Op::LeaseTimeToLive,
            Request::LeaseLeases(_) => Op::LeaseLeases,
        }
    }
}

/// The answer in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To `range`.
    Range(RangeResponse),
    /// To `put`.
    Put(PutResponse),
    /// To `delete_range`.
    DeleteRange(DeleteRangeResponse),
    /// To `txn`.
    Txn(TxnResponse),
    /// To `compact`.
    Compact(CompactResponse),
    /// To `lease_grant`.
    LeaseGrant(LeaseGrantResponse),
    /// To `lease_revoke`.
    LeaseRevoke(LeaseRevokeResponse),
    /// To `lease_keep_alive`.
    LeaseKeepAlive(LeaseKeepAliveResponse),
    /// To `lease_time_to_live`.
    LeaseTimeToLive(LeaseTimeToLiveResponse),
    /// To `lease_leases`.
    LeaseLeases(LeaseLeasesResponse),
    /// A response that arrived on a watch stream.
    Watch(WatchResponse),
    /// An error instead of the answer to any request.
    Error(ErrorAnswer),
}

impl Response {
    /// The header of the answer, if one was recorded. An error has no header.
    pub fn header(&self) -> Option<Header> {
        match self {
            Response::Range(range) => range.header,
            Response::Put(put) => put.header,
            Response::DeleteRange(delete) => delete.header,
            Response::Txn(txn) => txn.header,
            Response::Compact(compact) => compact.header,
            Response::LeaseGrant(answer) => answer.header,
            Response::LeaseRevoke(answer) => answer.header,
            Response::LeaseKeepAlive(answer) => answer.header,
            Response::LeaseTimeToLive(answer) => answer.header,
            Response::LeaseLeases(answer) => answer.header,
            Response::Watch(watch) => Some(watch.header),
            Response::Error(_) => None,
        }
    }
}

/// An error answer from the server, or from the transport on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// The gRPC code's name: `OutOfRange`.
    pub code: String,
    /// The error text.
    #[serde(default)]
    pub message: String,
}

/// The record of something on a watch stream, before it is said what.
#[derive(Clone, Copy, Debug)]
pub struct OnStream {
    /// The record's number.
    pub id: u64,
    /// The client.
    pub process: u64,
    /// The member at the other end.
    pub member: u64,
    /// The time, in nanoseconds.
    pub at_ns: u64,
    /// The recorder's number of the stream.
    pub stream: u64,
}

impl Record {
    /// A request that has just been sent. Its outcome is unknown until [`Record::ok`],
    /// [`Record::failed`] or [`Record::unknown`] sets it.
    pub fn called(id: u64, process: u64, member: u64, call_ns: u64, request: Request) -> Self {
        Record {
            id,
            process,
            member,
            connection: 0,
            call_ns,
            return_ns: None,
            outcome: Outcome::Unknown,
            request,
            response: None,
        }
    }

    /// Sets the connection.
    #[must_use]
    pub fn on_connection(mut self, connection: u64) -> Self {
        self.connection = connection;
        self
    }

    /// The operation was answered.
    #[must_use]
    pub fn ok(mut self, return_ns: u64, response: Response) -> Self {
        self.return_ns = Some(return_ns);
        self.outcome = Outcome::Ok;
        self.response = Some(response);
        self
    }

    /// The operation certainly did not take effect; see [`outcome_of`](super::outcome_of).
    #[must_use]
    pub fn failed(mut self, return_ns: u64, error: ErrorAnswer) -> Self {
        self.return_ns = Some(return_ns);
        self.outcome = Outcome::Fail;
        self.response = Some(Response::Error(error));
        self
    }

    /// The operation may take effect at any time, or never.
    #[must_use]
    pub fn unknown(mut self, error: ErrorAnswer) -> Self {
        self.return_ns = None;
        self.outcome = Outcome::Unknown;
        self.response = Some(Response::Error(error));
        self
    }

    /// A request on a watch stream (`watch_create`, `watch_cancel`, `watch_progress`). Later
    /// `watch_response` records answer it, if anything does.
    pub fn sent(id: u64, process: u64, member: u64, at_ns: u64, request: Request) -> Self {
        let mut record = Record::called(id, process, member, at_ns, request);
        record.return_ns = Some(at_ns);
        record.outcome = Outcome::Ok;
        record
    }

    /// A response that arrived on a watch stream.
    pub fn watch_response(on: OnStream, response: WatchResponse) -> Self {
        let OnStream { id, process, member, at_ns, stream } = on;
        let request = Request::WatchResponse(StreamRef { stream });
        Record::called(id, process, member, at_ns, request).ok(at_ns, Response::Watch(response))
    }

    /// No fault was in effect from `from_ns` to `to_ns`, and the recorder read its streams
    /// meanwhile.
    pub fn quiesced(id: u64, from_ns: u64, to_ns: u64) -> Self {
        let request = Request::Quiesced(QuiescedRequest::default());
        let mut record = Record::sent(id, 0, 0, from_ns, request);
        record.return_ns = Some(to_ns);
        record
    }

    /// The end of a watch stream, with an error or without.
    pub fn watch_end(on: OnStream, error: Option<ErrorAnswer>) -> Self {
        let OnStream { id, process, member, at_ns, stream } = on;
        let request = Request::WatchEnd(StreamRef { stream });
        let mut record = Record::sent(id, process, member, at_ns, request);
        record.response = error.map(Response::Error);
        record
    }
}

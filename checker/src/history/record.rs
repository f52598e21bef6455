//! One line of a history: an operation with its times, or something seen on a watch stream.

use serde::{Deserialize, Serialize};

use super::{
    CompactRequest, CompactResponse, DeleteRangeRequest, DeleteRangeResponse, Header,
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRequest, LeaseRevokeResponse, LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse, Op, Origin, PlainOp, PutRequest, PutResponse, QuiescedRequest,
    RangeRequest, RangeResponse, StreamRef, TxnRequest, TxnResponse, WatchCancelRequest,
    WatchCreateRequest, WatchResponse,
};

/// Everything that clients recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Where it comes from.
    pub origin: Origin,
    /// In the order of the file; the checker relies on the times, not on this order.
    pub records: Vec<Record>,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was answered.
    Ok,
    /// It certainly did not happen.
    Fail,
    /// Nobody knows.
    Unknown,
}

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Unique in the history.
    pub id: u64,
    /// The sequential client.
    pub process: u64,
    /// The member that was asked, 1-based; 0 if not known.
    pub member: u64,
    /// Which connection to that member; a number of the recorder's own, 0 if not known. A
    /// connection is to one life of one member.
    pub connection: u64,
    /// When it was called, in nanoseconds.
    pub call_ns: u64,
    /// When it was answered; None if it never was.
    pub return_ns: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was asked.
    pub request: Request,
    /// What was answered; None for what has no answer, or none that is known.
    pub response: Option<Response>,
}

/// What a client asked, or which watch stream a line speaks of.
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
    /// `watch_response`: what arrived is the record's response.
    WatchResponse(StreamRef),
    /// `watch_end`: the stream is over; the record's response may say with which error.
    WatchEnd(StreamRef),
    /// `quiesced`: nothing was wrong between the record's times.
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
    /// The puts with a lease that it may do, whichever way its conditions go.
    pub(crate) fn lease_puts(&self) -> Vec<&PutRequest> {
        let puts = self.ops().filter_map(|op| match op {
            PlainOp::Put(put) if put.lease != 0 => Some(put),
            _ => None,
        });
        puts.collect()
    }

    /// Which kind.
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

/// What was answered.
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
    /// What arrived on a stream.
    Watch(WatchResponse),
    /// To anything, instead of the answer.
    Error(ErrorAnswer),
}

impl Response {
    /// The answer's header, where one was recorded; an error has none.
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

/// An error answer of the server, or of the transport on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// The gRPC code's name: `OutOfRange`.
    pub code: String,
    /// Its text.
    #[serde(default)]
    pub message: String,
}

impl Record {
    /// A request that has just been sent: its outcome is unknown until one of [`Record::ok`],
    /// [`Record::failed`] or [`Record::unknown`] says otherwise.
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

    /// On which connection it was asked.
    #[must_use]
    pub fn on_connection(mut self, connection: u64) -> Self {
        self.connection = connection;
        self
    }

    /// It was answered.
    #[must_use]
    pub fn ok(mut self, return_ns: u64, response: Response) -> Self {
        self.return_ns = Some(return_ns);
        self.outcome = Outcome::Ok;
        self.response = Some(response);
        self
    }

    /// It certainly did not happen; see [`outcome_of`](super::outcome_of).
    #[must_use]
    pub fn failed(mut self, return_ns: u64, error: ErrorAnswer) -> Self {
        self.return_ns = Some(return_ns);
        self.outcome = Outcome::Fail;
        self.response = Some(Response::Error(error));
        self
    }

    /// Nobody knows whether it happened or will happen.
    #[must_use]
    pub fn unknown(mut self, error: ErrorAnswer) -> Self {
        self.return_ns = None;
        self.outcome = Outcome::Unknown;
        self.response = Some(Response::Error(error));
        self
    }

    /// Something the client sent on a watch stream (`watch_create`, `watch_cancel`,
    /// `watch_progress`): answered, if at all, by later `watch_response` records.
    pub fn sent(id: u64, process: u64, member: u64, at_ns: u64, request: Request) -> Self {
        let mut record = Record::called(id, process, member, at_ns, request);
        record.return_ns = Some(at_ns);
        record.outcome = Outcome::Ok;
        record
    }

    /// A response that arrived on watch stream `stream`.
    pub fn watch_response(
        id: u64,
        process: u64,
        member: u64,
        at_ns: u64,
        (stream, response): (u64, WatchResponse),
    ) -> Self {
        let request = Request::WatchResponse(StreamRef { stream });
        Record::called(id, process, member, at_ns, request).ok(at_ns, Response::Watch(response))
    }

    /// From `from_ns` to `to_ns` nothing was wrong, and the recorder waited.
    pub fn quiesced(id: u64, from_ns: u64, to_ns: u64) -> Self {
        let request = Request::Quiesced(QuiescedRequest::default());
        let mut record = Record::sent(id, 0, 0, from_ns, request);
        record.return_ns = Some(to_ns);
        record
    }

    /// Watch stream `stream` is over, with an error or without.
    pub fn watch_end(
        id: u64,
        process: u64,
        member: u64,
        at_ns: u64,
        (stream, error): (u64, Option<ErrorAnswer>),
    ) -> Self {
        let request = Request::WatchEnd(StreamRef { stream });
        let mut record = Record::sent(id, process, member, at_ns, request);
        record.response = error.map(Response::Error);
        record
    }
}

//! Histories: operations and watch streams as clients recorded them, and their file format (history
//! v1).
//!
//! A history file is newline-delimited JSON. Its first line says where it comes from
//! (`{"version":1,"seed":7,"scenario":"faults/x"}`; `seed` and `scenario` may be absent), every
//! other line is one [`Record`]:
//!
//! ```json
//! {"id":3,"process":1,"member":2,"op":"put","call_ns":1000,"return_ns":2500,"outcome":"ok",
//!  "request":{"key":"/a","value":"v1"},"response":{"header":{"revision":2}}}
//! ```
//!
//! (one line in the file). The names inside `request` and `response` are those of etcd's protocol;
//! a field that has its zero value may be left out. Keys and values are JSON strings, or
//! `{"base64":"…"}` when they are not UTF-8.
//!
//! * `op`: `range`, `put`, `delete_range`, `txn`, `compact`; `lease_grant`, `lease_revoke`,
//!   `lease_keep_alive` (one record per renewal), `lease_time_to_live`, `lease_leases`. For watch
//!   streams: `watch_create`, `watch_cancel`, `watch_progress` (sent by the client),
//!   `watch_response` (one line per response, `return_ns` is its arrival), `watch_end` (the stream
//!   is over). And `quiesced` ([`QuiescedRequest`]): no fault was in effect, and everything due had
//!   time to arrive.
//! * A line `{"called_before_ns":5000}` promises that every record called before that moment stands
//!   above it; a line `{"end":true}` promises that nothing follows.
//! * `outcome`: `ok`, `fail` (certainly did not take effect: see [`outcome_of`]) or `unknown`
//!   (`return_ns` is then null or absent: the operation may take effect at any time, or never).
//! * A `fail` carries `"response":{"error":{"code":"OutOfRange","message":"…"}}`.
//! * All times are nanoseconds of one clock. A process is sequential: it calls only after its last
//!   call returned, and an unknown outcome ends the process. Records of watch streams are exempt.
//!
//! A recording client builds a record with [`Record::called`] and one of [`Record::ok`],
//! [`Record::failed`] and [`Record::unknown`].

pub mod binary;
mod blob;
mod compare;
mod kv;
mod lease;
mod op;
mod origin;
mod outcome;
mod parse;
mod quiet;
mod read;
mod record;
mod role;
#[cfg(test)]
mod tests;
mod valid;
mod visit;
mod watch;
pub mod weight;
mod write;

pub use blob::Blob;
pub use compare::{Compare, CompareResult, Operand};
pub use kv::{
    CompactRequest, CompactResponse, DeleteRangeRequest, DeleteRangeResponse, Header, KeyValue,
    PutRequest, PutResponse, RangeRequest, RangeResponse, RequestOp, ResponseOp, SortOrder,
    SortTarget, TxnRequest, TxnResponse,
};
pub use lease::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRequest, LeaseRevokeResponse, LeaseStatus, LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
};
pub use op::{Op, OpKind};
pub(crate) use origin::Recorded;
pub use origin::{Field, Origin};
pub(crate) use outcome::code_of;
pub use outcome::{REFUSALS, outcome_of};
pub use quiet::QuiescedRequest;
pub use read::{Limits, Line, Lines, ReadError, Reader, read_file, read_stream};
pub use record::{ErrorAnswer, History, OnStream, Outcome, Record, Request, Response};
pub use role::EXPIRY_PROCESS;
pub(crate) use role::{Role, is_local, is_revocation, makes_revision, role};
pub use visit::{PlainAnswer, PlainOp, TxnPart};
pub use watch::{
    Event, EventType, IsCreate, StreamRef, WatchCancelRequest, WatchCreateRequest, WatchFilter,
    WatchResponse,
};
pub use write::Writer;

/// Whether a field has its zero value; the file leaves such fields out.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

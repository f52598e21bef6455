//! What each record is to the order of writes: which revision it made or saw, if any.

use super::{Header, Op, Outcome, PlainAnswer, Record, Request, RequestOp, Response, TxnResponse};

/// The process of an end of a lease that nobody asked for.
pub const EXPIRY_PROCESS: u64 = u64::MAX;

/// What a record is to the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It made a revision.
    Mutator(i64),
    /// It saw a revision of the quorum.
    Observer(i64),
    /// It saw a revision of one member's own store.
    Local(i64),
    /// A write that perhaps happened.
    Unknown,
    /// Done, or perhaps done.
    Compaction,
    /// A definite error.
    Error,
    /// Nothing: a read without an answer, something of a watch stream.
    Nothing,
    /// An answer without a revision.
    NoRevision,
}

/// Whether a request is answered from one member's own store, which may lag behind.
///
/// # Source
/// etcd `server/etcdserver/txn`, `IsTxnSerializable`: a transaction of serializable ranges only,
/// in both its lists, is; and so is one without any operation.
pub(crate) fn is_local(request: &Request) -> bool {
    match request {
        Request::Range(range) => range.serializable,
        Request::Txn(txn) => {
            let mut ops = txn.success.iter().chain(&txn.failure);
            ops.all(|op| matches!(op, RequestOp::Range(range) if range.serializable))
        }
        _ => false,
    }
}

/// Whether an operation asks a member what it knows of leases, in no order with the writes.
fn is_about_leases(request: &Request) -> bool {
    let op = request.op();
    matches!(op, Op::LeaseKeepAlive | Op::LeaseTimeToLive | Op::LeaseLeases)
}

pub(crate) fn is_revocation(record: &Record) -> bool {
    matches!(record.request, Request::LeaseRevoke(_))
}

fn writes(response: &TxnResponse) -> bool {
    response.answers().any(|answer| match answer {
        PlainAnswer::Range(_) => false,
        PlainAnswer::Put(_) => true,
        PlainAnswer::DeleteRange(delete) => delete.deleted > 0,
    })
}

/// What a record is to the order, from its request and its answer.
pub(crate) fn role(record: &Record) -> Role {
    match (&record.request, record.outcome) {
        (request, _) if !request.op().is_operation() => Role::Nothing,
        (Request::Compact(_), Outcome::Ok | Outcome::Unknown) => Role::Compaction,
        (_, Outcome::Fail) => Role::Error,
        (request, _) if is_about_leases(request) => Role::Nothing,
        (Request::Range(_) | Request::LeaseGrant(_), Outcome::Unknown) => Role::Nothing,
        (Request::Txn(txn), Outcome::Unknown) if !txn.may_write() => Role::Nothing,
        (_, Outcome::Unknown) => Role::Unknown,
        (_, Outcome::Ok) => answered(record).unwrap_or(Role::NoRevision),
    }
}

fn answered(record: &Record) -> Option<Role> {
    let revision = |header: Option<Header>| header.map(|header| header.revision);
    Some(match record.response.as_ref()? {
        Response::Range(range) if is_local(&record.request) => Role::Local(revision(range.header)?),
        Response::Range(range) => Role::Observer(revision(range.header)?),
        Response::Put(put) => Role::Mutator(revision(put.header)?),
        Response::DeleteRange(delete) if delete.deleted > 0 => {
            Role::Mutator(revision(delete.header)?)
        }
        Response::DeleteRange(delete) => Role::Observer(revision(delete.header)?),
        Response::Txn(txn) if is_local(&record.request) => Role::Local(revision(txn.header)?),
        Response::Txn(txn) if writes(txn) => Role::Mutator(revision(txn.header)?),
        Response::Txn(txn) => Role::Observer(revision(txn.header)?),
        Response::LeaseGrant(grant) => Role::Observer(revision(grant.header)?),
        Response::LeaseRevoke(revoke) => Role::Observer(revision(revoke.header)?),
        _ => return None,
    })
}

/// Whether an answer says that its operation made the revision it names.
pub(crate) fn makes_revision(record: &Record) -> bool {
    matches!(role(record), Role::Mutator(_))
}

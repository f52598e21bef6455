//! The role of each record in the order of writes: the revision that it made or read, if any.

use super::{Header, Op, Outcome, PlainAnswer, Record, Request, RequestOp, Response, TxnResponse};

/// The process of a lease's expiry, which no client asked for.
pub const EXPIRY_PROCESS: u64 = u64::MAX;

/// The role of a record in the order of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A write that made this revision.
    Mutator(i64),
    /// A linearizable read of this revision.
    Observer(i64),
    /// A serializable read of this revision, from one member's own store.
    Local(i64),
    /// An indeterminate write: it may have taken effect.
    Unknown,
    /// A compaction, done or indeterminate.
    Compaction,
    /// A definite error.
    Error,
    /// No role: an indeterminate read, or a record of a watch stream.
    Nothing,
    /// The answer names no revision.
    NoRevision,
}

/// Whether a member answers the request from its own store, which may lag behind.
///
/// # Source etcd `server/etcdserver/txn`, `IsTxnSerializable`: a transaction is local if both its
/// lists hold serializable ranges only; a transaction without operations is local too.
#[inline]
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

/// Whether the operation asks a member about leases: its answer has no place in the order of
/// writes.
#[inline]
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

/// The role of a record, from its request and its answer.
#[inline]
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

#[inline]
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

/// Whether the answer shows that the operation made the revision that it names.
pub(crate) fn makes_revision(record: &Record) -> bool {
    matches!(role(record), Role::Mutator(_))
}

//! The one table from a refusal to its gRPC code and etcd's exact text; clients match on both.

use tonic::{Code, Status};

use crate::command::Rejected;
use crate::node::NodeError;

/// Why a request has no answer but this.
///
/// # Source
/// etcd `rpctypes/error.go`, for codes and texts alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A key is empty.
    EmptyKey,
    /// `ignore_value` or `ignore_lease` without a key that is there, or an operation that is none.
    KeyNotFound,
    /// `ignore_value` with a value.
    ValueProvided,
    /// `ignore_lease` with a lease.
    LeaseProvided,
    /// A sort order or target that does not exist.
    InvalidSortOption,
    /// A comparison whose target or result does not exist. etcd itself lets these through.
    InvalidCompare,
    /// A transaction longer or deeper than allowed.
    TooManyOps,
    /// A transaction that changes a key twice.
    DuplicateKey,
    /// More bytes than a request may have.
    RequestTooLarge,
    /// The revision asked for is gone.
    Compacted,
    /// The revision asked for is not there yet.
    FutureRevision,
    /// The lease to attach to does not exist.
    LeaseNotFound,
    /// The backend is over its quota.
    NoSpace,
    /// Nobody leads.
    NoLeader,
    /// No answer from the cluster in time.
    Timeout,
    /// The member is stopping.
    Stopped,
    /// More is waiting than the member takes.
    TooManyRequests,
    /// The health of a service that is not known was asked for.
    UnknownService,
    /// The call is part of the API but not done yet.
    Unimplemented,
}

impl Refusal {
    /// The code and the text.
    pub const fn code_and_text(self) -> (Code, &'static str) {
        use Code::{InvalidArgument, NotFound, OutOfRange, ResourceExhausted, Unavailable};
        match self {
            Refusal::EmptyKey => (InvalidArgument, "etcdserver: key is not provided"),
            Refusal::KeyNotFound => (InvalidArgument, "etcdserver: key not found"),
            Refusal::ValueProvided => (InvalidArgument, "etcdserver: value is provided"),
            Refusal::LeaseProvided => (InvalidArgument, "etcdserver: lease is provided"),
            Refusal::InvalidSortOption => (InvalidArgument, "etcdserver: invalid sort option"),
            Refusal::InvalidCompare => (InvalidArgument, "etcdserver: invalid compare"),
            Refusal::TooManyOps => {
                (InvalidArgument, "etcdserver: too many operations in txn request")
            }
            Refusal::DuplicateKey => {
                (InvalidArgument, "etcdserver: duplicate key given in txn request")
            }
            Refusal::RequestTooLarge => (InvalidArgument, "etcdserver: request is too large"),
            Refusal::Compacted => {
                (OutOfRange, "etcdserver: mvcc: required revision has been compacted")
            }
            Refusal::FutureRevision => {
                (OutOfRange, "etcdserver: mvcc: required revision is a future revision")
            }
            Refusal::LeaseNotFound => (NotFound, "etcdserver: requested lease not found"),
            Refusal::NoSpace => (ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
            Refusal::NoLeader => (Unavailable, "etcdserver: no leader"),
            Refusal::Timeout => (Unavailable, "etcdserver: request timed out"),
            Refusal::Stopped => (Unavailable, "etcdserver: server stopped"),
            Refusal::TooManyRequests => (ResourceExhausted, "etcdserver: too many requests"),
            Refusal::UnknownService => (NotFound, "unknown service"),
            Refusal::Unimplemented => (Code::Unimplemented, "not implemented"),
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        let (code, text) = refusal.code_and_text();
        Status::new(code, text)
    }
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Refusal {
        match rejected {
            Rejected::Compacted => Refusal::Compacted,
            Rejected::FutureRevision => Refusal::FutureRevision,
            Rejected::LeaseNotFound => Refusal::LeaseNotFound,
            Rejected::KeyNotFound => Refusal::KeyNotFound,
            Rejected::NoSpace => Refusal::NoSpace,
        }
    }
}

impl From<NodeError> for Refusal {
    fn from(error: NodeError) -> Refusal {
        match error {
            NodeError::NoLeader => Refusal::NoLeader,
            NodeError::Timeout => Refusal::Timeout,
            NodeError::Stopped => Refusal::Stopped,
            NodeError::TooManyRequests => Refusal::TooManyRequests,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::Refusal;

    /// Clients match on these: change one only when etcd does.
    #[test]
    fn every_refusal_has_etcds_code_and_text() {
        let all = [
            Refusal::EmptyKey,
            Refusal::KeyNotFound,
            Refusal::ValueProvided,
            Refusal::LeaseProvided,
            Refusal::InvalidSortOption,
            Refusal::InvalidCompare,
            Refusal::TooManyOps,
            Refusal::DuplicateKey,
            Refusal::RequestTooLarge,
            Refusal::Compacted,
            Refusal::FutureRevision,
            Refusal::LeaseNotFound,
            Refusal::NoSpace,
            Refusal::NoLeader,
            Refusal::Timeout,
            Refusal::Stopped,
            Refusal::TooManyRequests,
            Refusal::UnknownService,
            Refusal::Unimplemented,
        ];
        let lines = all.map(Refusal::code_and_text).map(|(code, text)| format!("{code:?}: {text}"));
        expect![[r"
            InvalidArgument: etcdserver: key is not provided
            InvalidArgument: etcdserver: key not found
            InvalidArgument: etcdserver: value is provided
            InvalidArgument: etcdserver: lease is provided
            InvalidArgument: etcdserver: invalid sort option
            InvalidArgument: etcdserver: invalid compare
            InvalidArgument: etcdserver: too many operations in txn request
            InvalidArgument: etcdserver: duplicate key given in txn request
            InvalidArgument: etcdserver: request is too large
            OutOfRange: etcdserver: mvcc: required revision has been compacted
            OutOfRange: etcdserver: mvcc: required revision is a future revision
            NotFound: etcdserver: requested lease not found
            ResourceExhausted: etcdserver: mvcc: database space exceeded
            Unavailable: etcdserver: no leader
            Unavailable: etcdserver: request timed out
            Unavailable: etcdserver: server stopped
            ResourceExhausted: etcdserver: too many requests
            NotFound: unknown service
            Unimplemented: not implemented
        "]]
        .assert_eq(&(lines.join("\n") + "\n"));
    }
}

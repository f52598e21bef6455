//! The closed table of error answers after which a request has certainly not happened.

use super::Outcome;

/// `(code, text)` of the answers that validation or apply gives instead of doing the request.
/// Codes are spelled as in gRPC (`InvalidArgument`), texts as etcd sends them.
pub const REFUSALS: &[(&str, &str)] = &[
    ("InvalidArgument", "etcdserver: key is not provided"),
    ("InvalidArgument", "etcdserver: key not found"),
    ("InvalidArgument", "etcdserver: value is provided"),
    ("InvalidArgument", "etcdserver: lease is provided"),
    ("InvalidArgument", "etcdserver: too many operations in txn request"),
    ("InvalidArgument", "etcdserver: duplicate key given in txn request"),
    ("InvalidArgument", "etcdserver: invalid sort option"),
    ("InvalidArgument", "etcdserver: request is too large"),
    ("OutOfRange", "etcdserver: mvcc: required revision has been compacted"),
    ("OutOfRange", "etcdserver: mvcc: required revision is a future revision"),
    ("ResourceExhausted", "etcdserver: mvcc: database space exceeded"),
    ("NotFound", "etcdserver: requested lease not found"),
    ("FailedPrecondition", "etcdserver: lease already exists"),
    ("OutOfRange", "etcdserver: too large lease TTL"),
    ("PermissionDenied", "etcdserver: permission denied"),
    ("InvalidArgument", "etcdserver: user name is empty"),
    ("Unauthenticated", "etcdserver: invalid auth token"),
    ("DataLoss", "etcdserver: corrupt cluster"),
];

/// The outcome that an error answer leaves: [`Outcome::Fail`] for the answers in the closed table,
/// which validation or apply give. Every other answer (unavailable, deadline, cancelled, no leader,
/// leader changed, timed out, any unlisted text) leaves [`Outcome::Unknown`].
///
/// `code` is the gRPC code's name (`OutOfRange`, which is how tonic's `Code` prints with `{:?}`).
/// A request that was never put on the wire is [`Outcome::Fail`] too, but only its sender knows.
pub fn outcome_of(code: &str, message: &str) -> Outcome {
    if REFUSALS.contains(&(code, message)) { Outcome::Fail } else { Outcome::Unknown }
}

/// The gRPC code of a text of the closed table.
pub(crate) fn code_of(message: &str) -> Option<&'static str> {
    REFUSALS.iter().find(|(_, text)| *text == message).map(|(code, _)| *code)
}

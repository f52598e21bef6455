//! From hyper's and h2's errors to a gRPC status, and the mark of a request that never left.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use tonic::{Code, Status};

/// The source of a status whose request was certainly not put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request was never sent")]
pub struct NeverSent;

/// Whether it is certain that the request of this failed call never left this process.
pub fn never_sent(status: &Status) -> bool {
    status.source().and_then(<dyn Error>::downcast_ref::<NeverSent>).is_some()
}

/// Marks a status: its request never left.
pub(super) fn mark_never_sent(mut status: Status) -> Status {
    status.set_source(Arc::new(NeverSent));
    status
}

/// The status of a call whose connection or stream broke.
///
/// # Source
/// gRPC over HTTP/2, "Errors": the table from RST_STREAM codes to status codes.
pub(super) fn status(error: &hyper::Error) -> Status {
    let code = match h2_reason(error) {
        Some(h2::Reason::CANCEL) => Code::Cancelled,
        Some(h2::Reason::ENHANCE_YOUR_CALM) => Code::ResourceExhausted,
        _ => Code::Unavailable,
    };
    Status::new(code, chain(error))
}

fn h2_reason(error: &hyper::Error) -> Option<h2::Reason> {
    let mut next: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = next {
        if let Some(h2) = error.downcast_ref::<h2::Error>() {
            return h2.reason();
        }
        next = error.source();
    }
    None
}

/// The error with its causes, `outer: inner`.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    struct Chain<'a>(&'a (dyn Error + 'static));
    impl fmt::Display for Chain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)?;
            self.0.source().map_or(Ok(()), |cause| write!(f, ": {}", Chain(cause)))
        }
    }
    Chain(error).to_string()
}

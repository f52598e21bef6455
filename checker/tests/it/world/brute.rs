//! Brute force: every order that real time allows is tried.

use mettle_checker::history::{Outcome, Record, Response};

/// A server at some moment.
pub(crate) trait Server: Clone {
    /// Whether a record may come next; does it.
    fn fits(&mut self, record: &Record) -> bool;
}

/// Whether some order fits. `left` are the operations not yet ordered.
pub(crate) fn brute<S: Server>(server: &S, left: &[&Record]) -> bool {
    if left.iter().all(|record| record.outcome == Outcome::Unknown) {
        return true;
    }
    let horizon = left.iter().filter_map(|record| record.return_ns).min().unwrap_or(u64::MAX);
    left.iter().enumerate().any(|(place, record)| {
        if record.call_ns > horizon {
            return false;
        }
        let mut next = server.clone();
        if !next.fits(record) {
            return false;
        }
        let mut rest = left.to_vec();
        rest.remove(place);
        brute(&next, &rest)
    })
}

/// Whether a record fits a server that refuses it, or does not; None if it must be done to say.
pub(crate) fn refused(refusal: Option<&'static str>, record: &Record) -> Option<bool> {
    match &record.response {
        Some(Response::Error(error)) if record.outcome == Outcome::Fail => {
            Some(refusal == Some(error.message.as_str()))
        }
        _ => refusal.map(|_| false),
    }
}

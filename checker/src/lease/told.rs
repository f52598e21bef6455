//! The life of a lease in words: who was granted it when and for how long, who kept it alive last,
//! and when it could first end by itself.

use std::fmt::Write as _;

use super::gather::{Lease, granted};
use crate::history::{Outcome, Record};
use crate::words;

/// `by c1 at 0.100000 s`, the moment of the call.
pub(super) fn asked(record: &Record) -> String {
    format!("{} at {}", words::describe(record), words::time(record.call_ns))
}

/// `answered at 0.120000 s`: when it was, in the middle of a sentence.
pub(super) fn at(record: &Record) -> String {
    match record.return_ns {
        Some(return_ns) => format!("answered at {}", words::time(return_ns)),
        None => format!("called at {} and never answered", words::time(record.call_ns)),
    }
}

impl<'a> Lease<'a> {
    /// `the lease was granted to c1 for 5 s at 0.100000 s and kept alive last by c2 for 5 s at
    /// 2.100000 s; …, its earliest legal end is 7.000000 s`, and the records that this rests on.
    pub(super) fn life(&self, tolerance_ns: u64) -> (String, Vec<&'a Record>) {
        let Some(grant) = self.grants.first() else {
            return ("the recording does not show its grant".to_owned(), Vec::new());
        };
        let mut told = vec![*grant];
        let when = words::time(grant.call_ns);
        let to = words::who(grant.process);
        let length = match granted(grant) {
            0 => "a time that was not recorded".to_owned(),
            seconds => format!("{seconds} s"),
        };
        let mut text = if grant.outcome == Outcome::Ok {
            format!("the lease was granted to {to} for {length} at {when}")
        } else {
            format!("{to} asked for the lease for {length} at {when} and was not answered")
        };
        if let Some(end) = self.revoked() {
            let _ = write!(text, " and revoked by {}, {}", words::who(end.process), at(end));
            told.push(end);
            return (text, told);
        }
        let Some((end, Some(since))) = self.expires(tolerance_ns) else { return (text, told) };
        if since.id == grant.id {
            text += " and not kept alive later;";
        } else {
            let ttl = self.renewals.iter().find(|(renewal, _)| renewal.id == since.id);
            let _ = write!(
                text,
                " and kept alive last by {} for {} s at {};",
                words::who(since.process),
                ttl.map_or(0, |(_, ttl)| *ttl),
                words::time(since.call_ns)
            );
            told.push(since);
        }
        text += " counted from that call";
        if tolerance_ns > 0 {
            let _ = write!(text, " less {} for clocks that differ", words::duration(tolerance_ns));
        }
        let _ = write!(text, ", its earliest legal end is {}", words::time(end));
        (text, told)
    }
}

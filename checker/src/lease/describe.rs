//! Describes the life of a lease: its grant, its last renewal, and its earliest legal end.

use std::fmt::Write as _;

use super::gather::revision;
use super::life::{Expiry, Lease, granted};
use crate::history::{Outcome, Record};
use crate::words;

/// `by c1 at 0.100000 s`, the moment of the call.
pub(super) fn asked(record: &Record) -> String {
    format!("{} at {}", words::describe(record), words::time(record.call_ns))
}

/// `answered at 0.120000 s`, for the middle of a sentence.
pub(crate) fn at(record: &Record) -> String {
    format!("answered at {}", words::time(record.return_ns.unwrap_or(record.call_ns)))
}

impl<'a> Lease<'a> {
    /// `the lease was granted to c1 for 5 s at 0.100000 s and kept alive last by c2 for 5 s at
    /// 2.100000 s; …, its earliest legal end is 7.000000 s`, and the records that the text rests
    /// on.
    pub(crate) fn life(&self, tolerance_ns: u64) -> (String, Vec<&'a Record>) {
        let mut told: Vec<&Record> = self.grants.first().copied().into_iter().collect();
        let mut text = match self.grants.first() {
            Some(grant) => granting(grant),
            None => "the recording does not show who was granted the lease".to_owned(),
        };
        if let Some(end) = self.revoked() {
            let _ = write!(text, ", and revoked by {}, {}", words::who(end.process), at(end));
            told.push(end);
            return (text, told);
        }
        let Some(Expiry { at_ns: end, since: Some(since) }) = self.expires(tolerance_ns) else {
            return (text, told);
        };
        let renewal = self.renewals.iter().find(|(renewal, _)| renewal.id == since.id);
        if let Some((renewal, ttl)) = renewal {
            let (who, when) = (words::who(renewal.process), words::time(renewal.call_ns));
            let _ = write!(text, ", and kept alive last by {who} for {ttl} s at {when};");
            told.push(renewal);
        } else {
            text += ", and not kept alive later;";
        }
        text += " counted from that call";
        if tolerance_ns > 0 {
            let _ = write!(text, ", less {} for clocks that differ", words::duration(tolerance_ns));
        }
        let _ = write!(text, ", its earliest legal end is {}", words::time(end));
        (text, told)
    }
}

/// `the lease was granted to c1 for 5 s at 0.100000 s`
fn granting(grant: &Record) -> String {
    let (who, when) = (words::who(grant.process), words::time(grant.call_ns));
    match (granted(grant), grant.outcome) {
        (0, _) => format!("the lease was granted to {who} at {when}, for a time not recorded"),
        (ttl, Outcome::Ok) => format!("the lease was granted to {who} for {ttl} s at {when}"),
        (ttl, _) => format!("{who} asked for the lease for {ttl} s at {when}, got no answer"),
    }
}

/// Text: a lease was used before its grant.
pub(super) fn not_yet(early: &Record, grant: &Record) -> String {
    let from = match revision(early) {
        0 => String::new(),
        revision => format!(" from revision {revision}"),
    };
    let to = if grant.outcome == Outcome::Ok && revision(early) > 0 {
        format!(" at revision {}", revision(grant))
    } else {
        String::new()
    };
    format!(
        "{} was {}{from}, but there was no such lease yet: {} came later{to} ({})",
        words::describe(early),
        at(early),
        words::describe(grant),
        words::relative(grant, early)
    )
}

/// Text: a put with a lease came before the grant.
pub(super) fn too_early(put: &Record, made: i64, grant: &Record) -> String {
    let granted = if grant.outcome == Outcome::Ok {
        format!(" found the store at revision {} already", revision(grant))
    } else {
        " was not called by then".to_owned()
    };
    format!(
        "{} was acknowledged at revision {made}, but there was no such lease yet: {}{granted} ({})",
        words::describe(put),
        words::describe(grant),
        words::relative(grant, put)
    )
}

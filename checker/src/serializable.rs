//! Checks reads that a member answered from its own store: they may be old, but never wrong.

use std::fmt::Write as _;

use crate::history::Record;
use crate::linearizability::local_answer;
use crate::linearizability::ops::Ops;
use crate::model::{Mismatch, Scope, Store};
use crate::verdict::{Verdict, Violation};
use crate::words;

/// The checker's name.
pub(crate) const SERIALIZABLE: &str = "serializable";

/// Checks serializable answers that name a revision up to `up_to`: the revision exists, and the
/// answer is the store's content at that revision.
pub(crate) fn serializable(ops: &Ops<'_>, store: &Store, up_to: i64) -> Verdict {
    for (revision, place) in ops.locals.all().iter().take_while(|local| local.0 <= up_to) {
        let record = ops.record(*place);
        let broken = |reason: String, mut evidence: Vec<u64>| {
            evidence.insert(0, record.id);
            let revision = Some(*revision);
            Verdict::Broken(Violation { checker: SERIALIZABLE, reason, evidence, revision })
        };
        if *revision < 1 || *revision > store.revision() {
            let reason = format!(
                "{} was answered by member {} from revision {revision}, which no write made: the \
                 last of the whole recording is {}",
                words::describe(record),
                record.member,
                store.revision()
            );
            return broken(reason, Vec::new());
        }
        if *revision < store.floor() {
            continue; // nobody recorded what was there
        }
        let writer = ops.mutator(*revision).map(|writer| ops.record(writer));
        if let Some(writer) = writer.filter(|writer| Some(writer.call_ns) > record.return_ns) {
            let reason = format!(
                "{} was answered by member {} from revision {revision}, {} before {}, which made it, \
                 was called",
                words::describe(record),
                record.member,
                words::duration(writer.call_ns - record.return_ns.unwrap_or(writer.call_ns)),
                words::describe(writer)
            );
            return broken(reason, vec![writer.id]);
        }
        if let Err(mismatch) = local_answer(ops, *place, store.at(*revision)) {
            let mut reason = format!(
                "{} was answered from member {}'s own store at revision {revision} {}",
                words::describe(record),
                record.member,
                words::mismatch(&mismatch)
            );
            let mut evidence = Vec::new();
            if let Some((written, writer)) = last_writer(ops, store, &mismatch, *revision) {
                let _ = write!(reason, ": {}", words::last_written(written, writer, record));
                evidence.push(writer.id);
            }
            return broken(reason, evidence);
        }
    }
    Verdict::Legal
}

/// The last writer of the key in a mismatch, up to a revision.
fn last_writer<'a>(
    ops: &Ops<'a>,
    store: &Store,
    mismatch: &Mismatch,
    revision: i64,
) -> Option<(i64, &'a Record)> {
    let Scope::Key(key) = &mismatch.scope else { return None };
    let written = store.at(revision).get(key)?.mod_revision;
    Some((written, ops.record(ops.mutator(written)?)))
}

//! Reads that a member answered from its own store: old, perhaps, but never wrong.

use crate::model::Store;
use crate::revision::local_answer;
use crate::revision::ops::Ops;
use crate::verdict::{Verdict, Violation};
use crate::words;

/// The checker's name.
pub(crate) const SERIALIZABLE: &str = "serializable";

/// Checks that each such answer is what the store held at the revision it names, and that the
/// revision existed.
pub(crate) fn serializable(ops: &Ops<'_>, store: &Store) -> Verdict {
    for (revision, place) in ops.locals.all() {
        let record = ops.record(*place);
        let broken = |reason: String, mut evidence: Vec<u64>| {
            evidence.insert(0, record.id);
            let revision = Some(*revision);
            Verdict::Broken(Violation { checker: SERIALIZABLE, reason, evidence, revision })
        };
        if *revision < 1 || *revision > store.revision() {
            let reason = format!(
                "{} was answered from revision {revision}, which no write made",
                words::describe(record)
            );
            return broken(reason, Vec::new());
        }
        if *revision < store.floor() {
            continue; // nobody recorded what was there
        }
        let writer = ops.mutator(*revision).map(|writer| ops.record(writer));
        if let Some(writer) = writer.filter(|writer| Some(writer.call_ns) > record.return_ns) {
            let reason = format!(
                "{} was answered from revision {revision} before {}, which made it, was called",
                words::describe(record),
                words::describe(writer)
            );
            return broken(reason, vec![writer.id]);
        }
        if let Err(mismatch) = local_answer(ops, *place, store.at(*revision)) {
            let reason = format!(
                "{} was answered from revision {revision} with {} = {}, but must be {}",
                words::describe(record),
                mismatch.field,
                mismatch.got,
                mismatch.expected
            );
            return broken(reason, Vec::new());
        }
    }
    Verdict::Legal
}

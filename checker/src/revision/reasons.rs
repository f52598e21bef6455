//! Says in words why no order of the operations fits.

use std::fmt::Write as _;

use super::ops::{Ops, broken};
use super::replay::{Failure, What};
use super::unknown::Unknowns;
use crate::history::{Outcome, Request};
use crate::verdict::Verdict;
use crate::words;

/// The verdict on operations that have no order.
pub(crate) fn refuted(ops: &Ops<'_>, unknowns: &Unknowns<'_>, failure: &Failure) -> Verdict {
    let (mut reason, evidence) = sentence(ops, failure);
    if failure.guessed {
        let _ = write!(
            reason,
            "; no placement of the {} writes of unknown outcome explains it",
            unknowns.len()
        );
    }
    broken(reason, evidence, failure.revision)
}

/// What contradicts an order that would otherwise stand.
pub(crate) fn told_wrong(ops: &Ops<'_>, failure: &Failure) -> String {
    let (reason, _) = sentence(ops, failure);
    format!("the answers of the store have an order, but not with what was seen besides: {reason}")
}

/// How far the search came.
pub(crate) fn tired(ops: &Ops<'_>, failure: &Failure, steps: u64) -> String {
    let (reason, _) = sentence(ops, failure);
    let holes = ops.holes().count();
    format!(
        "{holes} revisions have no acknowledged write and {} writes are of unknown outcome; {steps} \
         steps did not suffice to place them. Furthest: revision {} of {}, where {reason}",
        ops.unknown.len(),
        failure.revision,
        ops.top
    )
}

fn sentence(ops: &Ops<'_>, failure: &Failure) -> (String, Vec<u64>) {
    let revision = failure.revision;
    match &failure.what {
        What::Answer(place, mismatch) => {
            let record = ops.record(*place);
            let mut evidence = vec![record.id];
            let mut because = String::new();
            if let Some((written, writer)) = failure.writer {
                let writer = ops.record(writer);
                because =
                    format!(" (last written by {} at revision {written})", words::describe(writer));
                if writer.id != record.id {
                    evidence.push(writer.id);
                }
            }
            let reason = format!(
                "{} was answered at revision {revision} with {} = {}, but must be {}{because}",
                words::describe(record),
                mismatch.field,
                mismatch.got,
                mismatch.expected,
            );
            (reason, evidence)
        }
        What::Nothing(place) => {
            let record = ops.record(*place);
            let reason = format!(
                "{} was acknowledged at revision {revision}, but changes nothing there",
                words::describe(record)
            );
            (reason, vec![record.id])
        }
        What::Event(mismatch) => {
            (format!("a watch event of revision {revision}: {mismatch}"), Vec::new())
        }
        What::NoWriter => no_writer(ops, revision),
    }
}

/// Nobody can have made a revision: was it seen by someone, and is its value known from elsewhere?
fn no_writer(ops: &Ops<'_>, revision: i64) -> (String, Vec<u64>) {
    let mut evidence = Vec::new();
    let mut reason = format!("no write can have made revision {revision}");
    let sight = ops.observers.all().iter().map(|(_, place)| *place);
    let sight = sight.chain(ops.mutators.iter().flatten().copied());
    let mut sights = sight.filter_map(|place| {
        let record = ops.record(place);
        shown(record, revision).map(|kv| (record, kv))
    });
    if let Some((record, kv)) = sights.next() {
        evidence.push(record.id);
        let _ = write!(
            reason,
            ", but {} shows {}={} of that revision",
            words::describe(record),
            kv.key,
            kv.value
        );
        let twin = ops.records.iter().find(|other| {
            matches!(&other.request, Request::Put(put) if put.key == kv.key && put.value == kv.value)
        });
        if let Some(twin) = twin {
            let was = match twin.outcome {
                Outcome::Ok => "was acknowledged at another revision: it was applied twice",
                Outcome::Fail => "certainly did not happen",
                Outcome::Unknown => "cannot have made it",
            };
            let _ = write!(reason, "; {} {was}", words::describe(twin));
            evidence.push(twin.id);
        }
        return (reason, evidence);
    }
    let at = ops.observers.first(revision);
    let above = ops.observers.all().get(at).map(|(seen, place)| (*seen, *place));
    let next = (revision..=ops.top).find_map(|next| Some((next, ops.mutator(next)?)));
    if let Some((seen, place)) = [above, next].into_iter().flatten().min() {
        let record = ops.record(place);
        evidence.push(record.id);
        let _ = write!(reason, ", but {} was answered at revision {seen}", words::describe(record));
    }
    (reason, evidence)
}

/// The first key in an answer that was written at a revision.
fn shown(record: &crate::history::Record, revision: i64) -> Option<&crate::history::KeyValue> {
    use crate::history::{Response, ResponseOp, TxnResponse};
    fn inside(txn: &TxnResponse, revision: i64) -> Option<&crate::history::KeyValue> {
        txn.responses.iter().find_map(|response| match response {
            ResponseOp::Range(range) => range.kvs.iter().find(|kv| kv.mod_revision == revision),
            ResponseOp::Put(put) => put.prev_kv.as_ref().filter(|kv| kv.mod_revision == revision),
            ResponseOp::DeleteRange(delete) => {
                delete.prev_kvs.iter().find(|kv| kv.mod_revision == revision)
            }
            ResponseOp::Txn(txn) => inside(txn, revision),
        })
    }
    match record.response.as_ref()? {
        Response::Range(range) => range.kvs.iter().find(|kv| kv.mod_revision == revision),
        Response::Put(put) => put.prev_kv.as_ref().filter(|kv| kv.mod_revision == revision),
        Response::DeleteRange(delete) => {
            delete.prev_kvs.iter().find(|kv| kv.mod_revision == revision)
        }
        Response::Txn(txn) => inside(txn, revision),
        _ => None,
    }
}

//! Writes the sentences that say why the operations have no order.

use std::fmt::Write as _;

use super::indeterminate::IndeterminateWrites;
use super::observations::shown_at;
use super::ops::{Ops, broken};
use super::replay::{Cause, Failure};
use crate::budget::megabytes;
use crate::history::{KeyValue, Op, Outcome, PlainOp, Record, Request, RequestOp, Response};
use crate::model::{Mismatch, Scope};
use crate::verdict::{LINEARIZABILITY, Verdict};
use crate::words;

/// How many candidates a sentence names.
const CANDIDATES: usize = 5;

/// A sentence, and the ids of the records that it names.
pub(crate) type Sentence = (String, Vec<u64>);

/// The verdict on operations that have no order.
pub(crate) fn refuted(
    ops: &Ops<'_>,
    indeterminate: &IndeterminateWrites<'_>,
    failure: &Failure,
) -> Verdict {
    let (mut reason, evidence) = sentence(ops, failure);
    if failure.guessed {
        let _ = write!(
            reason,
            "; no placement of the {} of unknown outcome explains it",
            words::count(indeterminate.len(), "write")
        );
    }
    broken(reason, evidence, failure.revision)
}

/// The sentence on evidence that contradicts an order of all answers.
pub(crate) fn contradicted_evidence(ops: &Ops<'_>, failure: &Failure) -> Sentence {
    let (reason, evidence) = sentence(ops, failure);
    let reason = format!(
        "the answers of the store have an order, but not with what was seen besides: {reason}"
    );
    (reason, evidence)
}

/// The sentence on a search that ran out of its budget: the holes, the candidates, the option that
/// gives more.
pub(crate) fn inconclusive(ops: &Ops<'_>, failure: &Failure, steps: u64) -> Sentence {
    let (furthest, mut evidence) = sentence(ops, failure);
    let holes = region(ops, failure.revision);
    let region = match holes[..] {
        [] => "what lies beyond the last revision answered".to_owned(),
        [one] => format!("revision {one}, which no acknowledged write made"),
        [first, .., last] => format!(
            "{} that no acknowledged write made (from {first} to {last})",
            words::count(holes.len(), "revision")
        ),
    };
    let names: Vec<String> = ops
        .unknown
        .iter()
        .map(|place| ops.record(*place))
        .take(CANDIDATES)
        .map(words::describe)
        .collect();
    let more = ops.unknown.len().saturating_sub(CANDIDATES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (short, option) = match failure.held {
        Some(held) => {
            let megabytes = megabytes(held);
            (
                format!("a search ran out of memory ({megabytes} MB were taken for its choices)"),
                "--memory",
            )
        }
        None => (format!("a search ran out of steps ({steps} were spent)"), "--steps"),
    };
    let reason = format!(
        "{short} over {region}; {option} gives more. Candidates: {} of unknown outcome ({}{more}); a \
         watcher over all keys in the recording makes the search unnecessary. It came as far as \
         revision {} of {}, where {furthest}",
        words::count(ops.unknown.len(), "write"),
        names.join(", "),
        failure.revision,
        ops.top
    );
    evidence.extend(ops.unknown.iter().take(CANDIDATES).map(|place| ops.record(*place).id));
    (reason, evidence)
}

/// The verdict `unknown` after a search that ran out of its budget.
pub(crate) fn open(ops: &Ops<'_>, failure: &Failure, steps: u64) -> Verdict {
    let (reason, evidence) = inconclusive(ops, failure, steps);
    Verdict::unknown(LINEARIZABILITY, reason, evidence)
}

/// The holes up to a revision. All holes if no hole is that low.
fn region(ops: &Ops<'_>, revision: i64) -> Vec<i64> {
    let holes: Vec<i64> = ops.holes().take_while(|hole| *hole <= revision).collect();
    if holes.is_empty() { ops.holes().collect() } else { holes }
}

fn sentence(ops: &Ops<'_>, failure: &Failure) -> Sentence {
    let revision = failure.revision;
    match &failure.cause {
        Cause::Answer(place, mismatch) => {
            let record = ops.record(*place);
            let mut evidence = vec![record.id];
            let mut because = String::new();
            if let Some((written, writer)) = failure.writer {
                let writer = ops.record(writer);
                if writes_itself(&record.request, mismatch) {
                    ": the transaction itself had written it".clone_into(&mut because);
                } else {
                    because = format!(": {}", words::last_written(written, writer, record));
                    evidence.push(writer.id);
                }
            }
            let reason = format!(
                "{} was answered at revision {revision} {}{because}",
                words::describe(record),
                words::mismatch(mismatch),
            );
            (reason, evidence)
        }
        Cause::Nothing(place) => {
            let record = ops.record(*place);
            let reason = format!(
                "{} was acknowledged at revision {revision} as a change, but there was nothing \
                 there that it could change",
                words::describe(record)
            );
            (reason, vec![record.id])
        }
        Cause::Event(mismatch, received) => {
            let mut evidence = vec![*received];
            let mut reason = describe_event(ops, *received, mismatch, revision);
            if let Some(writer) = ops.mutator(revision) {
                let writer = ops.record(writer);
                let _ = write!(reason, "; {} made that revision", words::describe(writer));
                evidence.push(writer.id);
            }
            (reason, evidence)
        }
        Cause::NoWriter => no_writer(ops, revision),
        Cause::Open => ("nothing contradicts so far".to_owned(), Vec::new()),
    }
}

/// Whether the mismatch compares one operation of a transaction with the effect of another on the
/// same key.
fn writes_itself(request: &Request, mismatch: &Mismatch) -> bool {
    let (Request::Txn(txn), Scope::Key(key)) = (request, &mismatch.scope) else { return false };
    let operations = txn.success.iter().chain(&txn.failure);
    let reads = mismatch.field.starts_with("responses[") && !mismatch.field.contains("prev_kv");
    let mut puts = operations.filter_map(|op| match op {
        RequestOp::Put(put) => Some(&put.key),
        _ => None,
    });
    reads && puts.any(|put| put == key)
}

/// The sentence on a watch event that contradicts the store, or that is missing.
fn describe_event(ops: &Ops<'_>, received: u64, mismatch: &Mismatch, revision: i64) -> String {
    let record = ops.records.iter().find(|record| record.id == received);
    let by = record.map(words::describe).unwrap_or_default();
    let (expected, got) = (&mismatch.expected, &mismatch.got);
    if got.is_empty() {
        return format!(
            "{by} was told of later changes, but not of {expected} in revision {revision}"
        );
    }
    let at = record.map_or(0, |record| record.call_ns);
    format!("the event {got} in {by} at {} does not fit: {expected}", words::time(at))
}

/// The sentence on a revision without a possible writer: who saw the revision, and where its value
/// comes from.
fn no_writer(ops: &Ops<'_>, revision: i64) -> Sentence {
    let mut evidence = Vec::new();
    let mut reason = format!("no write can have made revision {revision}");
    let observation = ops.observers.all().iter().map(|(_, place)| *place);
    let observation = observation.chain(ops.mutators.iter().flatten().copied());
    let received = ops.records.iter().filter(|record| record.request.op() == Op::WatchResponse);
    let mut observations = observation
        .map(|place| ops.record(place))
        .chain(received)
        .filter_map(|record| shown_at(record, revision).map(|kv| (record, kv)));
    if let Some((record, kv)) = observations.next() {
        evidence.push(record.id);
        let _ = write!(
            reason,
            ", but {} shows {}={} of that revision",
            words::describe(record),
            words::short(&kv.key),
            words::short(&kv.value)
        );
        let twin = ops.records.iter().find(|other| {
            matches!(&other.request, Request::Put(put) if put.key == kv.key && put.value == kv.value)
        });
        if let Some(twin) = twin {
            let _ = write!(reason, "; {} {}", words::describe(twin), fate(twin, record));
            evidence.push(twin.id);
        } else if !kv.value.is_empty() && !is_put(ops, kv) {
            reason.push_str(", which nobody ever asked to write");
        }
        return (reason, evidence);
    }
    let at = ops.observers.first(revision);
    let above = ops.observers.all().get(at).map(|(seen, place)| (*seen, *place));
    let next = (revision..=ops.top).find_map(|next| Some((next, ops.mutator(next)?)));
    if let Some((seen, place)) = [above, next].into_iter().flatten().min() {
        let record = ops.record(place);
        evidence.push(record.id);
        let _ = write!(
            reason,
            ", but {} was answered at revision {seen}: every acknowledged write made another one",
            words::describe(record)
        );
        if let Some((candidate, read, seen, written)) = unchanged(ops, revision) {
            let _ = write!(
                reason,
                "; {} would have changed the key, which {} shows at revision {seen} as it was \
                 written at {written}",
                words::describe(candidate),
                words::describe(read)
            );
            evidence.extend([read.id, candidate.id].into_iter().filter(|id| *id != record.id));
        }
        let candidates = ops.unknown.len();
        if candidates > 0 {
            let _ = write!(
                reason,
                ", and of the {} of unknown outcome none fits there",
                words::count(candidates, "write")
            );
        }
    }
    (reason, evidence)
}

/// Finds an indeterminate put that cannot have made a revision, because a later read shows an older
/// version of its key. Returns the put, the read, the revision of the read and the `mod_revision`
/// that the read shows.
fn unchanged<'a>(ops: &Ops<'a>, revision: i64) -> Option<(&'a Record, &'a Record, i64, i64)> {
    let later = &ops.observers.all()[ops.observers.first(revision)..];
    later.iter().find_map(|(seen, place)| {
        let read = ops.record(*place);
        let (Request::Range(request), Some(Response::Range(answer))) =
            (&read.request, &read.response)
        else {
            return None;
        };
        let shown = answer.kvs.iter().filter(|kv| kv.mod_revision < revision);
        shown.filter(|_| request.revision <= 0).find_map(|kv| {
            let mut unknown = ops.unknown.iter().map(|place| ops.record(*place));
            let put = unknown
                .find(|record| matches!(&record.request, Request::Put(put) if put.key == kv.key && put.value != kv.value))?;
            Some((put, read, *seen, kv.mod_revision))
        })
    })
}

/// Whether any request may have put this value, transactions included.
fn is_put(ops: &Ops<'_>, kv: &KeyValue) -> bool {
    let mut ops = ops.records.iter().flat_map(|record| record.request.ops());
    ops.any(|op| {
        matches!(op, PlainOp::Put(put)
            if put.ignore_value || put.key == kv.key && put.value == kv.value)
    })
}

/// Says how a write ended whose value was read at a revision that the write did not make.
fn fate(twin: &Record, observation: &Record) -> String {
    match (twin.outcome, words::revision(twin)) {
        (Outcome::Ok, made) => {
            let made = made.unwrap_or_default();
            format!("was acknowledged at revision {made}: it was applied twice")
        }
        (Outcome::Fail, _) => "certainly did not happen".to_owned(),
        (Outcome::Unknown, _) if observation.return_ns.is_some_and(|at| at < twin.call_ns) => {
            format!("cannot have made it, since it was {}", words::relative(twin, observation))
        }
        (Outcome::Unknown, _) => "cannot have made it".to_owned(),
    }
}

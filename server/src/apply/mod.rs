//! Turns committed entries into changes of the store: deterministic, without waiting for anything.
//!
//! What an entry does depends on the entries up to it and on nothing else, so that all members
//! agree. A refusal that depends on the log alone is an answer ([`Rejected`]); any other error
//! stops the member ([`StoreError`]).

use bytes::Bytes;
use redb::Durability;

use crate::command::{Applied, Body, Command, ProposalId, Rejected};
use crate::consensus::types::{Entry, Payload};
use crate::mvcc::{AppliedMark, Applies, Changes, HashKv, Store, StoreError, Writer};
use crate::planted;
use crate::probe::{self, Fact};

#[cfg(test)]
mod tests;

/// What one proposal is answered.
pub type Answer = (ProposalId, Result<Applied, Rejected>);

/// What a batch of entries did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each proposal that came for the first time, in order.
    pub answers: Vec<Answer>,
    /// What watchers are to be told, by revision.
    pub events: Vec<Changes>,
}

/// Applies committed entries in one write transaction, together with the mark of the last.
///
/// Entries at or below the applied index are skipped. The transaction is not durable by itself:
/// the log is, until [`Store::flush`].
pub fn apply_batch(store: &Store, entries: &[Entry]) -> Result<Outcome, StoreError> {
    let applied = store.applied().index;
    let news = &entries[entries.partition_point(|entry| entry.index <= applied)..];
    let Some(last) = news.last() else { return Ok(Outcome::default()) };
    if planted!("R1", "applied-ahead") {
        let mark = AppliedMark { index: last.index, term: last.term };
        store.commit_mark_early(mark)?;
    }
    let before = store.revision();
    let outcome = store.write(Durability::None, |writer| {
        let mut outcome = Outcome::default();
        for entry in news {
            apply_entry(writer, entry, &mut outcome)?;
            probe::fact(Fact::Applied { index: entry.index, revision: writer.revision() });
        }
        Ok(outcome)
    })?;
    if probe::is_heard() {
        tell_hash(store, before)?;
    }
    Ok(outcome)
}

/// A member reports the hash of its store at every multiple of this revision.
const TOLD_REVISIONS: i64 = 64;

/// Tells what the store holds at the last such revision passed since `before`.
fn tell_hash(store: &Store, before: i64) -> Result<(), StoreError> {
    let revision = store.revision() / TOLD_REVISIONS * TOLD_REVISIONS;
    if revision <= before {
        return Ok(());
    }
    if let Ok(HashKv { hash, compact_revision, .. }) = store.hash_kv(revision)? {
        probe::fact(Fact::Hashed { revision, compact_revision, hash });
    }
    Ok(())
}

fn apply_entry(
    writer: &mut Writer<'_>,
    entry: &Entry,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let applied = writer.applied().index;
    if entry.index != applied + 1 {
        return Err(StoreError::Gap { applied, found: entry.index });
    }
    match &entry.payload {
        Payload::Empty => {}
        Payload::Membership(membership) => writer.set_membership(membership.clone()),
        Payload::Command(bytes) => {
            let Command { header, body } = decode(entry.index, bytes)?;
            // The first copy of a proposal is answered, and no other.
            if writer.admit(header.id) {
                outcome.answers.push((header.id, apply_body(writer, &body)?));
                outcome.events.extend(writer.end_request());
            }
        }
    }
    writer.set_applied(AppliedMark { index: entry.index, term: entry.term });
    Ok(())
}

/// A command that cannot be read may be clear to another member's newer program: never skip it.
fn decode(index: u64, bytes: &Bytes) -> Result<Command, StoreError> {
    Command::decode(bytes).map_err(|error| StoreError::Command { index, reason: error.to_string() })
}

fn apply_body(writer: &mut Writer<'_>, body: &Body) -> Applies<Applied> {
    Ok(match body {
        Body::Put(request) => match writer.check_put(request) {
            Ok(()) => Ok(Applied::Put(writer.put(request)?)),
            Err(rejected) => Err(rejected),
        },
        Body::DeleteRange(request) => Ok(Applied::DeleteRange(writer.delete_range(request)?)),
        Body::Txn(request) => writer.txn(request)?.map(Applied::Txn),
        Body::Compact(request) => {
            let compacted = writer.compact(request.revision).map(Applied::Compact);
            if compacted.is_ok() && request.physical {
                writer.compact_all()?;
            }
            compacted
        }
        Body::Publish(attributes) => {
            writer.publish(attributes);
            Ok(Applied::Publish(()))
        }
    })
}

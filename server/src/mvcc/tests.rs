//! Stories, a naive model, crashes, and damage.

mod crash;
pub(crate) mod disk;
pub(crate) mod model;
mod property;
mod script;
mod snapshot;
pub(crate) mod words;

use bytes::Bytes;
use proptest::prelude::ProptestConfig;

use super::Store;
use crate::apply::{self, Answer};
use crate::command::{Applied, Body, Command, Header, KeyRange, ProposalId, PutRequest, Rejected};
use crate::consensus::types::{Entry, Payload};
use crate::identity::Identity;

pub(crate) const IDENTITY: Identity = Identity { cluster_id: 0xc1, member_id: 0xa };

/// How often a property is tried.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(count) }
}

/// An entry that carries a command.
pub(crate) fn entry(index: u64, body: Body) -> Entry {
    let id = ProposalId { member: IDENTITY.member_id, boot: 1, sequence: index };
    let command = Command { header: Header::of(id), body };
    Entry { term: 1, index, payload: Payload::Command(command.encode()) }
}

/// Applies one command after all others.
pub(crate) fn apply_one(store: &Store, body: Body) -> Result<Applied, Rejected> {
    let entry = entry(store.applied().index + 1, body);
    let mut outcome = apply::apply_batch(store, &[entry]).unwrap();
    let (_, answer): Answer = outcome.answers.remove(0);
    answer
}

pub(crate) fn put(key: &str, value: &str) -> PutRequest {
    PutRequest {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: Bytes::copy_from_slice(value.as_bytes()),
        lease: 0,
        prev_kv: false,
        ignore_value: false,
        ignore_lease: false,
    }
}

pub(crate) fn range(key: &str, end: &str) -> KeyRange {
    KeyRange {
        key: Bytes::copy_from_slice(key.as_bytes()),
        range_end: Bytes::copy_from_slice(end.as_bytes()),
    }
}

/// Every key.
pub(crate) fn all() -> KeyRange {
    range("\0", "\0")
}

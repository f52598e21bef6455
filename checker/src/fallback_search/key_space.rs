//! Etcd's key space as a model for the search, for answers without revisions.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::history::{Header, Outcome, Record, Request, Response};
use crate::model::{Refusal, Store, differ};
use crate::words;
use mettle_search::Model;

/// The model of the key space.
#[derive(Clone, Debug, Default)]
pub(super) struct KeySpace {
    start: Store,
}

impl KeySpace {
    /// A model that starts with a given store.
    pub(super) fn starting_with(start: Store) -> Self {
        KeySpace { start }
    }
}

/// The store, and the revision up to which it is compacted.
#[derive(Clone, Debug)]
pub(super) struct KeySpaceState {
    store: Store,
    compacted: i64,
    digest: u128,
}

const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";

impl Model for KeySpace {
    type Op = Record;
    type State = KeySpaceState;
    type Mismatch = String;

    fn initial(&self) -> KeySpaceState {
        KeySpaceState { store: self.start.clone(), compacted: 0, digest: 0 }
    }

    fn step(&self, state: &KeySpaceState, record: &Record) -> Result<KeySpaceState, String> {
        if let (Outcome::Fail, answer) = (record.outcome, &record.response) {
            let Some(Response::Error(error)) = answer else { return Ok(state.clone()) };
            let reasons = [COMPACTED, Refusal::KeyNotFound.text(), Refusal::FutureRevision.text()];
            let known = reasons.contains(&error.message.as_str());
            // A refusal with another text has no reason in the model.
            if known && refusal(state, &record.request) != Some(&error.message) {
                return Err(format!("it was refused without a reason: {}", error.message));
            }
            return Ok(state.clone());
        }
        if let Some(text) = refusal(state, &record.request) {
            return Err(format!("it had to be refused with \"{text}\""));
        }
        let mut next = state.clone();
        if let Request::Compact(compact) = &record.request {
            next.compacted = compact.revision;
            next.digest ^= u128::from(next.compacted as u64) << 64;
            return Ok(next);
        }
        let expected =
            next.store.execute(&record.request).map_err(|refusal| refusal.text().to_owned())?;
        if let (Outcome::Ok, Some(got)) = (record.outcome, &record.response) {
            differ(&record.request, &expected, got)
                .map_err(|mismatch| format!("it was answered {}", words::mismatch(&mismatch)))?;
            let revision = next.store.revision();
            if let Some(header) = header(got).filter(|header| header.revision != revision) {
                return Err(format!(
                    "it was answered at revision {}, not {revision}",
                    header.revision
                ));
            }
        }
        if next.store.revision() > state.store.revision() {
            next.digest = digest(&next.store, next.digest);
        }
        Ok(next)
    }

    fn digest(&self, state: &KeySpaceState) -> u128 {
        state.digest
    }

    fn heap_bytes(&self, state: &KeySpaceState) -> usize {
        state.store.heap_bytes()
    }

    fn is_pure(&self, record: &Record) -> bool {
        match (&record.request, &record.response, record.outcome) {
            (Request::Range(_), _, _) | (_, _, Outcome::Fail) => true,
            (_, Some(Response::DeleteRange(delete)), _) => delete.deleted == 0,
            _ => false,
        }
    }

    fn order_hint(&self, record: &Record) -> Option<u64> {
        header(record.response.as_ref()?).map(|header| header.revision as u64)
    }
}

fn header(response: &Response) -> Option<Header> {
    match response {
        Response::Range(range) => range.header,
        Response::Put(put) => put.header,
        Response::DeleteRange(delete) => delete.header,
        Response::Txn(txn) => txn.header,
        _ => None,
    }
}

/// Mixes the last revision's changes into the digest: states with different pasts differ, since the
/// past can be read.
fn digest(store: &Store, before: u128) -> u128 {
    let mut halves = [0u64; 2];
    for (place, half) in halves.iter_mut().enumerate() {
        let mut hasher = DefaultHasher::new();
        (place, before, store.revision()).hash(&mut hasher);
        for change in store.changes(store.revision()) {
            (change.key, change.now.version, &change.now.value).hash(&mut hasher);
        }
        *half = hasher.finish();
    }
    u128::from(halves[0]) << 64 | u128::from(halves[1])
}

fn refusal(state: &KeySpaceState, request: &Request) -> Option<&'static str> {
    let past = match request {
        Request::Range(range) => range.revision,
        _ => 0,
    };
    match request {
        Request::Compact(compact) if compact.revision <= state.compacted => Some(COMPACTED),
        Request::Compact(compact) if compact.revision > state.store.revision() => {
            Some(Refusal::FutureRevision.text())
        }
        _ if past > 0 && past < state.compacted => Some(COMPACTED),
        _ => state.store.now().refusal(request).map(Refusal::text),
    }
}

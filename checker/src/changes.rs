//! What each write changed: the key, its value before and since when, and its value after. A replay
//! of the writes in the order of revisions gives this, as far as the writer of each revision is
//! known.

use std::collections::BTreeMap;

use crate::assumptions::assumptions;
use crate::history::{
    Blob, History, LeaseRequest, PutRequest, Record, Request, Response, Role, role,
};
use crate::initial_store::initial_store;
use crate::model::Store;
use crate::words::row::took;
use crate::words::short;

/// Longer histories are not replayed for a page.
pub const MOST_RECORDS: usize = 250_000;
/// The most successive revisions without a known writer; a larger gap is a wrong header.
const MOST_HOLES: i64 = 100_000;
/// The most keys kept of one write.
pub const MOST_KEYS: usize = 6;
/// A key that stands for the unknown change of a revision.
const HOLE: &[u8] = b"\0a revision that nobody acknowledged";

/// One changed key of one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The key.
    pub key: String,
    /// The value before and the revision that wrote it; None if the key did not exist.
    pub before: Option<(String, i64)>,
    /// The value after; None for a deletion.
    pub after: Option<String>,
}

/// The changes made by the writes of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// For each record id: the first few changed keys, and the number of further keys.
    pub by_id: BTreeMap<u64, (Vec<Changed>, usize)>,
    /// The first revision with an unknown change, a **hole**: a value shown before a later write
    /// may be out of date.
    pub hole: Option<i64>,
}

/// Replays the writes; `placed` gives the revision of each placed indeterminate write, by id.
pub fn changes(history: &History, placed: &[(i64, u64)]) -> Changes {
    let mut found = Changes::default();
    if history.records.len() > MOST_RECORDS || assumptions(history).is_err() {
        return found;
    }
    let (mut store, _) = initial_store(history);
    for (revision, (record, request)) in made(history, placed) {
        if revision <= store.revision() || revision - store.revision() > MOST_HOLES {
            continue;
        }
        while store.revision() + 1 < revision {
            skip(&mut store, &mut found.hole);
        }
        if store.execute(&request).is_err() || store.revision() < revision {
            skip(&mut store, &mut found.hole);
            continue;
        }
        let Some(record) = record else { continue };
        let all = store.changes(revision).filter(|change| change.key.as_slice() != HOLE);
        let all: Vec<Changed> = all
            .map(|change| Changed {
                key: short(change.key),
                before: change.before.map(|was| (short(&was.value), was.mod_revision)),
                after: (!change.now.is_deletion()).then(|| short(&change.now.value)),
            })
            .collect();
        let more = all.len().saturating_sub(MOST_KEYS);
        found.by_id.insert(record.id, (all.into_iter().take(MOST_KEYS).collect(), more));
    }
    found
}

/// The writer of each revision and its request; an expiry has no writer.
fn made<'a>(
    history: &'a History,
    placed: &[(i64, u64)],
) -> BTreeMap<i64, (Option<&'a Record>, Request)> {
    let mut made = BTreeMap::new();
    let placed: BTreeMap<u64, i64> = placed.iter().map(|(revision, id)| (*id, *revision)).collect();
    for record in &history.records {
        if let Role::Mutator(revision) = role(record) {
            made.entry(revision).or_insert_with(|| (Some(record), record.request.clone()));
        }
        let Some(revision) = placed.get(&record.id) else { continue };
        if took(record) {
            made.insert(*revision, (Some(record), record.request.clone()));
        } else if let Some(id) = lease(record) {
            made.insert(*revision, (None, Request::LeaseRevoke(LeaseRequest { id })));
        }
    }
    made
}

fn lease(record: &Record) -> Option<i64> {
    match (&record.request, &record.response) {
        (_, Some(Response::LeaseGrant(answer))) => Some(answer.id),
        (Request::LeaseGrant(request), _) => Some(request.id),
        (Request::LeaseKeepAlive(request), _) => Some(request.id),
        (Request::Put(put), _) => Some(put.lease),
        _ => None,
    }
}

/// Skips a revision with an unknown change.
fn skip(store: &mut Store, hole: &mut Option<i64>) {
    hole.get_or_insert(store.revision() + 1);
    let put = PutRequest { key: Blob::from(HOLE), ..PutRequest::default() };
    let _ = store.execute(&Request::Put(put));
}

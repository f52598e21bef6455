//! Assumptions about a recording: a recording that contradicts itself is bad input, not a broken
//! store.

use std::collections::BTreeMap;

use crate::history::{History, Record, Request, Response};
use crate::words;

/// A recording that contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {place} (id {id}, {what}): {cause}; {remedy}")]
pub struct Contradiction {
    /// The place of the record, from 0.
    pub place: usize,
    /// The record's id.
    pub id: u64,
    /// The record as text.
    pub what: String,
    /// The defect.
    pub cause: String,
    /// The remedy.
    pub remedy: &'static str,
}

/// Checks that ids are unique, processes are sequential, answers fit their requests, and no
/// response precedes the first request on its stream. The order of records does not matter.
pub fn assumptions(history: &History) -> Result<(), Contradiction> {
    let records = &history.records;
    let contradiction = |place: usize, cause: String, remedy| Contradiction {
        place,
        id: records[place].id,
        what: words::describe(&records[place]),
        cause,
        remedy,
    };
    let mut ids: Vec<(u64, usize)> = Vec::with_capacity(records.len());
    let mut by_process: Vec<(u64, u64, u64, usize)> = Vec::with_capacity(records.len());
    for (place, record) in records.iter().enumerate() {
        ids.push((record.id, place));
        if let Err((cause, remedy)) = by_itself(record) {
            return Err(contradiction(place, cause.to_owned(), remedy));
        }
        if record.request.op().is_operation() {
            let end = record.return_ns.unwrap_or(u64::MAX);
            by_process.push((record.process, record.call_ns, end, place));
        }
    }
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let cause = format!("the id {} is used twice", pair[1].0);
        return Err(contradiction(pair[1].1, cause, "give each record an id of its own"));
    }
    if let Err(cause) = crate::initial_store::given(history) {
        let place = 0;
        let (id, what) = match records.first() {
            Some(record) => (record.id, words::describe(record)),
            None => (0, "nothing was recorded".to_owned()),
        };
        let remedy = "begin with a range over all keys before anything else is called, or leave \
                      start_revision out";
        return Err(Contradiction { place, id, what, cause, remedy });
    }
    by_process.sort_unstable();
    for pair in by_process.windows(2) {
        let (before, place) = (&records[pair[0].3], pair[1].3);
        let record = &records[place];
        if before.process == record.process
            && before.return_ns.is_none_or(|return_ns| return_ns > record.call_ns)
        {
            let cause = format!(
                "process {} called it at {}, while its {} (id {}) {}",
                record.process,
                words::time(record.call_ns),
                words::request(&before.request),
                before.id,
                match before.return_ns {
                    Some(at) => format!("had not returned, which it did at {}", words::time(at)),
                    None => "had not returned and never did".to_owned(),
                }
            );
            return Err(contradiction(place, cause, SEQUENTIAL));
        }
    }
    match unasked(records) {
        Some(place) => Err(contradiction(place, UNASKED.0.to_owned(), UNASKED.1)),
        None => Ok(()),
    }
}

/// The first response on a stream before any request. (A surplus response on a stream in use is the
/// server's fault.)
fn unasked(records: &[Record]) -> Option<usize> {
    let mut asked: BTreeMap<u64, u64> = BTreeMap::new();
    for record in records {
        if let Request::WatchCreate(request) = &record.request {
            let first = asked.entry(request.stream).or_insert(u64::MAX);
            *first = record.call_ns.min(*first);
        }
    }
    records.iter().position(|record| match &record.request {
        Request::WatchResponse(at) => {
            let arrived = record.return_ns.unwrap_or(record.call_ns);
            asked.get(&at.stream).is_none_or(|asked| *asked > arrived)
        }
        _ => false,
    })
}

/// The remedy for a process that does two things at once.
pub(crate) const SEQUENTIAL: &str = "a process is sequential, and an unknown outcome ends it";
/// A response without a request: cause and remedy.
pub(crate) const UNASKED: (&str, &str) = (
    "it arrived before anything was asked on its stream",
    "record watch_create before it is sent, with the same clock",
);

/// The defect of a single record and its remedy.
pub(crate) fn by_itself(record: &Record) -> Result<(), (&'static str, &'static str)> {
    if !fits(record) {
        let cause = "the answer is not of the request's kind";
        return Err((cause, "record the answer to this very request"));
    }
    if record.return_ns.is_some_and(|return_ns| return_ns < record.call_ns) {
        let cause = "it returned before it was called";
        return Err((cause, "record both with one monotonic clock"));
    }
    Ok(())
}

fn fits(record: &Record) -> bool {
    match (&record.request, &record.response) {
        (_, None | Some(Response::Error(_)))
        | (Request::Range(_), Some(Response::Range(_)))
        | (Request::Put(_), Some(Response::Put(_)))
        | (Request::DeleteRange(_), Some(Response::DeleteRange(_)))
        | (Request::Txn(_), Some(Response::Txn(_)))
        | (Request::Compact(_), Some(Response::Compact(_)))
        | (Request::LeaseGrant(_), Some(Response::LeaseGrant(_)))
        | (Request::LeaseRevoke(_), Some(Response::LeaseRevoke(_)))
        | (Request::LeaseKeepAlive(_), Some(Response::LeaseKeepAlive(_)))
        | (Request::LeaseTimeToLive(_), Some(Response::LeaseTimeToLive(_)))
        | (Request::LeaseLeases(_), Some(Response::LeaseLeases(_)))
        | (Request::WatchResponse(_), Some(Response::Watch(_))) => true,
        (_, Some(_)) => false,
    }
}

//! The store's content when the recording began.

use crate::history::{History, Outcome, RangeRequest, Record, Request, Response};
use crate::model::{Span, Store};

mod infer;

pub(crate) use infer::{InferredStore, past};

/// The initial store of a history, and what was inferred if the history does not name it. Call this
/// function only after [`given`] succeeded.
pub(crate) fn initial_store(history: &History) -> (Store, Option<InferredStore>) {
    match given(history) {
        Ok(Some(store)) => (store, None),
        Ok(None) | Err(_) => match infer::infer(history) {
            Some((store, inferred)) => (store, Some(inferred)),
            None => (Store::default(), None),
        },
    }
}

/// The initial store that the recording names, if any: the answer to a range over all keys before
/// any other call.
pub(crate) fn given(history: &History) -> Result<Option<Store>, String> {
    let Some(revision) = history.origin.start_revision else { return Ok(None) };
    if revision == 1 {
        return Ok(Some(Store::default()));
    }
    if revision < 1 {
        return Err(format!("start_revision is {revision}, but a fresh store is at revision 1"));
    }
    let wanted = format!("start_revision is {revision}");
    let begins = |record: &&Record| (record.call_ns, record.return_ns.unwrap_or(u64::MAX));
    let Some(first) = history.records.iter().min_by_key(begins) else {
        return Err(format!("{wanted}, but there is no record of what the store held then"));
    };
    let (Request::Range(request), Some(Response::Range(answer)), Outcome::Ok) =
        (&first.request, &first.response, first.outcome)
    else {
        return Err(format!("{wanted}, but the first record is not an answered range"));
    };
    if !is_everything(request) || answer.more {
        return Err(format!("{wanted}, but the first record is not a range over all keys"));
    }
    let seen = answer.header.map_or(0, |header| header.revision);
    if seen != revision {
        return Err(format!("{wanted}, but the first record was answered at revision {seen}"));
    }
    let returned = first.return_ns;
    let others = history.records.iter().filter(|record| record.id != first.id);
    let early = others.into_iter().find(|record| Some(record.call_ns) < returned);
    if let Some(early) = early {
        let id = early.id;
        return Err(format!("{wanted}, but record {id} was called before the first one returned"));
    }
    Ok(Some(Store::starting_at(revision, &answer.kvs)))
}

/// Whether a range reads all keys with all fields.
fn is_everything(request: &RangeRequest) -> bool {
    let all = Span::everything();
    let plain = RangeRequest {
        key: request.key.clone(),
        range_end: all.range_end.clone(),
        sort_order: request.sort_order,
        sort_target: request.sort_target,
        ..RangeRequest::default()
    };
    *request == plain && request.key.as_slice() <= all.key.as_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Header, KeyValue, Origin, RangeResponse};

    /// A recording that says that it starts at revision 5, and begins with a range over all keys.
    fn started() -> History {
        let all = Span::everything();
        let request = RangeRequest {
            key: all.key.clone(),
            range_end: all.range_end.clone(),
            ..RangeRequest::default()
        };
        let kv = KeyValue {
            key: "a".into(),
            create_revision: 3,
            mod_revision: 4,
            version: 2,
            ..KeyValue::default()
        };
        let header = Some(Header { revision: 5, ..Header::default() });
        let answer = RangeResponse { header, kvs: vec![kv], count: 1, more: false };
        let first = Record::called(1, 1, 1, 10, Request::Range(request));
        let origin = Origin { start_revision: Some(5), ..Origin::default() };
        History { origin, records: vec![first.ok(20, Response::Range(answer))] }
    }

    #[test]
    fn the_first_answer_gives_the_store() {
        let store = given(&started()).expect("a start").expect("a store");
        assert_eq!((store.revision(), store.floor()), (5, 5));
        assert_eq!(store.now().get(b"a").map(|version| version.version), Some(2));
    }

    #[test]
    fn a_fresh_store_needs_no_answer() {
        let origin = Origin { start_revision: Some(1), ..Origin::default() };
        let fresh = given(&History { origin, records: Vec::new() }).expect("a start");
        assert_eq!(fresh.map(|store| store.revision()), Some(1));
        assert!(given(&History::default()).expect("nothing said").is_none());
    }

    fn refused(change: impl FnOnce(&mut History)) -> String {
        let mut history = started();
        change(&mut history);
        given(&history).expect_err("it must be refused")
    }

    #[test]
    fn a_start_that_its_first_answer_does_not_show_is_refused() {
        let other = refused(|history| history.origin.start_revision = Some(6));
        assert!(other.contains("answered at revision 5"), "{other}");
        let none = refused(|history| history.records.clear());
        assert!(none.contains("no record of what the store held"), "{none}");
        let unknown = refused(|history| history.records[0].outcome = Outcome::Unknown);
        assert!(unknown.contains("not an answered range"), "{unknown}");
        let part = refused(|history| {
            let Request::Range(range) = &mut history.records[0].request else { return };
            range.limit = 1;
        });
        assert!(part.contains("not a range over all keys"), "{part}");
    }
}

//! Walks over everything that the answers of the quorum show of single keys.

use super::ops::Ops;
use crate::history::{
    Blob, DeleteRangeRequest, DeleteRangeResponse, EventType, KeyValue, PlainAnswer, PlainOp,
    RangeRequest, RangeResponse, Record, Request, Response, ResponseOp, TxnRequest, TxnResponse,
};

/// A fact about a single key in an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Observation<'a> {
    /// A key existed at a revision. The revision is that of the answer, or a past one that the
    /// request names. `keys_only`: the answer leaves out values.
    There { kv: &'a KeyValue, keys_only: bool, at: i64 },
    /// A key did not exist at a revision.
    Absent { key: &'a Blob, at: i64 },
    /// The answered request itself put the key.
    Put { key: &'a Blob },
    /// The answered request itself deleted the key, which it names alone, and did nothing else.
    Deleted { key: &'a Blob },
}

/// The answer that shows an observation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Index in `records`.
    pub(crate) place: u32,
    pub(crate) revision: i64,
    /// Whether the request made the revision. Then the answer shows the state before it, except for
    /// its own puts.
    pub(crate) mutator: bool,
}

/// The answers of writes that made a revision.
pub(crate) fn made<'b>(ops: &'b Ops<'_>) -> impl Iterator<Item = Source> + use<'b> {
    ops.made().map(|(revision, place)| Source { place, revision, mutator: true })
}

/// Calls `with` for every observation in the answers of the quorum.
pub(crate) fn each<'a>(ops: &Ops<'a>, with: impl FnMut(Source, Observation<'a>)) {
    let seen = ops.observers.all().iter();
    let seen = seen.map(|&(revision, place)| Source { place, revision, mutator: false });
    let sources = made(ops).chain(seen);
    let mut walk = Walk { with, source: Source { place: 0, revision: 0, mutator: false } };
    for source in sources {
        walk.source = source;
        let record = ops.record(source.place);
        match (&record.request, &record.response) {
            (Request::Range(request), Some(Response::Range(answer))) => {
                walk.range(request, answer);
            }
            (Request::Put(put), Some(Response::Put(answer))) => {
                walk.put(&put.key, answer.prev_kv.as_ref());
                if put.prev_kv && answer.prev_kv.is_none() {
                    walk.tell(Observation::Absent { key: &put.key, at: source.revision - 1 });
                }
            }
            (Request::DeleteRange(delete), Some(Response::DeleteRange(answer))) => {
                walk.delete(delete, answer);
                if delete.range_end.is_empty() && answer.deleted > 0 {
                    walk.tell(Observation::Deleted { key: &delete.key });
                }
            }
            (Request::Txn(request), Some(Response::Txn(answer))) => walk.txn(request, answer),
            _ => {}
        }
    }
}

struct Walk<With> {
    with: With,
    source: Source,
}

impl<'a, With: FnMut(Source, Observation<'a>)> Walk<With> {
    fn tell(&mut self, observation: Observation<'a>) {
        (self.with)(self.source, observation);
    }

    fn range(&mut self, request: &'a RangeRequest, answer: &'a RangeResponse) {
        let at = if request.revision > 0 { request.revision } else { self.source.revision };
        for kv in &answer.kvs {
            self.tell(Observation::There { kv, keys_only: request.keys_only, at });
        }
        if request.range_end.is_empty() && answer.count == 0 && !self.source.mutator {
            self.tell(Observation::Absent { key: &request.key, at });
        }
    }

    /// An absent `before` proves nothing in a transaction: an earlier operation may have deleted
    /// the key.
    fn put(&mut self, key: &'a Blob, before: Option<&'a KeyValue>) {
        let at = self.source.revision;
        self.tell(Observation::Put { key });
        if let Some(kv) = before {
            self.tell(Observation::There { kv, keys_only: false, at });
        }
    }

    fn delete(&mut self, request: &'a DeleteRangeRequest, answer: &'a DeleteRangeResponse) {
        let at = self.source.revision;
        for kv in &answer.prev_kvs {
            self.tell(Observation::There { kv, keys_only: false, at });
        }
        if request.range_end.is_empty() && answer.deleted == 0 && !self.source.mutator {
            self.tell(Observation::Absent { key: &request.key, at });
        }
    }

    fn txn(&mut self, request: &'a TxnRequest, answer: &'a TxnResponse) {
        for pair in request.answered_ops(answer) {
            match pair {
                (PlainOp::Range(request), ResponseOp::Range(answer)) => self.range(request, answer),
                (PlainOp::Put(put), ResponseOp::Put(answer)) => {
                    self.put(&put.key, answer.prev_kv.as_ref());
                }
                (PlainOp::DeleteRange(delete), ResponseOp::DeleteRange(answer)) => {
                    self.delete(delete, answer);
                }
                _ => {}
            }
        }
    }
}

/// The first key in an answer or a watch response whose `mod_revision` is `revision`.
pub(crate) fn shown_at(record: &Record, revision: i64) -> Option<&KeyValue> {
    match record.response.as_ref()? {
        Response::Range(range) => range.kvs.iter().find(|kv| kv.mod_revision == revision),
        Response::Put(put) => put.prev_kv.as_ref().filter(|kv| kv.mod_revision == revision),
        Response::DeleteRange(delete) => {
            delete.prev_kvs.iter().find(|kv| kv.mod_revision == revision)
        }
        Response::Txn(txn) => inside(txn, revision),
        Response::Watch(watch) => {
            let mut put = watch.events.iter().filter(|event| event.kind == EventType::Put);
            put.find(|event| event.kv.mod_revision == revision).map(|event| &event.kv)
        }
        _ => None,
    }
}

fn inside(txn: &TxnResponse, revision: i64) -> Option<&KeyValue> {
    txn.answers().find_map(|answer| match answer {
        PlainAnswer::Range(range) => range.kvs.iter().find(|kv| kv.mod_revision == revision),
        PlainAnswer::Put(put) => put.prev_kv.as_ref().filter(|kv| kv.mod_revision == revision),
        PlainAnswer::DeleteRange(delete) => {
            delete.prev_kvs.iter().find(|kv| kv.mod_revision == revision)
        }
    })
}

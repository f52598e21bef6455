//! Compares a recorded answer with the answer that the model demands, field by field.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

use super::read::{FORGOTTEN, order};
use crate::history::{
    Blob, DeleteRangeResponse, Header, KeyValue, PutResponse, RangeRequest, RangeResponse, Request,
    RequestOp, Response, ResponseOp, SortOrder, SortTarget, TxnRequest, TxnResponse,
};

/// A field of a recorded answer that differs from the model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The path of the field: `kvs[2].version`.
    pub field: String,
    /// The value that the model gives.
    pub expected: String,
    /// What was recorded.
    pub got: String,
    /// The keys whose content decides whether the answer fits.
    pub scope: Scope,
}

/// The part of the state that a mismatch is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One key.
    Key(Blob),
    /// Anything the request reads.
    Request,
    /// No state would fit.
    Nothing,
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, must be {}", self.field, self.got, self.expected)
    }
}

type Verdict = Result<(), Mismatch>;

/// A position inside an answer; it is written out only for a mismatch.
struct Place<'a> {
    outer: Option<&'a Place<'a>>,
    step: Step,
}

enum Step {
    Top,
    Response(usize),
    Kv(&'static str, usize),
    PrevKv,
}

impl Place<'_> {
    const TOP: Place<'static> = Place { outer: None, step: Step::Top };

    fn path(&self, field: &str) -> String {
        let own = match self.step {
            Step::Top => return field.to_owned(),
            Step::Response(index) => format!("responses[{index}]"),
            Step::Kv(list, index) => format!("{list}[{index}]"),
            Step::PrevKv => "prev_kv".to_owned(),
        };
        let own = if field.is_empty() { own } else { format!("{own}.{field}") };
        self.outer.map_or_else(|| own.clone(), |outer| outer.path(&own))
    }

    fn same<T: PartialEq + Display>(
        &self,
        field: &str,
        expected: T,
        got: T,
        scope: impl FnOnce() -> Scope,
    ) -> Verdict {
        if expected == got {
            return Ok(());
        }
        Err(self.wrong(field, &expected, &got, scope()))
    }

    fn wrong(
        &self,
        field: &str,
        expected: &dyn Display,
        got: &dyn Display,
        scope: Scope,
    ) -> Mismatch {
        Mismatch {
            field: self.path(field),
            expected: expected.to_string(),
            got: got.to_string(),
            scope,
        }
    }
}

/// Compares a recorded answer with the model's answer. The header at the top is left out.
pub fn differ(request: &Request, expected: &Response, got: &Response) -> Verdict {
    let top = &Place::TOP;
    match (request, expected, got) {
        (Request::Range(request), Response::Range(expected), Response::Range(got)) => {
            range(top, request, expected, got)
        }
        (_, Response::Put(expected), Response::Put(got)) => put(top, expected, got),
        (_, Response::DeleteRange(expected), Response::DeleteRange(got)) => {
            delete_range(top, expected, got)
        }
        (Request::Txn(request), Response::Txn(expected), Response::Txn(got)) => {
            txn(top, request, expected, got)
        }
        (_, Response::LeaseGrant(_), Response::LeaseGrant(_))
        | (_, Response::LeaseRevoke(_), Response::LeaseRevoke(_)) => Ok(()),
        _ => Err(top.wrong("response", &"an answer", &"another kind", Scope::Nothing)),
    }
}

fn header(place: &Place<'_>, expected: Option<Header>, got: Option<Header>) -> Verdict {
    let (Some(expected), Some(got)) = (expected, got) else { return Ok(()) };
    if got.revision == 0 {
        return Ok(()); // etcd's own inner transactions leave it out
    }
    place.same("header.revision", expected.revision, got.revision, || Scope::Request)
}

fn range(
    place: &Place<'_>,
    request: &RangeRequest,
    expected: &RangeResponse,
    got: &RangeResponse,
) -> Verdict {
    header(place, expected.header, got.header)?;
    if expected.count == FORGOTTEN {
        return Ok(());
    }
    if expected.kvs != got.kvs {
        kvs(place, request, expected, got)?;
    }
    place.same("count", expected.count, got.count, || Scope::Request)?;
    place.same("more", expected.more, got.more, || Scope::Request)
}

/// Compares the keys that a range shows. Keys with equal sort values may come in any order; if the
/// limit cuts through such keys, any of them may be shown.
fn kvs(
    place: &Place<'_>,
    request: &RangeRequest,
    expected: &RangeResponse,
    got: &RangeResponse,
) -> Verdict {
    let known: BTreeMap<&Blob, &KeyValue> = expected.kvs.iter().map(|kv| (&kv.key, kv)).collect();
    for (index, kv) in got.kvs.iter().enumerate() {
        if let Some(known) = known.get(&kv.key) {
            let place = Place { outer: Some(place), step: Step::Kv("kvs", index) };
            key_value(&place, known, kv)?;
        } else if request.limit == 0 {
            let place = Place { outer: Some(place), step: Step::Kv("kvs", index) };
            let scope = Scope::Key(kv.key.clone());
            return Err(place.wrong("", &"absent", &Shown(kv), scope));
        }
    }
    let shown: BTreeMap<&Blob, &KeyValue> = got.kvs.iter().map(|kv| (&kv.key, kv)).collect();
    if request.limit == 0
        && let Some(kv) = expected.kvs.iter().find(|kv| !shown.contains_key(&kv.key))
    {
        let scope = Scope::Key(kv.key.clone());
        return Err(place.wrong("kvs", &Shown(kv), &"without it", scope));
    }
    let (must, is) = (expected.kvs.len(), got.kvs.len());
    place.same("kvs.length", must, is, || Scope::Request)?;
    if shown.len() != is {
        return Err(place.wrong("kvs", &"each once", &"a key twice", Scope::Nothing));
    }
    let ties = request.sort_target != SortTarget::Key;
    let last = expected.kvs.last();
    for (index, (must, is)) in expected.kvs.iter().zip(&got.kvs).enumerate() {
        let tie = ties && order(request, must, is) == Ordering::Equal;
        let cut =
            expected.more && last.is_some_and(|last| order(request, last, must) == Ordering::Equal);
        if must.key != is.key && !(tie && (cut || known.contains_key(&is.key))) {
            let place = Place { outer: Some(place), step: Step::Kv("kvs", index) };
            let sorted = request.sort_order != SortOrder::None || ties;
            let scope = if request.limit == 0 && !sorted {
                Scope::Nothing // the same keys in another order
            } else {
                Scope::Request
            };
            return Err(place.wrong("key", &must.key, &is.key, scope));
        }
    }
    Ok(())
}

fn put(place: &Place<'_>, expected: &PutResponse, got: &PutResponse) -> Verdict {
    header(place, expected.header, got.header)?;
    match (&expected.prev_kv, &got.prev_kv) {
        (Some(expected), Some(got)) => {
            key_value(&Place { outer: Some(place), step: Step::PrevKv }, expected, got)
        }
        (None, Some(got)) => {
            let scope = Scope::Key(got.key.clone());
            Err(place.wrong("prev_kv", &"absent", &Shown(got), scope))
        }
        (Some(expected), None) => {
            let scope = Scope::Key(expected.key.clone());
            Err(place.wrong("prev_kv", &Shown(expected), &"absent", scope))
        }
        (None, None) => Ok(()),
    }
}

fn delete_range(
    place: &Place<'_>,
    expected: &DeleteRangeResponse,
    got: &DeleteRangeResponse,
) -> Verdict {
    header(place, expected.header, got.header)?;
    for (index, pair) in expected.prev_kvs.iter().zip(&got.prev_kvs).enumerate() {
        key_value(
            &Place { outer: Some(place), step: Step::Kv("prev_kvs", index) },
            pair.0,
            pair.1,
        )?;
    }
    place.same("deleted", expected.deleted, got.deleted, || Scope::Request)?;
    let (must, is) = (expected.prev_kvs.len(), got.prev_kvs.len());
    place.same("prev_kvs.length", must, is, || Scope::Request)
}

fn txn(
    place: &Place<'_>,
    request: &TxnRequest,
    expected: &TxnResponse,
    got: &TxnResponse,
) -> Verdict {
    place.same("succeeded", expected.succeeded, got.succeeded, || Scope::Request)?;
    let (must, is) = (expected.responses.len(), got.responses.len());
    place.same("responses.length", must, is, || Scope::Nothing)?;
    let ops = if expected.succeeded { &request.success } else { &request.failure };
    let answers = expected.responses.iter().zip(&got.responses);
    for (index, (op, (expected, got))) in ops.iter().zip(answers).enumerate() {
        let inner = Place { outer: Some(place), step: Step::Response(index) };
        match (op, expected, got) {
            (RequestOp::Range(request), ResponseOp::Range(expected), ResponseOp::Range(got)) => {
                range(&inner, request, expected, got)?;
            }
            (_, ResponseOp::Put(expected), ResponseOp::Put(got)) => put(&inner, expected, got)?,
            (_, ResponseOp::DeleteRange(expected), ResponseOp::DeleteRange(got)) => {
                delete_range(&inner, expected, got)?;
            }
            (RequestOp::Txn(request), ResponseOp::Txn(expected), ResponseOp::Txn(got)) => {
                txn(&inner, request, expected, got)?;
            }
            _ => {
                let must = &"an answer of the operation's kind";
                return Err(inner.wrong("", must, &"another", Scope::Nothing));
            }
        }
    }
    Ok(())
}

fn key_value(place: &Place<'_>, expected: &KeyValue, got: &KeyValue) -> Verdict {
    if expected == got {
        return Ok(());
    }
    let scope = || Scope::Key(expected.key.clone());
    place.same("key", &expected.key, &got.key, || Scope::Request)?;
    place.same("mod_revision", expected.mod_revision, got.mod_revision, scope)?;
    place.same("value", &expected.value, &got.value, scope)?;
    place.same("create_revision", expected.create_revision, got.create_revision, scope)?;
    place.same("version", expected.version, got.version, scope)?;
    place.same("lease", expected.lease, got.lease, scope)
}

/// A key and its versions in a message.
struct Shown<'a>(&'a KeyValue);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kv = self.0;
        let quoted = if kv.value.is_empty() { "\"\"" } else { "" };
        write!(f, "{}={quoted}{} (mod_revision {})", kv.key, kv.value, kv.mod_revision)
    }
}

//! Applies a request to the store: the changes it makes, and the answer that etcd must give.

use std::collections::VecDeque;

use super::{Span, Store, View, holds};
use crate::history::{
    DeleteRangeRequest, DeleteRangeResponse, Header, LeaseGrantResponse, LeaseRevokeResponse,
    PutRequest, PutResponse, RangeRequest, RangeResponse, Request, RequestOp, Response, ResponseOp,
    TxnRequest, TxnResponse,
};

/// Why the store refuses a request that is well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `ignore_value` or `ignore_lease` on a key that does not exist.
    KeyNotFound,
    /// A put with a lease that is over, or the revocation of such a lease.
    LeaseNotFound,
    /// A read of a revision that the store has not reached.
    FutureRevision,
    /// An operation outside the model.
    NotModelled,
}

impl Refusal {
    /// Etcd's own text.
    pub fn text(self) -> &'static str {
        match self {
            Refusal::KeyNotFound => "etcdserver: key not found",
            Refusal::LeaseNotFound => "etcdserver: requested lease not found",
            Refusal::FutureRevision => "etcdserver: mvcc: required revision is a future revision",
            Refusal::NotModelled => "not an operation of the key space",
        }
    }
}

impl Store {
    /// Applies a request and answers it. The answer has no header at the top: the header must name
    /// the store's revision after the request. A refused request changes nothing.
    pub fn execute(&mut self, request: &Request) -> Result<Response, Refusal> {
        let mark = self.mark();
        let response = match request {
            Request::Range(request) => Response::Range(self.read(request)?),
            Request::Put(request) => {
                put_refusal(self.now(), request)?;
                Response::Put(self.put(request))
            }
            Request::DeleteRange(request) => Response::DeleteRange(self.delete_range(request)),
            Request::Txn(request) => {
                let mut path = VecDeque::new();
                decide(self.now(), request, &mut path);
                refusal_on(self.now(), request, &mut path.clone())?;
                Response::Txn(self.txn(request, &mut path, mark))
            }
            // The last revision may be this revocation itself, which ended the lease. So ask for
            // the revision before.
            Request::LeaseRevoke(lease) if self.leases.over(lease.id, self.revision() - 1) => {
                return Err(Refusal::LeaseNotFound);
            }
            Request::LeaseRevoke(lease) => {
                self.revoke(lease.id);
                Response::LeaseRevoke(LeaseRevokeResponse::default())
            }
            // The key space does not know whether a lease was granted.
            Request::LeaseGrant(_) => Response::LeaseGrant(LeaseGrantResponse::default()),
            _ => return Err(Refusal::NotModelled),
        };
        self.close(mark);
        Ok(response)
    }

    fn read(&self, request: &RangeRequest) -> Result<RangeResponse, Refusal> {
        if request.revision > self.revision() {
            return Err(Refusal::FutureRevision);
        }
        Ok(self.past(request).range(request))
    }

    /// The state that a range reads: the present state, with the changes of its own transaction so
    /// far, or a past revision.
    fn past(&self, request: &RangeRequest) -> View<'_> {
        View::new(self, (request.revision > 0).then_some(request.revision))
    }

    fn put(&mut self, request: &PutRequest) -> PutResponse {
        let now = self.now().get(&request.key);
        let prev_kv = now.filter(|_| request.prev_kv).map(|version| version.of(&request.key));
        let value = match now {
            Some(version) if request.ignore_value => version.value.clone(),
            _ => request.value.clone(),
        };
        let lease = match now {
            Some(version) if request.ignore_lease => version.lease,
            _ => request.lease,
        };
        self.write(&request.key, value, lease);
        PutResponse { header: None, prev_kv }
    }

    fn delete_range(&mut self, request: &DeleteRangeRequest) -> DeleteRangeResponse {
        let found = self.now().within(&Span::new(&request.key, &request.range_end));
        let deleted = found.len() as i64;
        let kvs: Vec<_> = found.iter().map(|(key, version)| version.of(key)).collect();
        for kv in &kvs {
            self.erase(&kv.key);
        }
        let prev_kvs = if request.prev_kv { kvs } else { Vec::new() };
        DeleteRangeResponse { header: None, deleted, prev_kvs }
    }

    fn txn(&mut self, request: &TxnRequest, path: &mut VecDeque<bool>, mark: usize) -> TxnResponse {
        let succeeded = path.pop_front().unwrap_or(true);
        let mut responses = Vec::new();
        for op in if succeeded { &request.success } else { &request.failure } {
            let mut response = match op {
                RequestOp::Range(request) => ResponseOp::Range(self.past(request).range(request)),
                RequestOp::Put(request) => ResponseOp::Put(self.put(request)),
                RequestOp::DeleteRange(request) => {
                    ResponseOp::DeleteRange(self.delete_range(request))
                }
                RequestOp::Txn(request) => ResponseOp::Txn(self.txn(request, path, mark)),
            };
            let changed = i64::from(self.mark() > mark);
            let header = Header { revision: self.revision() + changed, ..Header::default() };
            match &mut response {
                ResponseOp::Range(range) => range.header = Some(header),
                ResponseOp::Put(put) => put.header = Some(header),
                ResponseOp::DeleteRange(delete) => delete.header = Some(header),
                ResponseOp::Txn(_) => {}
            }
            responses.push(response);
        }
        TxnResponse { header: None, succeeded, responses }
    }
}

/// The branches taken by the transaction and by nested transactions, the outer one first. All
/// conditions are evaluated on the state before the first operation.
///
/// # Source
/// etcd `server/etcdserver/txn`, `compareToPath`.
fn decide(view: View<'_>, request: &TxnRequest, path: &mut VecDeque<bool>) {
    let succeeded = request.compare.iter().all(|compare| holds(view, compare));
    path.push_back(succeeded);
    for op in if succeeded { &request.success } else { &request.failure } {
        if let RequestOp::Txn(inner) = op {
            decide(view, inner, path);
        }
    }
}

fn put_refusal(view: View<'_>, request: &PutRequest) -> Result<(), Refusal> {
    let keeps = request.ignore_value || request.ignore_lease;
    if keeps && view.get(&request.key).is_none() {
        return Err(Refusal::KeyNotFound);
    }
    if request.lease != 0 && view.store.leases.over(request.lease, view.revision()) {
        return Err(Refusal::LeaseNotFound);
    }
    Ok(())
}

/// Whether an operation on the branches taken is refused. One refusal refuses the whole
/// transaction.
fn refusal_on(
    view: View<'_>,
    request: &TxnRequest,
    path: &mut VecDeque<bool>,
) -> Result<(), Refusal> {
    let succeeded = path.pop_front().unwrap_or(true);
    for op in if succeeded { &request.success } else { &request.failure } {
        match op {
            RequestOp::Put(request) => put_refusal(view, request)?,
            RequestOp::Range(request) if request.revision > view.revision() => {
                return Err(Refusal::FutureRevision);
            }
            RequestOp::Txn(request) => refusal_on(view, request, path)?,
            RequestOp::Range(_) | RequestOp::DeleteRange(_) => {}
        }
    }
    Ok(())
}

/// The reason for which a request would be refused on a view, if any.
pub(super) fn refusal(view: View<'_>, request: &Request) -> Option<Refusal> {
    match request {
        Request::Range(request) => {
            (request.revision > view.revision()).then_some(Refusal::FutureRevision)
        }
        Request::Put(request) => put_refusal(view, request).err(),
        Request::Txn(request) => {
            let mut path = VecDeque::new();
            decide(view, request, &mut path);
            refusal_on(view, request, &mut path).err()
        }
        _ => None,
    }
}

impl View<'_> {
    /// The reason for which a request would be refused on this view, if any.
    pub fn refusal(&self, request: &Request) -> Option<Refusal> {
        refusal(*self, request)
    }

    /// The answer to a transaction of ranges, which a member may give from its own store.
    pub fn read_txn(&self, request: &TxnRequest) -> TxnResponse {
        let header = Some(Header { revision: self.revision(), ..Header::default() });
        let succeeded = request.compare.iter().all(|compare| holds(*self, compare));
        let chosen = if succeeded { &request.success } else { &request.failure };
        let ranges = chosen.iter().filter_map(|op| match op {
            RequestOp::Range(range) => Some(range),
            _ => None,
        });
        let answers = ranges.map(|range| RangeResponse { header, ..self.past(range).range(range) });
        let responses = answers.map(ResponseOp::Range).collect();
        TxnResponse { header: None, succeeded, responses }
    }

    /// The state that a range reads, seen from this view.
    pub fn past(&self, request: &RangeRequest) -> View<'_> {
        if request.revision > 0 { View { at: Some(request.revision), ..*self } } else { *self }
    }
}

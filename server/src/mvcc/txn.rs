//! Transactions: decide all comparisons, check what was decided, then do it.
//!
//! # Source
//! etcd `txn/txn.go`. Every comparison, also those of transactions inside, is decided on the state
//! before the first operation; so are the checks that can refuse the whole. An operation sees the
//! changes of earlier operations of the same transaction.

use redb::ReadableTable;

use super::range::View;
use super::record::RecordKey;
use super::write::check_lease;
use super::{Applies, StoreError, Writer};
use crate::command::{
    RangeRequest, RangeResponse, Rejected, RequestOp, ResponseOp, TxnRequest, TxnResponse,
};

/// The branch that runs, and the branch of every transaction nested in it.
pub(crate) struct Decision {
    succeeded: bool,
    inside: Vec<Decision>,
}

impl TxnRequest {
    /// Whether no branch, here or inside, can change anything.
    pub fn is_read_only(&self) -> bool {
        self.success.iter().chain(&self.failure).all(|op| match op {
            RequestOp::Range(_) => true,
            RequestOp::Put(_) | RequestOp::DeleteRange(_) => false,
            RequestOp::Txn(inside) => inside.is_read_only(),
        })
    }

    fn branch(&self, decision: &Decision) -> &[RequestOp] {
        if decision.succeeded { &self.success } else { &self.failure }
    }
}

impl<T: ReadableTable<RecordKey, &'static [u8]>> View<'_, T> {
    pub(crate) fn decide(&self, request: &TxnRequest) -> Result<Decision, StoreError> {
        let mut succeeded = true;
        for compare in &request.compare {
            succeeded = succeeded && self.holds(compare)?;
        }
        let mut decision = Decision { succeeded, inside: Vec::new() };
        for op in request.branch(&decision) {
            if let RequestOp::Txn(inside) = op {
                let inside = self.decide(inside)?;
                decision.inside.push(inside);
            }
        }
        Ok(decision)
    }

    /// Whether every operation that was decided on can happen: of all puts first, then of all reads.
    pub(crate) fn check(&self, request: &TxnRequest, decision: &Decision) -> Result<(), Rejected> {
        check_ops(request, decision, &|op| match op {
            RequestOp::Put(put) => self.check_kept(put).and_then(|()| check_lease(put)),
            _ => Ok(()),
        })?;
        check_ops(request, decision, &|op| match op {
            RequestOp::Range(range) => self.check_revision(range),
            _ => Ok(()),
        })
    }

    fn check_revision(&self, request: &RangeRequest) -> Result<(), Rejected> {
        if request.revision == 0 {
            Ok(())
        } else if request.revision > self.revision {
            Err(Rejected::FutureRevision)
        } else if request.revision < self.memory.state.compact_revision {
            Err(Rejected::Compacted)
        } else {
            Ok(())
        }
    }

    /// Runs a transaction that only reads.
    pub(crate) fn read_txn(&self, request: &TxnRequest) -> Applies<TxnResponse> {
        assert!(request.is_read_only(), "only transactions that read are run beside the log");
        let decision = self.decide(request)?;
        if let Err(rejected) = self.check(request, &decision) {
            return Ok(Err(rejected));
        }
        let mut response = self.read_ops(request, &decision)?;
        response.revision = self.revision;
        Ok(Ok(response))
    }

    fn read_ops(
        &self,
        request: &TxnRequest,
        decision: &Decision,
    ) -> Result<TxnResponse, StoreError> {
        let mut inside = decision.inside.iter();
        let mut responses = Vec::new();
        for op in request.branch(decision) {
            responses.push(match op {
                RequestOp::Range(range) => ResponseOp::Range(self.checked_range(range)?),
                RequestOp::Txn(txn) => ResponseOp::Txn(self.read_ops(txn, next(&mut inside))?),
                RequestOp::Put(_) | RequestOp::DeleteRange(_) => {
                    unreachable!("asserted to be read-only")
                }
            });
        }
        Ok(TxnResponse { revision: 0, succeeded: decision.succeeded, responses })
    }

    fn checked_range(&self, request: &RangeRequest) -> Result<RangeResponse, StoreError> {
        Ok(self.range(request)?.expect("the revision was checked before the first operation"))
    }
}

impl Writer<'_> {
    /// Runs a transaction. A transaction inside answers with revision 0, as in etcd.
    pub(crate) fn txn(&mut self, request: &TxnRequest) -> Applies<TxnResponse> {
        let decision = self.view().decide(request)?;
        if let Err(rejected) = self.view().check(request, &decision) {
            return Ok(Err(rejected));
        }
        let mut response = self.run_ops(request, &decision)?;
        response.revision = self.view().revision;
        Ok(Ok(response))
    }

    fn run_ops(
        &mut self,
        request: &TxnRequest,
        decision: &Decision,
    ) -> Result<TxnResponse, StoreError> {
        let mut inside = decision.inside.iter();
        let mut responses = Vec::new();
        for op in request.branch(decision) {
            responses.push(match op {
                RequestOp::Range(range) => ResponseOp::Range(self.view().checked_range(range)?),
                RequestOp::Put(put) => ResponseOp::Put(self.put(put)?),
                RequestOp::DeleteRange(delete) => {
                    ResponseOp::DeleteRange(self.delete_range(delete)?)
                }
                RequestOp::Txn(txn) => ResponseOp::Txn(self.run_ops(txn, next(&mut inside))?),
            });
        }
        Ok(TxnResponse { revision: 0, succeeded: decision.succeeded, responses })
    }
}

fn check_ops(
    request: &TxnRequest,
    decision: &Decision,
    check: &dyn Fn(&RequestOp) -> Result<(), Rejected>,
) -> Result<(), Rejected> {
    let mut inside = decision.inside.iter();
    for op in request.branch(decision) {
        check(op)?;
        if let RequestOp::Txn(txn) = op {
            check_ops(txn, next(&mut inside), check)?;
        }
    }
    Ok(())
}

fn next<'d>(inside: &mut impl Iterator<Item = &'d Decision>) -> &'d Decision {
    inside.next().expect("one decision for each transaction inside")
}

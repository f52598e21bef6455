//! What etcd refuses before it asks the cluster, in etcd's order, and so on the wire's messages.
//!
//! # Source
//! etcd `v3rpc/key.go`, with its order of checks.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use mettle_api::etcdserverpb::request_op::Request;
use mettle_api::etcdserverpb::{
    DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest,
};

use super::Refusal;

pub(super) fn range(request: &RangeRequest) -> Result<(), Refusal> {
    key_given(&request.key)
}

pub(super) fn put(request: &PutRequest) -> Result<(), Refusal> {
    key_given(&request.key)?;
    if request.ignore_value && !request.value.is_empty() {
        return Err(Refusal::ValueProvided);
    }
    if request.ignore_lease && request.lease != 0 {
        return Err(Refusal::LeaseProvided);
    }
    Ok(())
}

pub(super) fn delete_range(request: &DeleteRangeRequest) -> Result<(), Refusal> {
    key_given(&request.key)
}

/// Checks a transaction with those inside it.
pub(super) fn txn(request: &TxnRequest, ops_max: usize) -> Result<(), Refusal> {
    shape(request, ops_max)?;
    // Only one branch runs: both may change the same key.
    changes(&request.success)?;
    changes(&request.failure)?;
    Ok(())
}

fn key_given(key: &Bytes) -> Result<(), Refusal> {
    if key.is_empty() { Err(Refusal::EmptyKey) } else { Ok(()) }
}

/// The longest of the three lists counts, and a transaction inside has what that leaves.
fn shape(request: &TxnRequest, ops_max: usize) -> Result<(), Refusal> {
    let ops = request.compare.len().max(request.success.len()).max(request.failure.len());
    let ops_left = ops_max.checked_sub(ops).ok_or(Refusal::TooManyOps)?;
    for compare in &request.compare {
        key_given(&compare.key)?;
    }
    for op in request.success.iter().chain(&request.failure) {
        match &op.request {
            Some(Request::RequestRange(request)) => range(request)?,
            Some(Request::RequestPut(request)) => put(request)?,
            Some(Request::RequestDeleteRange(request)) => delete_range(request)?,
            Some(Request::RequestTxn(request)) => shape(request, ops_left)?,
            // The text that etcd gives to an operation that is none.
            None => return Err(Refusal::KeyNotFound),
        }
    }
    Ok(())
}

/// The keys that a branch changes, nested transactions included.
#[derive(Default)]
struct Changes<'a> {
    puts: BTreeSet<&'a [u8]>,
    deletes: Deletes<'a>,
}

impl<'a> Changes<'a> {
    fn put(&mut self, key: &'a [u8]) -> Result<(), Refusal> {
        if self.deletes.touch(key) || !self.puts.insert(key) {
            return Err(Refusal::DuplicateKey);
        }
        Ok(())
    }
}

/// Keys that are deleted: single ones, and intervals from start to end that do not meet.
///
/// To etcd the end `\0` ("every key from here on") is an end like any other here, which makes an
/// empty interval: "delete everything, then put" is allowed in one transaction.
#[derive(Default)]
struct Deletes<'a> {
    keys: BTreeSet<&'a [u8]>,
    intervals: BTreeMap<&'a [u8], &'a [u8]>,
}

impl<'a> Deletes<'a> {
    fn add(&mut self, delete: &'a DeleteRangeRequest) {
        if delete.range_end.is_empty() {
            self.keys.insert(&delete.key);
        } else {
            self.add_interval(&delete.key, &delete.range_end);
        }
    }

    fn add_all(&mut self, other: Deletes<'a>) {
        self.keys.extend(other.keys);
        for (start, end) in other.intervals {
            self.add_interval(start, end);
        }
    }

    fn add_interval(&mut self, mut start: &'a [u8], mut end: &'a [u8]) {
        if start >= end {
            return;
        }
        // From the last one that begins at or before the end, backwards as long as they meet.
        while let Some((&other_start, &other_end)) = self.intervals.range(..=end).next_back()
            && other_end >= start
        {
            self.intervals.remove(other_start);
            start = start.min(other_start);
            end = end.max(other_end);
        }
        self.intervals.insert(start, end);
    }

    fn touch(&self, key: &[u8]) -> bool {
        let before = self.intervals.range(..=key).next_back();
        self.keys.contains(key) || before.is_some_and(|(_, &end)| key < end)
    }
}

/// Refuses a branch that puts a key twice, or puts and deletes it.
///
/// Deletes of this level come first, then each transaction inside with both of its branches, then
/// puts of this level. A later transaction's deletes are not held against an earlier one's puts.
fn changes(ops: &[RequestOp]) -> Result<Changes<'_>, Refusal> {
    let mut all = Changes::default();
    for op in ops {
        if let Some(Request::RequestDeleteRange(delete)) = &op.request {
            all.deletes.add(delete);
        }
    }
    for op in ops {
        let Some(Request::RequestTxn(inside)) = &op.request else { continue };
        let then = changes(&inside.success)?;
        let otherwise = changes(&inside.failure)?;
        for key in then.puts.union(&otherwise.puts) {
            all.put(key)?;
        }
        all.deletes.add_all(then.deletes);
        all.deletes.add_all(otherwise.deletes);
    }
    for op in ops {
        if let Some(Request::RequestPut(put)) = &op.request {
            all.put(&put.key)?;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests;

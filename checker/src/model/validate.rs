//! Validates requests as etcd does before it asks the store.
//!
//! # Source
//! etcd `v3rpc/key.go` for the rules and their order, `etcdserver/v3_server.go` for the size of a
//! write, `lease/lessor.go` for the longest time to live.

use std::collections::BTreeSet;

use crate::cluster_settings::ClusterSettings;
use crate::history::{
    Blob, DeleteRangeRequest, Operand, PlainOp, PutRequest, Request, RequestOp, TxnPart, TxnRequest,
};

/// The longest time to live of a lease, in seconds.
const MAX_TTL: i64 = 9_000_000_000;

/// The most bytes that the wire adds to an operation or a condition: tags, lengths, numbers.
const OVERHEAD: u64 = 64;

/// Why etcd refuses a request before the store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// A key is empty.
    EmptyKey,
    /// A value beside `ignore_value`.
    ValueProvided,
    /// A lease beside `ignore_lease`.
    LeaseProvided,
    /// A transaction with too many operations.
    TooManyOps,
    /// A transaction that changes a key twice.
    DuplicateKey,
    /// A write with too many bytes.
    TooLarge,
    /// A grant for too long.
    TtlTooLarge,
}

impl Invalid {
    /// Every reason.
    pub const ALL: [Invalid; 7] = [
        Invalid::EmptyKey,
        Invalid::ValueProvided,
        Invalid::LeaseProvided,
        Invalid::TooManyOps,
        Invalid::DuplicateKey,
        Invalid::TooLarge,
        Invalid::TtlTooLarge,
    ];

    /// Etcd's own text.
    pub fn text(self) -> &'static str {
        match self {
            Invalid::EmptyKey => "etcdserver: key is not provided",
            Invalid::ValueProvided => "etcdserver: value is provided",
            Invalid::LeaseProvided => "etcdserver: lease is provided",
            Invalid::TooManyOps => "etcdserver: too many operations in txn request",
            Invalid::DuplicateKey => "etcdserver: duplicate key given in txn request",
            Invalid::TooLarge => "etcdserver: request is too large",
            Invalid::TtlTooLarge => "etcdserver: too large lease TTL",
        }
    }
}

/// What validation makes of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Why the request must be refused; the first reason in etcd's order.
    pub refused: Option<Invalid>,
    /// Reasons for which etcd may refuse the request: what decides is not recorded, or is a quirk.
    pub perhaps: Vec<Invalid>,
}

/// Validates a request.
pub fn validate(request: &Request, settings: &ClusterSettings) -> Validity {
    let mut perhaps = Vec::new();
    let refused = refused(request, settings, &mut perhaps);
    Validity { refused: refused.err(), perhaps }
}

fn refused(
    request: &Request,
    settings: &ClusterSettings,
    perhaps: &mut Vec<Invalid>,
) -> Result<(), Invalid> {
    match request {
        Request::Range(range) => key_given(&range.key)?,
        Request::Put(request) => put(request)?,
        Request::DeleteRange(delete) => key_given(&delete.key)?,
        Request::Txn(request) => {
            shape(request, settings.max_txn_ops)?;
            for branch in [&request.success, &request.failure] {
                let written = written(branch)?;
                if written.unclear && !perhaps.contains(&Invalid::DuplicateKey) {
                    perhaps.push(Invalid::DuplicateKey);
                }
            }
        }
        Request::LeaseGrant(grant) if grant.ttl > MAX_TTL => return Err(Invalid::TtlTooLarge),
        _ => {}
    }
    let most = settings.max_request_bytes;
    let (least, parts) = size(request);
    if least > most {
        return Err(Invalid::TooLarge);
    }
    if least > 0 && least.saturating_add(OVERHEAD * (parts + 1)) > most {
        perhaps.push(Invalid::TooLarge);
    }
    Ok(())
}

fn key_given(key: &Blob) -> Result<(), Invalid> {
    if key.is_empty() { Err(Invalid::EmptyKey) } else { Ok(()) }
}

fn put(put: &PutRequest) -> Result<(), Invalid> {
    key_given(&put.key)?;
    if put.ignore_value && !put.value.is_empty() {
        return Err(Invalid::ValueProvided);
    }
    if put.ignore_lease && put.lease != 0 {
        return Err(Invalid::LeaseProvided);
    }
    Ok(())
}

/// The longest list of a transaction counts against `left`; a transaction inside has the rest.
fn shape(txn: &TxnRequest, left: usize) -> Result<(), Invalid> {
    let longest = [txn.compare.len(), txn.success.len(), txn.failure.len()].into_iter().max();
    let left = left.checked_sub(longest.unwrap_or(0)).ok_or(Invalid::TooManyOps)?;
    txn.compare.iter().try_for_each(|compare| key_given(&compare.key))?;
    txn.success.iter().chain(&txn.failure).try_for_each(|op| match op {
        RequestOp::Range(range) => key_given(&range.key),
        RequestOp::Put(request) => put(request),
        RequestOp::DeleteRange(delete) => key_given(&delete.key),
        RequestOp::Txn(inner) => shape(inner, left),
    })
}

/// The keys that a list of operations changes.
#[derive(Default)]
struct Written<'a> {
    puts: BTreeSet<&'a Blob>,
    deletes: Vec<&'a DeleteRangeRequest>,
    /// Whether an empty interval may count as a deletion of its first key.
    unclear: bool,
}

impl<'a> Written<'a> {
    fn put(&mut self, key: &'a Blob) -> Result<(), Invalid> {
        let deleted = self.deletes.iter().map(|delete| deletes(delete, key));
        for deleted in deleted {
            match deleted {
                Some(true) => return Err(Invalid::DuplicateKey),
                Some(false) => {}
                None => self.unclear = true,
            }
        }
        if self.puts.insert(key) { Ok(()) } else { Err(Invalid::DuplicateKey) }
    }
}

/// Whether a deletion counts as one of a key. The end `\0` is an end like any other here, and makes
/// an empty interval; of such an interval etcd's tree finds the first key or not.
fn deletes(delete: &DeleteRangeRequest, key: &Blob) -> Option<bool> {
    let (first, end) = (delete.key.as_slice(), delete.range_end.as_slice());
    let key = key.as_slice();
    if end.is_empty() {
        return Some(first == key);
    }
    if first >= end {
        return if first <= key { None } else { Some(false) };
    }
    Some(first <= key && key < end)
}

/// Deletions of this list come first, then each transaction inside with both its lists, then the
/// puts of this list.
fn written(ops: &[RequestOp]) -> Result<Written<'_>, Invalid> {
    let mut all = Written::default();
    all.deletes.extend(ops.iter().filter_map(|op| match op {
        RequestOp::DeleteRange(delete) => Some(delete),
        _ => None,
    }));
    for op in ops {
        let RequestOp::Txn(inner) = op else { continue };
        let (then, otherwise) = (written(&inner.success)?, written(&inner.failure)?);
        // Only one list of the two runs, so both may put a key.
        for key in then.puts.union(&otherwise.puts) {
            all.put(key)?;
        }
        all.deletes.extend(then.deletes.into_iter().chain(otherwise.deletes));
        all.unclear |= then.unclear || otherwise.unclear;
    }
    for op in ops {
        if let RequestOp::Put(put) = op {
            all.put(&put.key)?;
        }
    }
    Ok(all)
}

/// The bytes of keys and values in a write, and the number of its parts; 0 for what is not written
/// to the log, which has no limit.
fn size(request: &Request) -> (u64, u64) {
    let writes = request.ops().any(|op| !matches!(op, PlainOp::Range(_)));
    if !writes {
        return (0, 0);
    }
    let bytes = |blobs: &[&Blob]| blobs.iter().map(|blob| blob.len() as u64).sum::<u64>();
    let op = |op: PlainOp<'_>| match op {
        PlainOp::Range(range) => bytes(&[&range.key, &range.range_end]),
        PlainOp::Put(put) => bytes(&[&put.key, &put.value]),
        PlainOp::DeleteRange(delete) => bytes(&[&delete.key, &delete.range_end]),
    };
    let Request::Txn(txn) = request else {
        return (request.ops().map(op).sum(), 1);
    };
    let sizes = txn.parts().map(|part| match part {
        TxnPart::Op(inner) => op(inner),
        TxnPart::Compare(compare) => {
            let operand = match &compare.operand {
                Operand::Value(value) => value.len() as u64,
                _ => 0,
            };
            operand + bytes(&[&compare.key, &compare.range_end])
        }
    });
    // The transactions inside add tags and lengths of their own.
    sizes.fold((0, 256), |(bytes, parts), size| (bytes + size, parts + 2))
}

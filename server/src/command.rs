//! What a client may ask of the store and what it answers, free of protobuf.
//!
//! These are the words that `api/` translates to and from the wire, that the log carries (as
//! the bytes of [`Command::encode`]) and that `apply` turns into changes of `mvcc`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::identity::Life;

mod image;
mod proposable;

pub use image::{ImageError, VERSION};
pub use proposable::Proposable;

/// One entry of the log, as the state machine sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Who proposes, and for whom.
    pub header: Header,
    /// What to do.
    pub body: Body,
}

/// Who proposes a command, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Names the proposal: the member where a client waits can answer it, and a copy is not applied.
    pub id: ProposalId,
    /// The user in whose name the command is proposed; empty without auth.
    pub user: String,
    /// The auth store's revision at which the user's rights were looked up; 0 without auth.
    pub auth_revision: u64,
}

impl Header {
    /// A header of a cluster without auth.
    pub fn of(id: ProposalId) -> Header {
        Header { id, user: String::new(), auth_revision: 0 }
    }
}

/// A proposal's name: no two proposals of a cluster share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProposalId {
    /// The member that proposed.
    pub member: u64,
    /// Which start of that member.
    pub boot: u64,
    /// Counts the proposals of that start, from 1.
    pub sequence: u64,
}

/// The kinds of change. New kinds are added at the end: the log outlives the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Put one key.
    Put(PutRequest),
    /// Delete a range.
    DeleteRange(DeleteRangeRequest),
    /// Compare, then do one of two lists.
    Txn(TxnRequest),
    /// Forget history below a revision.
    Compact(CompactRequest),
    /// A member says how it is called and where clients reach it.
    Publish(Attributes),
}

/// What a member tells the cluster of itself when it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Its id.
    pub member: u64,
    /// Its name.
    pub name: String,
    /// Where clients reach it.
    pub client_urls: Vec<String>,
    /// Its disk and its process.
    pub life: Life,
}

/// Keys `[key, range_end)`; the meaning of special ends is etcd's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// First key.
    pub key: Bytes,
    /// Empty: just `key`. `\0`: every key from `key` on. Else the first key not included.
    pub range_end: Bytes,
}

/// # Source
/// etcd `rpc.proto`, `RangeRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeRequest {
    /// What to read.
    pub range: KeyRange,
    /// 0 for no limit.
    pub limit: i64,
    /// 0 or below for now.
    pub revision: i64,
    /// How to order.
    pub sort: Option<(SortTarget, SortOrder)>,
    /// Answered from the local store without a quorum.
    pub serializable: bool,
    /// Leave values out.
    pub keys_only: bool,
    /// Only `count`.
    pub count_only: bool,
    /// Bounds on mod and create revision; 0 for none.
    pub min_mod_revision: i64,
    /// See above.
    pub max_mod_revision: i64,
    /// See above.
    pub min_create_revision: i64,
    /// See above.
    pub max_create_revision: i64,
}

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortTarget {
    /// By key.
    Key,
    /// By version.
    Version,
    /// By create revision.
    Create,
    /// By mod revision.
    Mod,
    /// By value.
    Value,
}

/// Which way to sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortOrder {
    /// Not said: smallest first, but a limit cuts (to itself and one more) before anything is sorted.
    ///
    /// # Source
    /// etcd `txn/range.go` lifts the limit for an order, not for a target; 3.4.23 answers so.
    None,
    /// Smallest first.
    Ascend,
    /// Greatest first.
    Descend,
}

/// # Source
/// etcd `rpc.proto`, `PutRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRequest {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// 0 for none.
    pub lease: i64,
    /// Answer with what was there before.
    pub prev_kv: bool,
    /// Keep the key's value (an error if there is no key).
    pub ignore_value: bool,
    /// Keep the key's lease (an error if there is no key).
    pub ignore_lease: bool,
}

/// # Source
/// etcd `rpc.proto`, `DeleteRangeRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRangeRequest {
    /// What to delete.
    pub range: KeyRange,
    /// Answer with what was there before.
    pub prev_kv: bool,
}

/// # Source
/// etcd `rpc.proto`, `TxnRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxnRequest {
    /// All must hold.
    pub compare: Vec<Compare>,
    /// Done when they do.
    pub success: Vec<RequestOp>,
    /// Done when they do not.
    pub failure: Vec<RequestOp>,
}

/// One operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestOp {
    /// Read.
    Range(RangeRequest),
    /// Put.
    Put(PutRequest),
    /// Delete.
    DeleteRange(DeleteRangeRequest),
    /// A transaction inside.
    Txn(TxnRequest),
}

/// One comparison; over a range it must hold for every key in it (and holds for none).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// Which keys.
    pub range: KeyRange,
    /// How.
    pub result: CompareResult,
    /// With what.
    pub target: CompareTarget,
}

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompareResult {
    /// `==`
    Equal,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `!=`
    NotEqual,
}

/// What to compare with. A missing key has version, revisions and lease 0; comparing its value fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompareTarget {
    /// The key's version.
    Version(i64),
    /// The key's create revision.
    Create(i64),
    /// The key's mod revision.
    Mod(i64),
    /// The key's value.
    Value(Bytes),
    /// The key's lease.
    Lease(i64),
}

/// # Source
/// etcd `rpc.proto`, `CompactionRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompactRequest {
    /// History below this goes.
    pub revision: i64,
    /// Answer only when it is physically gone.
    pub physical: bool,
}

/// A key with all that etcd says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// Revision of the put that created the key.
    pub create_revision: i64,
    /// Revision of the last change.
    pub mod_revision: i64,
    /// Puts since creation, from 1.
    pub version: i64,
    /// 0 for none.
    pub lease: i64,
}

/// Answer of a Range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeResponse {
    /// Store revision when it was read.
    pub revision: i64,
    /// What was found, ordered and limited.
    pub kvs: Vec<KeyValue>,
    /// Whether the limit cut something off.
    pub more: bool,
    /// How many keys lie in the range, whatever the limit.
    pub count: i64,
}

/// Answer of a Put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutResponse {
    /// Store revision after the put.
    pub revision: i64,
    /// What was there before, when asked for.
    pub prev_kv: Option<KeyValue>,
}

/// Answer of a DeleteRange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteRangeResponse {
    /// Store revision after the delete.
    pub revision: i64,
    /// How many keys were deleted.
    pub deleted: i64,
    /// What was there before, when asked for.
    pub prev_kvs: Vec<KeyValue>,
}

/// Answer of a Txn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxnResponse {
    /// Store revision after the transaction.
    pub revision: i64,
    /// Which branch ran.
    pub succeeded: bool,
    /// One answer for each operation of the branch that ran.
    pub responses: Vec<ResponseOp>,
}

/// Answer of one operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseOp {
    /// Of a Range.
    Range(RangeResponse),
    /// Of a Put.
    Put(PutResponse),
    /// Of a DeleteRange.
    DeleteRange(DeleteRangeResponse),
    /// Of a transaction inside.
    Txn(TxnResponse),
}

/// What applying one command answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Of a Put.
    Put(PutResponse),
    /// Of a DeleteRange.
    DeleteRange(DeleteRangeResponse),
    /// Of a Txn.
    Txn(TxnResponse),
    /// Of a Compact: the store's revision afterwards.
    Compact(i64),
    /// Of a Publish, which says nothing.
    Publish(()),
}

/// Why the state machine refused a command. Depends on the log alone, so all members agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The revision asked for is gone.
    #[error("required revision has been compacted")]
    Compacted,
    /// The revision asked for is not there yet.
    #[error("required revision is a future revision")]
    FutureRevision,
    /// Put with a lease that does not exist.
    #[error("requested lease not found")]
    LeaseNotFound,
    /// `ignore_value` or `ignore_lease` on a key that does not exist.
    #[error("key not found")]
    KeyNotFound,
    /// The backend is over its quota.
    #[error("database space exceeded")]
    NoSpace,
}

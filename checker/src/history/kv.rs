//! Requests and answers of etcd's KV service, with its own field names.

use serde::{Deserialize, Serialize};

use super::{Blob, Compare};

/// The header of an answer: the member that gave it, and the revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Header {
    /// The cluster's id.
    #[serde(skip_serializing_if = "super::is_default")]
    pub cluster_id: u64,
    /// The id of the member that answered.
    #[serde(skip_serializing_if = "super::is_default")]
    pub member_id: u64,
    /// The store's revision when the request was applied.
    pub revision: i64,
    /// The raft term when the request was applied.
    #[serde(skip_serializing_if = "super::is_default")]
    pub raft_term: u64,
}

/// A key as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyValue {
    /// The key.
    pub key: Blob,
    /// The value.
    #[serde(skip_serializing_if = "Blob::is_empty")]
    pub value: Blob,
    /// Revision of its creation.
    #[serde(skip_serializing_if = "super::is_default")]
    pub create_revision: i64,
    /// Revision of its last put.
    #[serde(skip_serializing_if = "super::is_default")]
    pub mod_revision: i64,
    /// Puts since the creation; the creation counts as 1.
    #[serde(skip_serializing_if = "super::is_default")]
    pub version: i64,
    /// The lease that the key is attached to, 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub lease: i64,
}

/// The sort order of a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SortOrder {
    /// By key, ascending, unless the target is not the key.
    #[default]
    None,
    /// Smallest first.
    Ascend,
    /// Greatest first.
    Descend,
}

/// The field that a range sorts by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SortTarget {
    /// By key.
    #[default]
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

/// Reads keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RangeRequest {
    /// First key.
    pub key: Blob,
    /// Empty: just `key`. One zero byte: every key from `key` on. Otherwise the first key not
    /// included.
    #[serde(skip_serializing_if = "Blob::is_empty")]
    pub range_end: Blob,
    /// The most keys in the answer, 0 for no limit.
    #[serde(skip_serializing_if = "super::is_default")]
    pub limit: i64,
    /// The revision to read; 0 or below for the present.
    #[serde(skip_serializing_if = "super::is_default")]
    pub revision: i64,
    /// The sort order.
    #[serde(skip_serializing_if = "super::is_default")]
    pub sort_order: SortOrder,
    /// The field to sort by.
    #[serde(skip_serializing_if = "super::is_default")]
    pub sort_target: SortTarget,
    /// Answer from the member's own store, without a quorum.
    #[serde(skip_serializing_if = "super::is_default")]
    pub serializable: bool,
    /// Leave values out.
    #[serde(skip_serializing_if = "super::is_default")]
    pub keys_only: bool,
    /// Answer with the count alone.
    #[serde(skip_serializing_if = "super::is_default")]
    pub count_only: bool,
    /// The lowest mod revision shown, 0 for no bound.
    #[serde(skip_serializing_if = "super::is_default")]
    pub min_mod_revision: i64,
    /// The greatest mod revision shown, 0 for no bound.
    #[serde(skip_serializing_if = "super::is_default")]
    pub max_mod_revision: i64,
    /// The lowest create revision shown, 0 for no bound.
    #[serde(skip_serializing_if = "super::is_default")]
    pub min_create_revision: i64,
    /// The greatest create revision shown, 0 for no bound.
    #[serde(skip_serializing_if = "super::is_default")]
    pub max_create_revision: i64,
}

/// The answer to a range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RangeResponse {
    /// Absent inside a transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The keys, up to the limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kvs: Vec<KeyValue>,
    /// Whether the limit cut keys off.
    #[serde(skip_serializing_if = "super::is_default")]
    pub more: bool,
    /// The number of keys in the range, beyond the limit too.
    pub count: i64,
}

/// Puts one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PutRequest {
    /// The key.
    pub key: Blob,
    /// The value.
    #[serde(skip_serializing_if = "Blob::is_empty")]
    pub value: Blob,
    /// The lease, 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub lease: i64,
    /// Answer with the key as it was before the put.
    #[serde(skip_serializing_if = "super::is_default")]
    pub prev_kv: bool,
    /// Keep the present value; an error for a missing key.
    #[serde(skip_serializing_if = "super::is_default")]
    pub ignore_value: bool,
    /// Keep the present lease; an error for a missing key.
    #[serde(skip_serializing_if = "super::is_default")]
    pub ignore_lease: bool,
}

/// The answer to a put.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PutResponse {
    /// Absent inside a transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The key before the put, if the request asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_kv: Option<KeyValue>,
}

/// Deletes keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteRangeRequest {
    /// First key.
    pub key: Blob,
    /// As in [`RangeRequest`].
    #[serde(skip_serializing_if = "Blob::is_empty")]
    pub range_end: Blob,
    /// Answer with the keys as they were before the deletion.
    #[serde(skip_serializing_if = "super::is_default")]
    pub prev_kv: bool,
}

/// The answer to a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteRangeResponse {
    /// Absent inside a transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The number of keys deleted.
    pub deleted: i64,
    /// The keys before the deletion, if the request asked for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prev_kvs: Vec<KeyValue>,
}

/// Evaluates conditions, then runs one of two lists of operations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TxnRequest {
    /// The conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compare: Vec<Compare>,
    /// The operations to run if all conditions hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub success: Vec<RequestOp>,
    /// The operations to run otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failure: Vec<RequestOp>,
}

/// One operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestOp {
    /// Read.
    #[serde(rename = "request_range")]
    Range(RangeRequest),
    /// Put.
    #[serde(rename = "request_put")]
    Put(PutRequest),
    /// Delete.
    #[serde(rename = "request_delete_range")]
    DeleteRange(DeleteRangeRequest),
    /// A nested transaction.
    #[serde(rename = "request_txn")]
    Txn(TxnRequest),
}

/// The answer to a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TxnResponse {
    /// Absent in a nested transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// Whether the list `success` ran.
    pub succeeded: bool,
    /// The answers to the operations of the list that ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<ResponseOp>,
}

/// The answer to one operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseOp {
    /// Read.
    #[serde(rename = "response_range")]
    Range(RangeResponse),
    /// Put.
    #[serde(rename = "response_put")]
    Put(PutResponse),
    /// Delete.
    #[serde(rename = "response_delete_range")]
    DeleteRange(DeleteRangeResponse),
    /// A nested transaction.
    #[serde(rename = "response_txn")]
    Txn(TxnResponse),
}

/// Compacts the history up to a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompactRequest {
    /// Reads below this revision fail from now on.
    pub revision: i64,
    /// Answer only once the space is free again.
    #[serde(skip_serializing_if = "super::is_default")]
    pub physical: bool,
}

/// The answer to a compaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompactResponse {
    /// The member read this revision after the compaction: it is an upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
}

//! Requests and answers of etcd's KV service, with its own field names.

use serde::{Deserialize, Serialize};

use super::{Blob, Compare};

/// What every answer says about the member that gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Header {
    /// Of the cluster.
    #[serde(skip_serializing_if = "super::is_default")]
    pub cluster_id: u64,
    /// Of the member that answered.
    #[serde(skip_serializing_if = "super::is_default")]
    pub member_id: u64,
    /// The store's revision when the request was applied.
    pub revision: i64,
    /// The term when it was applied.
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
    /// Puts since its creation, which is 1.
    #[serde(skip_serializing_if = "super::is_default")]
    pub version: i64,
    /// The lease it hangs on, 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub lease: i64,
}

/// How a range is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SortOrder {
    /// By key, ascending, unless the target is another than the key.
    #[default]
    None,
    /// Smallest first.
    Ascend,
    /// Greatest first.
    Descend,
}

/// What a range is ordered by.
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
    /// Empty: just `key`. One zero byte: every key from `key` on. Else the first key not included.
    #[serde(skip_serializing_if = "Blob::is_empty")]
    pub range_end: Blob,
    /// 0 for no limit.
    #[serde(skip_serializing_if = "super::is_default")]
    pub limit: i64,
    /// 0 or below for now.
    #[serde(skip_serializing_if = "super::is_default")]
    pub revision: i64,
    /// Which way to sort.
    #[serde(skip_serializing_if = "super::is_default")]
    pub sort_order: SortOrder,
    /// What to sort by.
    #[serde(skip_serializing_if = "super::is_default")]
    pub sort_target: SortTarget,
    /// Answered from the local store without a quorum.
    #[serde(skip_serializing_if = "super::is_default")]
    pub serializable: bool,
    /// Leave values out.
    #[serde(skip_serializing_if = "super::is_default")]
    pub keys_only: bool,
    /// Only `count`.
    #[serde(skip_serializing_if = "super::is_default")]
    pub count_only: bool,
    /// Lower bound of mod revisions shown, 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub min_mod_revision: i64,
    /// Upper bound of mod revisions shown, 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub max_mod_revision: i64,
    /// Lower bound of create revisions shown, 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub min_create_revision: i64,
    /// Upper bound of create revisions shown, 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub max_create_revision: i64,
}

/// What a range found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RangeResponse {
    /// Absent inside a transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// What was found, up to the limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kvs: Vec<KeyValue>,
    /// Whether the limit cut something off.
    #[serde(skip_serializing_if = "super::is_default")]
    pub more: bool,
    /// How many keys are in the range, limit or not.
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
    /// 0 for none.
    #[serde(skip_serializing_if = "super::is_default")]
    pub lease: i64,
    /// Answer with what was there before.
    #[serde(skip_serializing_if = "super::is_default")]
    pub prev_kv: bool,
    /// Keep the value that is there (error if no key).
    #[serde(skip_serializing_if = "super::is_default")]
    pub ignore_value: bool,
    /// Keep the lease that is there (error if no key).
    #[serde(skip_serializing_if = "super::is_default")]
    pub ignore_lease: bool,
}

/// A put was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PutResponse {
    /// Absent inside a transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// What was there before, if that was asked for.
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
    /// Answer with what was there before.
    #[serde(skip_serializing_if = "super::is_default")]
    pub prev_kv: bool,
}

/// What was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteRangeResponse {
    /// Absent inside a transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// How many keys.
    pub deleted: i64,
    /// What was there before, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prev_kvs: Vec<KeyValue>,
}

/// Compares, then does one of two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TxnRequest {
    /// All must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compare: Vec<Compare>,
    /// Done when they do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub success: Vec<RequestOp>,
    /// Done when they do not.
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
    /// A transaction inside.
    #[serde(rename = "request_txn")]
    Txn(TxnRequest),
}

/// What a transaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TxnResponse {
    /// Absent inside another transaction's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// Which list was done.
    pub succeeded: bool,
    /// One answer for each operation of that list.
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
    /// A transaction inside.
    #[serde(rename = "response_txn")]
    Txn(TxnResponse),
}

/// Forgets history below a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompactRequest {
    /// Reads below it fail from now on.
    pub revision: i64,
    /// Answer only when the space is free again.
    #[serde(skip_serializing_if = "super::is_default")]
    pub physical: bool,
}

/// A compaction was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompactResponse {
    /// Its revision is read after the fact: an upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
}

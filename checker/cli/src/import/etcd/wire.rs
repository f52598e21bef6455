//! The JSON of etcd's robustness tests, as their packages `report` and `model` write it: Go's field
//! names, every field present, `null` for an absent value. Fields that later versions added may be
//! missing. A request with an unknown field is refused, since the field changes its meaning.

use serde::{Deserialize, Serialize};

use mettle_checker::history::{Blob, KeyValue};

/// One operation of a client.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Line {
    #[serde(default)]
    pub(crate) client_id: i64,
    pub(crate) input: Input,
    pub(crate) call: i64,
    pub(crate) output: Output,
    /// For a failed write an invented time, or -1.
    #[serde(rename = "Return")]
    pub(crate) returned: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    pub(crate) lease_grant: Option<Lease>,
    pub(crate) lease_revoke: Option<Lease>,
    pub(crate) range: Option<Range>,
    pub(crate) txn: Option<Txn>,
    pub(crate) defragment: Option<Nothing>,
    pub(crate) compact: Option<Compact>,
}

#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Nothing {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lease {
    #[serde(rename = "LeaseID", default)]
    pub(crate) id: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Compact {
    pub(crate) revision: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct Range {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) limit: i64,
    pub(crate) revision: i64,
}

/// A range in a transaction has no revision.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct InnerRange {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) limit: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct Txn {
    pub(crate) conditions: Option<Vec<Condition>>,
    pub(crate) operations_on_success: Option<Vec<Operation>>,
    pub(crate) operations_on_failure: Option<Vec<Operation>>,
}

/// A version other than 0 counts; otherwise the revision counts, which may be 0.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct Condition {
    pub(crate) key: String,
    pub(crate) expected_revision: i64,
    pub(crate) expected_version: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Operation {
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) range: InnerRange,
    #[serde(default)]
    pub(crate) put: Put,
    #[serde(default)]
    pub(crate) delete: Delete,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct Put {
    pub(crate) key: String,
    pub(crate) value: Value,
    #[serde(rename = "LeaseID")]
    pub(crate) lease: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct Delete {
    pub(crate) key: String,
}

/// A value, or the hash of a long value.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct Value {
    pub(crate) value: String,
    pub(crate) hash: u32,
}

/// The length from which reports keep the hash of a value. (Values put by transactions are kept.)
const LONG: usize = 20;

impl Value {
    pub(crate) fn blob(&self) -> Blob {
        if self.hash == 0 && self.value.len() < LONG {
            return Blob::from(&self.value[..]);
        }
        let hash = if self.hash == 0 { hash(self.value.as_bytes()) } else { self.hash };
        Blob::from(format!("#{hash}"))
    }

    /// The form of a value in a report.
    pub(crate) fn of(blob: &Blob) -> Self {
        match std::str::from_utf8(blob) {
            Ok(text) if text.len() < LONG => Value { value: text.to_owned(), hash: 0 },
            _ => Value { value: String::new(), hash: hash(blob) },
        }
    }
}

/// FNV-1a with 32 bits.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Output {
    pub(crate) txn: Option<TxnOutput>,
    pub(crate) range: Option<RangeOutput>,
    pub(crate) lease_grant: Option<Lease>,
    pub(crate) lease_revoke: Option<Nothing>,
    pub(crate) defragment: Option<Nothing>,
    pub(crate) compact: Option<Nothing>,
    /// A definite error.
    pub(crate) client_error: String,
    /// -1 if it is not the store's revision when the request was applied.
    pub(crate) revision: i64,
    /// Added by tests that read the members' logs; older versions use another name.
    #[serde(alias = "PartialResponse")]
    pub(crate) persisted: bool,
    pub(crate) persisted_revision: i64,
    /// The outcome is unknown.
    pub(crate) error: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TxnOutput {
    pub(crate) failure: bool,
    pub(crate) results: Option<Vec<Found>>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RangeOutput {
    #[serde(rename = "KVs")]
    pub(crate) kvs: Option<Vec<Stored>>,
    pub(crate) count: i64,
}

/// The result of one operation of a transaction.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Found {
    #[serde(rename = "KVs")]
    pub(crate) kvs: Option<Vec<Stored>>,
    pub(crate) count: i64,
    pub(crate) deleted: i64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) value: Value,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) mod_revision: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) version: i64,
}

/// A value and its revision.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Kept {
    pub(crate) value: Value,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) mod_revision: i64,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) version: i64,
}

impl Stored {
    pub(crate) fn of(key: String, kv: &KeyValue) -> Self {
        let value = Value::of(&kv.value);
        Stored { key, value, mod_revision: kv.mod_revision, version: kv.version }
    }

    pub(crate) fn kv(&self) -> KeyValue {
        KeyValue {
            key: Blob::from(&self.key[..]),
            value: self.value.blob(),
            mod_revision: self.mod_revision,
            version: self.version,
            ..KeyValue::default()
        }
    }
}

impl Kept {
    pub(crate) fn kv(&self, key: Blob) -> KeyValue {
        KeyValue {
            key,
            value: self.value.blob(),
            mod_revision: self.mod_revision,
            version: self.version,
            ..KeyValue::default()
        }
    }

    pub(crate) fn of(kv: &KeyValue) -> Self {
        let value = Value::of(&kv.value);
        Kept { value, mod_revision: kv.mod_revision, version: kv.version }
    }
}

/// One watch of a client.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Watch {
    pub(crate) request: WatchAsked,
    pub(crate) responses: Option<Vec<WatchAnswer>>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(crate) struct WatchAsked {
    pub(crate) key: String,
    pub(crate) revision: i64,
    pub(crate) with_prefix: bool,
    pub(crate) with_progress_notify: bool,
    #[serde(rename = "WithPrevKV")]
    pub(crate) with_prev_kv: bool,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct WatchAnswer {
    pub(crate) events: Option<Vec<WatchEvent>>,
    pub(crate) is_progress_notify: bool,
    pub(crate) revision: i64,
    pub(crate) time: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) error: String,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct WatchEvent {
    #[serde(rename = "Type")]
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) revision: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_create: Option<bool>,
    pub(crate) prev_value: Option<Kept>,
}

/// Whether a field has its zero value; reports leave such fields out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

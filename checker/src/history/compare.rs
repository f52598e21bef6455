//! One condition of a transaction.

use serde::{Deserialize, Serialize};

use super::Blob;

/// A condition on one key, or on every key of a range.
///
/// # Source
/// etcd `rpc.proto`, `Compare`. In a file: `{"key", "range_end", "result", "target"}` and the
/// operand under the target's field name (`version`, `create_revision`, `mod_revision`, `value`
/// or `lease`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Compare {
    /// First key.
    pub key: Blob,
    /// As in [`RangeRequest`](super::RangeRequest).
    pub range_end: Blob,
    /// How the stored value relates to the operand if the condition holds.
    pub result: CompareResult,
    /// The field that is compared, and the operand.
    pub operand: Operand,
}

/// How the stored value must relate to the operand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CompareResult {
    /// Equal.
    #[default]
    Equal,
    /// Stored is greater.
    Greater,
    /// Stored is less.
    Less,
    /// Not equal.
    NotEqual,
}

/// The field that is compared, and the operand. A missing key has zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Number of puts since creation.
    Version(i64),
    /// Revision of creation.
    CreateRevision(i64),
    /// Revision of the last put.
    ModRevision(i64),
    /// The value; no such condition holds for a missing key.
    Value(Blob),
    /// The lease, 0 for none.
    Lease(i64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Target {
    #[default]
    Version,
    Create,
    Mod,
    Value,
    Lease,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wire {
    key: Blob,
    #[serde(skip_serializing_if = "Blob::is_empty")]
    range_end: Blob,
    result: CompareResult,
    target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_revision: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mod_revision: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Blob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<i64>,
}

impl TryFrom<Wire> for Compare {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let given = [
            (Target::Version, wire.version.is_some()),
            (Target::Create, wire.create_revision.is_some()),
            (Target::Mod, wire.mod_revision.is_some()),
            (Target::Value, wire.value.is_some()),
            (Target::Lease, wire.lease.is_some()),
        ];
        if given.iter().any(|(target, some)| *some && *target != wire.target) {
            return Err(format!("a compare's operand does not fit its target {:?}", wire.target));
        }
        let operand = match wire.target {
            Target::Version => Operand::Version(wire.version.unwrap_or_default()),
            Target::Create => Operand::CreateRevision(wire.create_revision.unwrap_or_default()),
            Target::Mod => Operand::ModRevision(wire.mod_revision.unwrap_or_default()),
            Target::Value => Operand::Value(wire.value.unwrap_or_default()),
            Target::Lease => Operand::Lease(wire.lease.unwrap_or_default()),
        };
        Ok(Compare { key: wire.key, range_end: wire.range_end, result: wire.result, operand })
    }
}

impl From<Compare> for Wire {
    fn from(compare: Compare) -> Self {
        let mut wire = Wire {
            key: compare.key,
            range_end: compare.range_end,
            result: compare.result,
            ..Wire::default()
        };
        match compare.operand {
            Operand::Version(version) => {
                (wire.target, wire.version) = (Target::Version, Some(version));
            }
            Operand::CreateRevision(revision) => {
                (wire.target, wire.create_revision) = (Target::Create, Some(revision));
            }
            Operand::ModRevision(revision) => {
                (wire.target, wire.mod_revision) = (Target::Mod, Some(revision));
            }
            Operand::Value(value) => (wire.target, wire.value) = (Target::Value, Some(value)),
            Operand::Lease(lease) => (wire.target, wire.lease) = (Target::Lease, Some(lease)),
        }
        wire
    }
}

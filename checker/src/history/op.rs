//! The kinds of requests: one table of their names, groups and numbers.

use serde::{Deserialize, Serialize};

/// The kind of a request, as `op` names it in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// See [`Request::Range`](super::Request::Range).
    Range,
    /// See [`Request::Put`](super::Request::Put).
    Put,
    /// See [`Request::DeleteRange`](super::Request::DeleteRange).
    DeleteRange,
    /// See [`Request::Txn`](super::Request::Txn).
    Txn,
    /// See [`Request::Compact`](super::Request::Compact).
    Compact,
    /// See [`Request::WatchCreate`](super::Request::WatchCreate).
    WatchCreate,
    /// See [`Request::WatchCancel`](super::Request::WatchCancel).
    WatchCancel,
    /// See [`Request::WatchProgress`](super::Request::WatchProgress).
    WatchProgress,
    /// See [`Request::WatchResponse`](super::Request::WatchResponse).
    WatchResponse,
    /// See [`Request::WatchEnd`](super::Request::WatchEnd).
    WatchEnd,
    /// See [`Request::Quiesced`](super::Request::Quiesced).
    Quiesced,
    /// See [`Request::LeaseGrant`](super::Request::LeaseGrant).
    LeaseGrant,
    /// See [`Request::LeaseRevoke`](super::Request::LeaseRevoke).
    LeaseRevoke,
    /// See [`Request::LeaseKeepAlive`](super::Request::LeaseKeepAlive).
    LeaseKeepAlive,
    /// See [`Request::LeaseTimeToLive`](super::Request::LeaseTimeToLive).
    LeaseTimeToLive,
    /// See [`Request::LeaseLeases`](super::Request::LeaseLeases).
    LeaseLeases,
}

/// A group of kinds that a page shows together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// Reads.
    Get,
    /// Puts.
    Put,
    /// Deletions.
    Delete,
    /// Transactions.
    Txn,
    /// Compactions.
    Compact,
    /// Watch streams and notes of the recorder.
    Watch,
    /// Leases.
    Lease,
}

impl OpKind {
    /// The names of the groups, in the order of their numbers.
    pub const NAMES: [&str; 7] = ["get", "put", "delete", "txn", "compact", "watch", "lease"];
}

/// One row of the table.
struct Row {
    op: Op,
    /// The word in a file.
    name: &'static str,
    /// The word on a page.
    label: &'static str,
    /// The noun in the middle of a sentence.
    noun: &'static str,
    kind: OpKind,
    /// The number in the compact form. Never reuse one.
    byte: u8,
}

/// The table, in the order of the enum.
#[rustfmt::skip]
const TABLE: [Row; 16] = [
    Row { op: Op::Range, name: "range", label: "range", noun: "read", kind: OpKind::Get, byte: 0 },
    Row { op: Op::Put, name: "put", label: "put", noun: "write", kind: OpKind::Put, byte: 1 },
    Row { op: Op::DeleteRange, name: "delete_range", label: "delete range", noun: "write", kind: OpKind::Delete, byte: 2 },
    Row { op: Op::Txn, name: "txn", label: "txn", noun: "transaction", kind: OpKind::Txn, byte: 3 },
    Row { op: Op::Compact, name: "compact", label: "compact", noun: "compaction", kind: OpKind::Compact, byte: 4 },
    Row { op: Op::WatchCreate, name: "watch_create", label: "watch create", noun: "watch", kind: OpKind::Watch, byte: 5 },
    Row { op: Op::WatchCancel, name: "watch_cancel", label: "watch cancel", noun: "watch", kind: OpKind::Watch, byte: 6 },
    Row { op: Op::WatchProgress, name: "watch_progress", label: "watch progress", noun: "watch", kind: OpKind::Watch, byte: 7 },
    Row { op: Op::WatchResponse, name: "watch_response", label: "watch response", noun: "response", kind: OpKind::Watch, byte: 8 },
    Row { op: Op::WatchEnd, name: "watch_end", label: "watch end", noun: "watch", kind: OpKind::Watch, byte: 9 },
    Row { op: Op::Quiesced, name: "quiesced", label: "quiet", noun: "watch", kind: OpKind::Watch, byte: 10 },
    Row { op: Op::LeaseGrant, name: "lease_grant", label: "lease grant", noun: "grant", kind: OpKind::Lease, byte: 11 },
    Row { op: Op::LeaseRevoke, name: "lease_revoke", label: "lease revoke", noun: "revocation", kind: OpKind::Lease, byte: 12 },
    Row { op: Op::LeaseKeepAlive, name: "lease_keep_alive", label: "lease keep alive", noun: "renewal", kind: OpKind::Lease, byte: 13 },
    Row { op: Op::LeaseTimeToLive, name: "lease_time_to_live", label: "lease time to live", noun: "question", kind: OpKind::Lease, byte: 14 },
    Row { op: Op::LeaseLeases, name: "lease_leases", label: "lease list", noun: "question", kind: OpKind::Lease, byte: 15 },
];

const _: () = {
    let mut place = 0;
    while place < TABLE.len() {
        assert!(TABLE[place].op as usize == place, "the table stands in the order of the enum");
        place += 1;
    }
};

impl Op {
    /// Every kind.
    pub const ALL: [Op; TABLE.len()] = {
        let mut all = [Op::Range; TABLE.len()];
        let mut place = 0;
        while place < all.len() {
            all[place] = TABLE[place].op;
            place += 1;
        }
        all
    };

    /// The word in a file.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].name
    }

    /// The word on a page.
    pub fn label(self) -> &'static str {
        TABLE[self as usize].label
    }

    /// The noun in the middle of a sentence.
    pub(crate) fn noun(self) -> &'static str {
        TABLE[self as usize].noun
    }

    /// The group on a page.
    pub fn kind(self) -> OpKind {
        TABLE[self as usize].kind
    }

    /// The number in the compact form.
    pub(crate) fn byte(self) -> u8 {
        TABLE[self as usize].byte
    }

    /// Whether a client sends such a request and waits for the answer.
    pub fn is_operation(self) -> bool {
        !self.is_watch() && self != Op::Quiesced
    }

    /// Whether such a record belongs to a watch stream.
    pub fn is_watch(self) -> bool {
        (Op::WatchCreate..=Op::WatchEnd).contains(&self)
    }

    /// Whether the request belongs to the lease service.
    pub(crate) fn is_lease(self) -> bool {
        (Op::LeaseGrant..=Op::LeaseLeases).contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_stands_in_a_file() {
        for op in Op::ALL {
            let written = serde_json::to_string(&op).expect("a word");
            assert_eq!(written, format!("\"{}\"", op.name()));
        }
    }

    #[test]
    fn a_byte_stands_for_one_kind() {
        let bytes: std::collections::BTreeSet<u8> = Op::ALL.into_iter().map(Op::byte).collect();
        assert_eq!(bytes.len(), Op::ALL.len());
    }
}

//! The fields of every message, in the order of their bits. **Add fields at the end. Never remove
//! or reorder one:** existing files are read by this order.

use super::pack::{Bad, Item, Pack, Packer, Unpacker};
use crate::history::{
    Blob, CompactRequest, CompactResponse, Compare, CompareResult, DeleteRangeRequest,
    DeleteRangeResponse, ErrorAnswer, Event, EventType, Header, IsCreate, KeyValue,
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesRequest,
    LeaseLeasesResponse, LeaseRequest, LeaseRevokeResponse, LeaseStatus, LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse, Operand, PutRequest, PutResponse, QuiescedRequest, RangeRequest,
    RangeResponse, RequestOp, ResponseOp, SortOrder, SortTarget, StreamRef, TxnRequest,
    TxnResponse, WatchCancelRequest, WatchCreateRequest, WatchFilter, WatchResponse,
};

/// Packs a message: a number with one bit per field present, then these fields. The compiler checks
/// that every field is named.
macro_rules! message {
    ($message:ident { $($field:ident),* $(,)? }) => {
        impl Pack for $message {
            fn pack(&self, out: &mut Packer) {
                let $message { $($field),* } = self;
                let there: &[bool] = &[$(crate::history::is_default($field)),*];
                let bits = there.iter().rev().fold(0, |bits, absent| bits << 1 | u64::from(!absent));
                out.number(bits);
                $(if !crate::history::is_default($field) {
                    $field.pack(out);
                })*
            }

            #[allow(unused_mut, unused_assignments, reason = "a message may have no field")]
            fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
                let mut bits = from.number()?;
                let mut message = $message::default();
                $(if bits & 1 == 1 {
                    message.$field = Pack::unpack(from)?;
                }
                bits >>= 1;)*
                if bits != 0 {
                    return Err(Bad("a field that is not known here: use a newer mettle-check"));
                }
                Ok(message)
            }
        }
    };
}

/// Packs a message as an item of a list.
macro_rules! item {
    ($($message:ident)*) => {$(
        impl Item for $message {
            fn pack_item(&self, out: &mut Packer) {
                self.pack(out);
            }

            fn unpack_item(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
                Self::unpack(from)
            }
        }
    )*};
}

/// Packs an enum without data as a number.
macro_rules! words {
    ($kind:ident { $($word:ident = $number:literal),* }) => {
        impl Item for $kind {
            fn pack_item(&self, out: &mut Packer) {
                out.byte(match self {
                    $($kind::$word => $number,)*
                });
            }

            fn unpack_item(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
                match from.byte()? {
                    $($number => Ok($kind::$word),)*
                    _ => Err(Bad("a word that is not known here: use a newer mettle-check")),
                }
            }
        }
    };
}

/// Packs an enum that has a zero value as a field.
macro_rules! word_field {
    ($($kind:ident)*) => {$(
        impl Pack for $kind {
            fn pack(&self, out: &mut Packer) {
                self.pack_item(out);
            }

            fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
                Self::unpack_item(from)
            }
        }
    )*};
}

/// Packs one of several messages after the number of its kind.
macro_rules! choice {
    ($choice:ident { $($word:ident = $number:literal),* }) => {
        impl Item for $choice {
            fn pack_item(&self, out: &mut Packer) {
                match self {
                    $($choice::$word(message) => {
                        out.byte($number);
                        message.pack(out);
                    })*
                }
            }

            fn unpack_item(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
                match from.byte()? {
                    $($number => from.deeper(Pack::unpack).map($choice::$word),)*
                    _ => Err(Bad("an operation that is not known here: use a newer mettle-check")),
                }
            }
        }
    };
}

message!(Header { cluster_id, member_id, revision, raft_term });
message!(KeyValue { key, value, create_revision, mod_revision, version, lease });
message!(RangeRequest {
    key,
    range_end,
    limit,
    revision,
    sort_order,
    sort_target,
    serializable,
    keys_only,
    count_only,
    min_mod_revision,
    max_mod_revision,
    min_create_revision,
    max_create_revision,
});
message!(RangeResponse { header, kvs, more, count });
message!(PutRequest { key, value, lease, prev_kv, ignore_value, ignore_lease });
message!(PutResponse { header, prev_kv });
message!(DeleteRangeRequest { key, range_end, prev_kv });
message!(DeleteRangeResponse { header, deleted, prev_kvs });
message!(TxnRequest { compare, success, failure });
message!(TxnResponse { header, succeeded, responses });
message!(CompactRequest { revision, physical });
message!(CompactResponse { header });
message!(WatchCreateRequest {
    stream,
    key,
    range_end,
    start_revision,
    progress_notify,
    filters,
    prev_kv,
    watch_id,
    fragment,
});
message!(WatchCancelRequest { stream, watch_id });
message!(StreamRef { stream });
message!(WatchResponse {
    header,
    watch_id,
    created,
    canceled,
    compact_revision,
    cancel_reason,
    fragment,
    events,
});
message!(Event { kind, kv, prev_kv, is_create });

/// Packs both values: presence alone does not mean true.
impl Pack for IsCreate {
    fn pack(&self, out: &mut Packer) {
        out.byte(u8::from(self.0));
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        match from.byte()? {
            0 => Ok(IsCreate(false)),
            1 => Ok(IsCreate(true)),
            _ => Err(Bad("neither true nor false")),
        }
    }
}

message!(QuiescedRequest {});
message!(LeaseGrantRequest { id, ttl });
message!(LeaseGrantResponse { header, id, ttl });
message!(LeaseRequest { id });
message!(LeaseRevokeResponse { header });
message!(LeaseKeepAliveResponse { header, id, ttl });
message!(LeaseTimeToLiveRequest { id, keys });
message!(LeaseTimeToLiveResponse { header, id, ttl, granted_ttl, keys });
message!(LeaseLeasesRequest {});
message!(LeaseLeasesResponse { header, leases });
message!(LeaseStatus { id });

item!(KeyValue Event LeaseStatus Blob);

words!(SortOrder { None = 0, Ascend = 1, Descend = 2 });
words!(SortTarget { Key = 0, Version = 1, Create = 2, Mod = 3, Value = 4 });
words!(EventType { Put = 0, Delete = 1 });
words!(WatchFilter { NoPut = 0, NoDelete = 1 });
words!(CompareResult { Equal = 0, Greater = 1, Less = 2, NotEqual = 3 });
word_field!(SortOrder SortTarget EventType);

choice!(RequestOp { Range = 0, Put = 1, DeleteRange = 2, Txn = 3 });
choice!(ResponseOp { Range = 0, Put = 1, DeleteRange = 2, Txn = 3 });

/// Packs key, range end, relation, compared field and operand.
impl Item for Compare {
    fn pack_item(&self, out: &mut Packer) {
        let Compare { key, range_end, result, operand } = self;
        key.pack(out);
        range_end.pack(out);
        result.pack_item(out);
        let (number, value) = match operand {
            Operand::Version(value) => (0, value),
            Operand::CreateRevision(value) => (1, value),
            Operand::ModRevision(value) => (2, value),
            Operand::Lease(value) => (3, value),
            Operand::Value(value) => {
                out.byte(4);
                return value.pack(out);
            }
        };
        out.byte(number);
        value.pack(out);
    }

    fn unpack_item(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        Ok(Compare {
            key: Blob::unpack(from)?,
            range_end: Blob::unpack(from)?,
            result: CompareResult::unpack_item(from)?,
            operand: match from.byte()? {
                0 => Operand::Version(i64::unpack(from)?),
                1 => Operand::CreateRevision(i64::unpack(from)?),
                2 => Operand::ModRevision(i64::unpack(from)?),
                3 => Operand::Lease(i64::unpack(from)?),
                4 => Operand::Value(Blob::unpack(from)?),
                _ => {
                    return Err(Bad(
                        "a condition that is not known here: use a newer mettle-check",
                    ));
                }
            },
        })
    }
}

/// Packs the code and the text.
impl Item for ErrorAnswer {
    fn pack_item(&self, out: &mut Packer) {
        let ErrorAnswer { code, message } = self;
        code.pack(out);
        message.pack(out);
    }

    fn unpack_item(from: &mut Unpacker<'_>) -> Result<Self, Bad> {
        Ok(ErrorAnswer { code: String::unpack(from)?, message: String::unpack(from)? })
    }
}

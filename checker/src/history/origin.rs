//! The origin of a history, and the fields that its recorder left out.

use serde::{Deserialize, Serialize};

use super::{KeyValue, RangeResponse, Response, ResponseOp};

/// The first line of a history file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The version of the format: 1.
    pub version: u32,
    /// The seed of the run, if the run was simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The name of the scenario, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The store's revision when the recording began: 1 for a fresh store. If it is above 1, the
    /// first record is a range over all keys, answered at this revision before any other call.
    /// Absent if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_revision: Option<i64>,
    /// Fields that the recorder left out of answers; they are not judged. Our own recorder leaves
    /// none out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Field>,
}

impl Default for Origin {
    fn default() -> Self {
        Origin { version: 1, seed: None, scenario: None, start_revision: None, lacks: Vec::new() }
    }
}

/// A field that some recorders leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The version of a key.
    Version,
    /// The create revision of a key.
    CreateRevision,
    /// The lease of a key.
    Lease,
    /// The `more` of a range.
    More,
    /// The version of a key in a watch event, but not in its `prev_kv`.
    EventVersion,
}

/// The fields that were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) version: bool,
    pub(crate) create_revision: bool,
    pub(crate) lease: bool,
    more: bool,
    event_version: bool,
}

impl Recorded {
    pub(crate) fn of(origin: &Origin) -> Self {
        let has = |field| !origin.lacks.contains(&field);
        Recorded {
            version: has(Field::Version),
            create_revision: has(Field::CreateRevision),
            lease: has(Field::Lease),
            more: has(Field::More),
            event_version: has(Field::EventVersion),
        }
    }

    fn all(self) -> bool {
        self.version && self.create_revision && self.lease && self.more
    }

    /// Removes from an answer the fields that were not recorded.
    pub(crate) fn fade(self, response: &mut Response) {
        if self.all() {
            return;
        }
        match response {
            Response::Range(range) => self.fade_range(range),
            Response::Put(put) => put.prev_kv.iter_mut().for_each(|kv| self.fade_kv(kv)),
            Response::DeleteRange(delete) => {
                delete.prev_kvs.iter_mut().for_each(|kv| self.fade_kv(kv));
            }
            Response::Txn(txn) => self.fade_ops(&mut txn.responses),
            _ => {}
        }
    }

    fn fade_ops(self, responses: &mut [ResponseOp]) {
        for response in responses {
            match response {
                ResponseOp::Range(range) => self.fade_range(range),
                ResponseOp::Put(put) => put.prev_kv.iter_mut().for_each(|kv| self.fade_kv(kv)),
                ResponseOp::DeleteRange(delete) => {
                    delete.prev_kvs.iter_mut().for_each(|kv| self.fade_kv(kv));
                }
                ResponseOp::Txn(txn) => self.fade_ops(&mut txn.responses),
            }
        }
    }

    fn fade_range(self, range: &mut RangeResponse) {
        range.kvs.iter_mut().for_each(|kv| self.fade_kv(kv));
        range.more &= self.more;
    }

    /// Removes unrecorded fields from the key of a watch event.
    pub(crate) fn fade_event_kv(self, kv: &mut KeyValue) {
        self.fade_kv(kv);
        kv.version *= i64::from(self.event_version);
    }

    pub(crate) fn fade_kv(self, kv: &mut KeyValue) {
        kv.version *= i64::from(self.version);
        kv.create_revision *= i64::from(self.create_revision);
        kv.lease *= i64::from(self.lease);
    }
}

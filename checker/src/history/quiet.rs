//! A time in which nothing was wrong, so that what was due had time to come.

use serde::{Deserialize, Serialize};

/// From the record's `call_ns` to its `return_ns` the cluster was whole (no fault in effect, every
/// member up, every client connected to a member that could reach the others) and the recorder
/// waited, reading its watch streams. What was due at the call is owed by the return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuiescedRequest {}

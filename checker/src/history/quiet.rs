//! A period without faults, long enough for everything due to arrive.

use serde::{Deserialize, Serialize};

/// From the record's `call_ns` to its `return_ns` the cluster was whole: no fault in effect, every
/// member up, every client connected to a member that could reach the others. The recorder read its
/// watch streams meanwhile. A response that was due at the call must have arrived by the return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuiescedRequest {}

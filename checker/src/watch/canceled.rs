//! **Canceled**: a watcher ends only when it was told to, for a compaction, or because the cluster
//! asks who its clients are; nothing comes for it afterwards, which `streams` sees to.

use super::created::is_auth;
use super::promise::Promise;
use super::walk::{Found, Walk};
use crate::streams::{Arrival, CANCELED};
use crate::verdict::Guarantee;

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: CANCELED,
    question: "a watcher ends only when told to, for a compaction, or for want of a permission; nothing comes for it afterwards",
    needs_order: true,
    survives_inferred_start: true,
});

/// A watcher ends without a compaction only when it was told to. Etcd has no other reason but want
/// of a permission.
pub(super) fn told_to_end(walk: &Walk<'_, '_>, arrival: Arrival<'_>) -> Found {
    let Arrival { record, response } = arrival;
    let reason = &response.cancel_reason;
    if walk.watcher.cancel.is_some() || walk.settings.auth && is_auth(reason) {
        return Ok(());
    }
    let what = if reason.is_empty() {
        "it was cancelled, though nobody asked for that and no reason was given".to_owned()
    } else if is_auth(reason) {
        format!(
            "it was cancelled with \"{reason}\", which is not expected of this cluster; --believe \
             auth does"
        )
    } else {
        format!(
            "it was cancelled with \"{reason}\", though nobody asked for that and etcd has no such \
             reason"
        )
    };
    walk.wrong(CANCELED, response.header.revision, what, record)
}

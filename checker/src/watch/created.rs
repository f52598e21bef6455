//! **Created**: create requests are answered in order, each with the number that it asked for, and
//! nothing comes for a watcher that is not there. `streams` finds most of what breaks it, when it
//! sorts the responses by watcher. A create request is refused only for a reason that etcd gives and
//! that the request earns.
//!
//! # Source
//! etcd `mvcc/watcher.go`, `v3rpc/watch.go`, for the reasons and their texts.

use super::promise::Promise;
use crate::cluster_settings::ClusterSettings;
use crate::history::{Blob, WatchCreateRequest};
use crate::streams::{Arrival, CREATED, Refused, Watcher};
use crate::verdict::{Guarantee, Violation};
use crate::words;

const DUPLICATE_ID: &str = "mvcc: duplicate watch ID provided on the WatchStream";
const EMPTY_RANGE: &str = "mvcc: watcher range is empty";
const COMPACTED: &str = "etcdserver: mvcc: required revision has been compacted";
/// The reasons of a cluster that asks who its clients are.
const AUTH: [&str; 3] = [
    "etcdserver: permission denied",
    "etcdserver: invalid auth token",
    "etcdserver: user name is empty",
];

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: CREATED,
    question: "create requests are answered in order, with the number asked for, and refused only for a reason; nothing comes for a watcher that is not there",
    needs_order: true,
    survives_inferred_start: true,
});

/// Whether a cluster that asks who its clients are gives such a reason.
pub(super) fn is_auth(reason: &str) -> bool {
    AUTH.iter().any(|text| reason.starts_with(text))
}

/// Whether no key lies in the range of a watcher. An empty key stands for the first one of all.
fn has_no_key(request: &WatchCreateRequest) -> bool {
    let first = Blob::from("\0");
    let key = if request.key.is_empty() { &first } else { &request.key };
    let end = request.range_end.as_slice();
    !end.is_empty() && end != [0] && key.as_slice() >= end
}

/// A refusal is one that etcd gives, and the request earns it.
pub(super) fn refused(refused: &Refused<'_>, settings: &ClusterSettings) -> Option<Violation> {
    let Refused { request, create, answer, taken } = refused;
    let reason = answer.response.cancel_reason.as_str();
    let earned = match reason {
        DUPLICATE_ID => request.watch_id != 0 && *taken,
        EMPTY_RANGE => has_no_key(request),
        COMPACTED => request.start_revision < 0,
        reason => settings.auth && is_auth(reason),
    };
    if earned {
        return None;
    }
    let why = match reason {
        "" => "without a reason".to_owned(),
        DUPLICATE_ID => format!("with \"{reason}\", but the stream has no watcher of that number"),
        EMPTY_RANGE => format!("with \"{reason}\", but its range has keys"),
        COMPACTED => format!("with \"{reason}\", but without the revision of a compaction"),
        _ if is_auth(reason) => {
            format!("with \"{reason}\": this is not expected of this cluster; --believe auth does")
        }
        _ => format!("with \"{reason}\", which is no reason of etcd's"),
    };
    Some(violation(create.id, *answer, format!("{} was refused {why}", words::describe(create))))
}

/// A watcher of a range without keys must be refused.
pub(super) fn accepted(watcher: &Watcher<'_>) -> Option<Violation> {
    if !has_no_key(watcher.request) {
        return None;
    }
    let reason = format!(
        "{} was created, but no key lies in its range: it had to be refused with \"{EMPTY_RANGE}\"",
        words::describe(watcher.create)
    );
    Some(violation(watcher.create.id, watcher.created, reason))
}

fn violation(create: u64, answer: Arrival<'_>, reason: String) -> Violation {
    let evidence = vec![answer.record.id, create];
    Violation { checker: CREATED, reason, evidence, revision: None }
}

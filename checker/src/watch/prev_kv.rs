//! **Previous**: what was there at the revision before comes exactly when it was asked for and was
//! there.

use super::promise::{Promise, Told};
use super::walk::{Found, Walk, difference, shown};
use crate::verdict::Guarantee;

const PREV_KV: &str = "watch.prev_kv";

pub(super) const PROMISE: Promise = Promise {
    change: Some(prev_kv),
    ..Promise::of(Guarantee {
        name: PREV_KV,
        question: "what was there at the revision before comes exactly when asked for and there",
        needs_order: true,
        survives_inferred_start: false,
    })
};

#[inline]
fn prev_kv(walk: &Walk<'_, '_>, told: &Told<'_>) -> Found {
    let revision = told.event.kv.mod_revision;
    let asked = walk.watcher.request.prev_kv;
    let mut before = told.change.prev_kv();
    if let Some(kv) = &mut before {
        walk.recorded.fade_kv(kv);
    }
    let what = match (&told.event.prev_kv, &before) {
        (Some(_), _) if !asked => "with a prev_kv that was not asked for".to_owned(),
        (Some(_), None) => "with a prev_kv, but the key was not there before".to_owned(),
        (Some(got), Some(before)) => match difference(before, got) {
            Some(difference) => format!("with a prev_kv of {difference}"),
            None => return Ok(()),
        },
        (None, Some(_)) if asked && !walk.forgotten(revision - 1, told.record) => {
            "without prev_kv, though that was asked for and the key was there before".to_owned()
        }
        (None, _) => return Ok(()),
    };
    let what = format!("{} of revision {revision} came {what}", shown(told.event));
    walk.wrong(PREV_KV, revision, what, told.record)
}

//! **Creation**: an event says that it created its key exactly when it did, where clients recorded
//! that by itself. Elsewhere `create_revision` shows it, and **Event** judges it.

use super::promise::{Promise, Told};
use super::walk::{Found, Walk, shown};
use crate::linearizability::wrong_creation;
use crate::verdict::Guarantee;

const IS_CREATE: &str = "watch.is_create";

pub(super) const PROMISE: Promise = Promise {
    change: Some(is_create),
    ..Promise::of(Guarantee {
        name: IS_CREATE,
        question: "an event says that it created its key exactly when it did (etcd's reports record that by itself; elsewhere `create_revision` shows it, and `watch.event` judges it)",
        needs_order: true,
        survives_inferred_start: false,
    })
};

/// If an event claims that it created its key, or that it did not, the claim is right.
fn is_create(walk: &Walk<'_, '_>, told: &Told<'_>) -> Found {
    let (Some(did), Some(said)) = (wrong_creation(told.change, told.event), told.event.is_create)
    else {
        return Ok(());
    };
    let revision = told.event.kv.mod_revision;
    let said = if said.0 { "a creation" } else { "no creation" };
    let what = format!(
        "{} of revision {revision} came as {said}, but that revision {did}",
        shown(told.event)
    );
    walk.wrong(IS_CREATE, revision, what, told.record)
}

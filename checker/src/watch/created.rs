//! **Created**: create requests are answered in order, each with the number that it asked for, and
//! nothing comes for a watcher that is not there. `streams` finds what breaks it, when it sorts the
//! responses by watcher.

use super::promise::Promise;
use crate::streams::CREATED;
use crate::verdict::Guarantee;

pub(super) const PROMISE: Promise = Promise::of(Guarantee {
    name: CREATED,
    question: "create requests are answered in order, with the number asked for; nothing comes for a watcher that is not there",
    needs_order: true,
    survives_inferred_start: true,
});

//! What a watcher is promised, checked against the replay of the writes.
//!
//! Each guarantee is a checker of its own, by name:
//!
//! | name | guarantee |
//! |---|---|
//! | `watch.created` | create requests are answered in order, with the number asked for; nothing comes for a watcher that is not there |
//! | `watch.ordered` | events come in the order of revisions, and within one in the order of its changes |
//! | `watch.unique` | no event comes twice |
//! | `watch.atomic` | the events of one revision come in one response (several only as fragments) |
//! | `watch.reliable` | no event between two others is missing |
//! | `watch.resumable` | a start revision is respected: the first event is the first one from there on |
//! | `watch.bookmarkable` | after a progress notice of R nothing up to R comes, and all of it came before |
//! | `watch.event` | an event is what the write of its revision did |
//! | `watch.is_create` | an event says that it created its key exactly when it did, where clients recorded that by itself |
//! | `watch.prev_kv` | what was there at the revision before comes exactly when it was asked for and there |
//! | `watch.range` | only keys of the watched range, only kinds that are not filtered out |
//! | `watch.compacted` | a start that was compacted away ends the watcher and names the compaction, and only that does |
//! | `watch.header` | a response is not older than the events in it, nor newer than any write can have made the store |
//! | `watch.fragment` | a response is split only where that was asked for, and its parts come one after another |
//! | `watch.canceled` | a watcher ends only when told to, for a compaction, or for a reason that is given; nothing comes for it afterwards |
//! | `watch.live` | when the recording says that it waited (`quiesced`), everything that was due has come |

mod alone;
mod change;
mod check;
mod compaction;
mod live;
mod reach;

pub(crate) use crate::streams::{CANCELED, CREATED};
pub(crate) use check::{Watched, watches};

pub(crate) const ORDERED: &str = "watch.ordered";
pub(crate) const UNIQUE: &str = "watch.unique";
pub(crate) const ATOMIC: &str = "watch.atomic";
pub(crate) const RELIABLE: &str = "watch.reliable";
pub(crate) const RESUMABLE: &str = "watch.resumable";
pub(crate) const BOOKMARKABLE: &str = "watch.bookmarkable";
pub(crate) const EVENT: &str = "watch.event";
pub(crate) const IS_CREATE: &str = "watch.is_create";
pub(crate) const PREV_KV: &str = "watch.prev_kv";
pub(crate) const RANGE: &str = "watch.range";
pub(crate) const COMPACTED: &str = "watch.compacted";
pub(crate) const HEADER: &str = "watch.header";
pub(crate) const FRAGMENT: &str = "watch.fragment";
pub(crate) const LIVE: &str = "watch.live";

/// All of them, in the order in which they are reported.
pub(crate) const CHECKERS: [&str; 16] = [
    CREATED,
    ORDERED,
    UNIQUE,
    ATOMIC,
    RANGE,
    BOOKMARKABLE,
    RELIABLE,
    RESUMABLE,
    EVENT,
    IS_CREATE,
    PREV_KV,
    COMPACTED,
    HEADER,
    FRAGMENT,
    CANCELED,
    LIVE,
];

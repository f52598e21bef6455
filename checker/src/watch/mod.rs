//! What a watcher is promised, checked against the replay of the writes.
//!
//! Each guarantee is a file of its own: its definition, its name and question, and the functions that
//! judge it. It is a row of [`PROMISES`]. `alone` and `along` walk over what a watcher heard, first by
//! itself, then along the replay, and ask each guarantee in its place; the first that is broken is
//! told of the watcher.

mod alone;
mod along;
mod atomic;
mod bookmarkable;
mod canceled;
mod check;
mod compacted;
mod compactions;
mod created;
mod event;
mod fragment;
mod header;
mod is_create;
mod live;
mod ordered;
mod prev_kv;
mod promise;
mod range;
mod reach;
mod reliable;
mod resumable;
mod unique;
mod walk;

pub(crate) use check::watches;
pub(crate) use event::EVENT;
pub(crate) use header::HEADER;
pub(crate) use live::LIVE;
pub(crate) use walk::Watched;

use promise::Promise;

/// All of them, in the order in which they are reported, and asked where several are in one place.
pub(crate) const PROMISES: [Promise; 16] = [
    created::PROMISE,
    ordered::PROMISE,
    unique::PROMISE,
    atomic::PROMISE,
    range::PROMISE,
    bookmarkable::PROMISE,
    reliable::PROMISE,
    resumable::PROMISE,
    event::PROMISE,
    is_create::PROMISE,
    prev_kv::PROMISE,
    compacted::PROMISE,
    header::PROMISE,
    fragment::PROMISE,
    canceled::PROMISE,
    live::PROMISE,
];

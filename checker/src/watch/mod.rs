//! What a watcher is promised, checked against the replay of the writes.
//!
//! A file holds one guarantee: definition, name, question, and the functions that judge it.
//! [`PROMISES`] has a row for each guarantee. `alone` walks over the responses of a watcher and compares
//! them with each other; `along` compares them with the replay. Both ask each guarantee in its place.
//! The first broken guarantee is the verdict on the watcher.

mod alone;
mod along;
mod asked;
mod atomic;
mod bookmarkable;
mod canceled;
mod check;
mod compacted;
mod compactions;
mod created;
mod event;
mod examined;
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
pub(crate) use examined::examined;
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

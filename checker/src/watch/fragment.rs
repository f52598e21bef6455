//! **Fragment**: a response comes in parts only where that was asked for, and its parts come one
//! after another.

use super::promise::{Group, Promise};
use super::walk::{Found, Walk};
use crate::verdict::Guarantee;

const FRAGMENT: &str = "watch.fragment";

pub(super) const PROMISE: Promise = Promise {
    response: Some(fragment),
    ..Promise::of(Guarantee {
        name: FRAGMENT,
        question: "a response comes in parts only where that was asked for, and its parts one after another",
        needs_order: true,
        survives_inferred_start: true,
    })
};

/// A response is split only where that was asked for, and what was begun is finished before anything
/// else comes.
fn fragment(walk: &Walk<'_, '_>, group: &Group<'_, '_>) -> Found {
    let Some(part) = group.parts.iter().find(|arrival| arrival.response.fragment) else {
        return Ok(());
    };
    let revision = part.response.header.revision;
    if !walk.watcher.request.fragment {
        let what = "a part of a response came, though fragments were not asked for; the rest \
                    has to be in it"
            .to_owned();
        return walk.wrong(FRAGMENT, revision, what, part.record);
    }
    let open = group.parts.last().is_some_and(|arrival| arrival.response.fragment);
    if open && !group.last {
        let what =
            "a part of a response came, and the next response was not the rest of it".to_owned();
        return walk.wrong(FRAGMENT, revision, what, part.record);
    }
    Ok(())
}

//! How much each guarantee had to look at: a guarantee that looked at nothing shows nothing.

use std::collections::BTreeMap;

use crate::history::Event;
use crate::streams::{CANCELED, CREATED, Streams, Watcher, is_progress};

/// How many watchers, responses or events a guarantee could be asked of.
pub(crate) fn examined(name: &str, streams: &Streams<'_>) -> u64 {
    let all = &streams.watchers;
    let responses = |fits: fn(&Watcher<'_>) -> usize| all.iter().map(fits).sum::<usize>() as u64;
    match name {
        CREATED => (all.len() + streams.refused.len()) as u64,
        CANCELED => responses(|watcher| count(watcher, |response| response.canceled)),
        "watch.compacted" => responses(|watcher| {
            count(watcher, |response| response.canceled && response.compact_revision != 0)
        }),
        "watch.bookmarkable" => responses(|watcher| count(watcher, is_progress)),
        "watch.fragment" => responses(|watcher| count(watcher, |response| response.fragment)),
        "watch.header" => streams.responses,
        "watch.atomic" => responses(shared_revisions),
        "watch.prev_kv" => {
            responses(|watcher| if watcher.request.prev_kv { watcher.events().count() } else { 0 })
        }
        "watch.is_create" => responses(|watcher| {
            watcher.events().filter(|(_, event)| event.is_create.is_some()).count()
        }),
        _ => responses(|watcher| watcher.events().count()),
    }
}

fn count(watcher: &Watcher<'_>, fits: fn(&crate::history::WatchResponse) -> bool) -> usize {
    watcher.arrivals.iter().filter(|arrival| fits(arrival.response)).count()
}

/// The revisions of which a watcher heard several events.
fn shared_revisions(watcher: &Watcher<'_>) -> usize {
    let mut events: BTreeMap<i64, usize> = BTreeMap::new();
    for (_, Event { kv, .. }) in watcher.events() {
        *events.entry(kv.mod_revision).or_default() += 1;
    }
    events.values().filter(|count| **count > 1).count()
}

//! Each watcher of a history against every promise.

use super::compactions::compactions;
use super::created;
use super::live::{self, Due};
use super::reach::Reach;
use super::walk::{Walk, Watched};
use crate::cluster_settings::ClusterSettings;
use crate::linearizability::Placement;
use crate::linearizability::ops::Ops;
use crate::streams::Streams;

/// Checks all watchers of a history.
pub(crate) fn watches(
    ops: &Ops<'_>,
    streams: &Streams<'_>,
    placement: &Placement,
    settings: &ClusterSettings,
) -> Watched {
    let compactions = compactions(ops.records);
    let reach = Reach::new(ops, placement);
    let due = Due::new(ops, streams);
    let mut watched = Watched { wrong: streams.wrong.clone(), due: 0 };
    let refused = streams.refused.iter();
    watched.wrong.extend(refused.filter_map(|refused| created::refused(refused, settings)));
    watched.wrong.extend(streams.watchers.iter().filter_map(created::accepted));
    for watcher in &streams.watchers {
        let walk = Walk {
            watcher,
            ops,
            store: &placement.store,
            compactions: &compactions,
            reach: &reach,
            placed: &placement.placed,
            recorded: ops.recorded,
            settings,
        };
        let mut done = walk.alone().and_then(|()| walk.along());
        if let Some(owed) = due.of(watcher) {
            watched.due += 1;
            done = done.and_then(|position| live::live(&walk, position, &owed).map(|()| position));
        }
        watched.wrong.extend(done.err().map(|found| *found));
    }
    due.unanswered(streams, &mut watched);
    watched
}

//! States of a hub that must not be are noticed.

use crate::command::KeyRange;
use crate::watch::{Hub, StreamId, WatchRequest};

/// A hub at revision 5 with one stream: a synced watcher (id 0) and an unsynced one (id 1).
fn hub() -> (Hub, StreamId) {
    let mut hub = Hub::new(5);
    let stream = hub.open(Box::new(|| ()));
    for start_revision in [0, 2] {
        let request = WatchRequest {
            range: KeyRange::single("a"),
            start_revision,
            watch_id: 0,
            progress_notify: false,
            no_put: false,
            no_delete: false,
            prev_kv: false,
            fragment: false,
        };
        hub.create(stream, request);
    }
    hub.check_invariants();
    hub.scan_invariants();
    (hub, stream)
}

fn broken(change: impl FnOnce(&mut Hub, StreamId)) {
    let (mut hub, stream) = hub();
    change(&mut hub, stream);
    hub.check_invariants();
    hub.scan_invariants();
}

#[test]
#[should_panic(expected = "is closed and wants progress")]
fn a_closed_stream_that_waits_is_noticed() {
    broken(|hub, _| {
        hub.progress_wanted.insert(StreamId(9));
    });
}

#[test]
#[should_panic(expected = "1 streams are open of 0 ever opened")]
fn a_stream_never_opened_is_noticed() {
    broken(|hub, _| hub.streams_opened = 0);
}

#[test]
#[should_panic(expected = "is either synced or unsynced")]
fn a_watcher_in_no_list_is_noticed() {
    broken(|hub, _| hub.unsynced.clear());
}

#[test]
#[should_panic(expected = "synced watchers in the list and in the streams")]
fn a_synced_watcher_that_hears_nothing_is_noticed() {
    broken(|hub, stream| hub.synced.remove((stream, 0), &KeyRange::single("a")));
}

#[test]
#[should_panic(expected = "unsynced watchers in the list and in the streams")]
fn an_unsynced_watcher_of_no_stream_is_noticed() {
    broken(|hub, _| {
        hub.unsynced.insert((StreamId(9), 0));
    });
}

#[test]
#[should_panic(expected = "wants 6, the hub stands at 5")]
fn an_unsynced_watcher_that_missed_nothing_is_noticed() {
    broken(|hub, stream| {
        let watchers = &mut hub.streams.get_mut(&stream).unwrap().watchers;
        watchers.get_mut(&1).unwrap().next = 6;
    });
}

#[test]
#[should_panic(expected = "waits for progress that may be told")]
fn progress_that_nobody_tells_is_noticed() {
    broken(|hub, stream| {
        hub.cancel(stream, 1);
        hub.progress_wanted.insert(stream);
    });
}

//! What must hold of the hub between two calls, and when the hub looks.
//!
//! The checks run where debug assertions are on: in tests, and in the simulator's build.

use super::hub::Hub;
use super::synced::Name;

/// All watchers are looked at after this many calls.
const SCAN_CALLS: u32 = 64;

impl Hub {
    /// Asserts the invariants after a call, the expensive ones now and then.
    pub(super) fn check_after_call(&mut self) {
        if cfg!(debug_assertions) {
            self.calls_checked = self.calls_checked.wrapping_add(1);
            self.check_invariants();
            if self.calls_checked.is_multiple_of(SCAN_CALLS) {
                self.scan_invariants();
            }
        }
    }

    /// Asserts what costs little to look at.
    pub(super) fn check_invariants(&self) {
        let (open, opened) = (self.streams.len() as u64, self.streams_opened);
        assert!(open <= opened, "{open} streams are open of {opened} ever opened");
        for stream in &self.progress_wanted {
            assert!(self.streams.contains_key(stream), "{stream:?} is closed and wants progress");
        }
    }

    /// Asserts what takes a look at every watcher and every outbox.
    pub(super) fn scan_invariants(&self) {
        let (mut synced, mut unsynced) = (0, 0);
        for (id, stream) in &self.streams {
            stream.check_invariants();
            for (watch_id, watcher) in &stream.watchers {
                let name: Name = (*id, *watch_id);
                let listed = self.unsynced.contains(&name);
                assert_ne!(watcher.synced, listed, "watcher {name:?} is either synced or unsynced");
                if watcher.synced {
                    synced += 1;
                } else {
                    unsynced += 1;
                    let (next, now) = (watcher.next, self.revision);
                    assert!(next <= now, "unsynced {name:?} wants {next}, the hub stands at {now}");
                }
            }
            let ready = !stream.watchers.is_empty()
                && stream.watchers.values().all(|watcher| watcher.may_progress(self.revision));
            let waits = self.progress_wanted.contains(id);
            assert!(!(waits && ready), "{id:?} waits for progress that may be told");
        }
        assert_eq!(self.synced.len(), synced, "synced watchers in the list and in the streams");
        assert_eq!(
            self.unsynced.len(),
            unsynced,
            "unsynced watchers in the list and in the streams"
        );
    }
}

//! The hub itself: requests and changes in, responses into outboxes.

use std::collections::{BTreeMap, BTreeSet};

use super::message::{NO_WATCHER, WatchBody, WatchRejected, WatchRequest, WatchResponse};
use super::stream::{Stream, StreamId, event_bytes};
use super::synced::{Name, Synced};
use super::watcher::Watcher;
use crate::command::Rejected;
use crate::limits::WatchLimits;
use crate::mvcc::{Changes, Event, History, Store, StoreError};
use crate::{planted, probe};

/// All watchers of one member.
///
/// Invariants
/// - A watcher is synced or unsynced, and stands in the list of its kind, once.
/// - An unsynced watcher wants a revision that the hub has passed.
/// - A stream waits for progress only while that would not be true of all its watchers.
/// - A stream's outbox takes as many bytes as its responses do.
#[derive(Debug)]
pub struct Hub {
    pub(super) limits: WatchLimits,
    /// The last revision the hub was notified of.
    pub(super) revision: i64,
    pub(super) streams: BTreeMap<StreamId, Stream>,
    pub(super) streams_opened: u64,
    pub(super) synced: Synced,
    pub(super) unsynced: BTreeSet<Name>,
    /// The watcher that [`Hub::sync`] served last, so that every watcher has its turn.
    pub(super) stepped: Option<Name>,
    /// Streams that asked for progress and were not answered yet.
    pub(super) progress_wanted: BTreeSet<StreamId>,
    /// Calls after which the invariants were checked.
    pub(super) calls_checked: u32,
}

impl Hub {
    /// A hub for a store at this revision.
    pub fn new(revision: i64) -> Hub {
        Hub::with_limits(revision, WatchLimits::default())
    }

    /// The same with other limits.
    pub fn with_limits(revision: i64, limits: WatchLimits) -> Hub {
        Hub {
            limits,
            revision,
            streams: BTreeMap::new(),
            streams_opened: 0,
            synced: Synced::default(),
            unsynced: BTreeSet::new(),
            stepped: None,
            progress_wanted: BTreeSet::new(),
            calls_checked: 0,
        }
    }

    /// The last revision the hub was notified of.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Opens a stream. `wake` is called, under the hub's lock, when its outbox stops being empty.
    pub fn open(&mut self, wake: Box<dyn Fn() + Send>) -> StreamId {
        self.streams_opened += 1;
        let id = StreamId(self.streams_opened);
        self.streams.insert(id, Stream::new(wake));
        id
    }

    /// Forgets a stream with all its watchers and whatever waits for it.
    pub fn close(&mut self, stream: StreamId) {
        let Some(closed) = self.streams.remove(&stream) else { return };
        self.progress_wanted.remove(&stream);
        for (watch_id, watcher) in closed.watchers {
            self.unlist((stream, watch_id), &watcher);
        }
        self.check_after_call();
    }

    /// The next response for a stream's client. Taking some makes room; see [`Hub::needs_sync`].
    pub fn next(&mut self, stream: StreamId) -> Option<WatchResponse> {
        self.streams.get_mut(&stream)?.pop()
    }

    /// Makes a watcher, or says why not.
    pub fn create(&mut self, stream: StreamId, request: WatchRequest) {
        let Some(opened) = self.streams.get_mut(&stream) else { return };
        let rejected = if request.start_revision < 0 {
            Some(WatchRejected::NegativeRevision)
        } else if request.range.is_empty() {
            Some(WatchRejected::EmptyRange)
        } else if request.watch_id != 0 && opened.watchers.contains_key(&request.watch_id) {
            Some(WatchRejected::DuplicateId)
        } else {
            None
        };
        if let Some(rejected) = rejected {
            opened.push(NO_WATCHER, self.revision, WatchBody::Rejected(rejected));
            return;
        }
        let watch_id = if request.watch_id == 0 { opened.choose_id() } else { request.watch_id };
        opened.push(watch_id, self.revision, WatchBody::Created);
        let start = request.start_revision;
        let synced = start == 0 || start > self.revision;
        let next = if synced { start.max(self.revision + 1) } else { start };
        if synced {
            self.synced.add((stream, watch_id), &request.range);
        } else {
            self.unsynced.insert((stream, watch_id));
        }
        opened.watchers.insert(watch_id, Watcher { request, next, synced, quiet: true });
        self.check_after_call();
    }

    /// Ends a watcher and says so; an unknown one is ignored, as in etcd.
    pub fn cancel(&mut self, stream: StreamId, watch_id: i64) {
        self.end(stream, watch_id, WatchBody::Canceled);
        self.check_after_call();
    }

    /// The stream's client asks how far it is. Answered as soon as the answer is true of all its
    /// watchers; several questions get one answer, and a stream without watchers gets none.
    pub fn progress(&mut self, stream: StreamId) {
        let Some(asked) = self.streams.get_mut(&stream) else { return };
        if planted!("R5", "progress-overtakes") {
            asked.push_ahead(NO_WATCHER, self.revision, WatchBody::Progress);
            return;
        }
        self.progress_wanted.insert(stream);
        self.answer_progress(stream);
        self.check_after_call();
    }

    /// One round of periodic progress: for those who want it and were told nothing since the last.
    pub fn progress_round(&mut self) {
        for stream in self.streams.values_mut() {
            let mut due = Vec::new();
            for (watch_id, watcher) in &mut stream.watchers {
                let quiet = std::mem::replace(&mut watcher.quiet, true);
                if watcher.request.progress_notify && quiet && watcher.may_progress(self.revision) {
                    due.push(*watch_id);
                }
            }
            for watch_id in due {
                if stream.has_room(&self.limits) {
                    stream.push(watch_id, self.revision, WatchBody::Progress);
                }
            }
        }
    }

    /// Tells the hub of the next revision's changes. Before the proposal is answered, so that a
    /// watcher created after the answer is not told of it.
    pub fn notify(&mut self, revision: i64, events: Vec<Event>) {
        assert_eq!(revision, self.revision + 1, "revisions are notified in order");
        self.revision = revision;
        let mut told: BTreeMap<Name, Vec<Event>> = BTreeMap::new();
        for event in &events {
            for name in self.synced.watching(&event.kv.key) {
                let watcher = &self.streams[&name.0].watchers[&name.1];
                if watcher.next <= revision {
                    told.entry(name).or_default().extend(watcher.filter(event));
                }
            }
        }
        for (name, events) in told {
            self.tell(name, revision, events);
        }
        for stream in self.progress_wanted.clone() {
            self.answer_progress(stream);
        }
        self.check_after_call();
    }

    fn tell(&mut self, name: Name, revision: i64, events: Vec<Event>) {
        let stream = self.streams.get_mut(&name.0).expect("watchers belong to streams");
        if events.is_empty() {
            return;
        }
        if stream.has_room(&self.limits) {
            stream.push_events(name.1, revision, events, &self.limits);
            return;
        }
        probe!("watch stream is slow, its watcher becomes unsynced");
        let watcher = stream.watchers.get_mut(&name.1).expect("it was just found");
        watcher.next = revision;
        watcher.synced = false;
        self.synced.remove(name, &watcher.request.range);
        self.unsynced.insert(name);
    }

    /// Whether [`Hub::sync`] has something to do now.
    pub fn needs_sync(&self) -> bool {
        self.unsynced.iter().any(|name| self.streams[&name.0].has_room(&self.limits))
    }

    /// Gives unsynced watchers the next of what they missed; whether there is more to do at once.
    pub fn sync(&mut self, store: &Store) -> Result<bool, StoreError> {
        let last = self.stepped;
        let later = |name: &&Name| last.is_none_or(|last| **name > last);
        let turn: Vec<Name> = (self.unsynced.iter().filter(later))
            .chain(self.unsynced.iter().filter(|name| !later(name)))
            .copied()
            .filter(|name| self.streams[&name.0].has_room(&self.limits))
            .take(self.limits.sync_watchers)
            .collect();
        self.stepped = turn.last().copied();
        for name in turn {
            self.step(name, store)?;
        }
        self.check_after_call();
        Ok(self.needs_sync())
    }

    fn step(&mut self, name: Name, store: &Store) -> Result<(), StoreError> {
        let (stream, watch_id) = name;
        let watcher = &self.streams[&stream].watchers[&watch_id];
        let range = &watcher.request.range;
        match store.events(range, watcher.next, self.revision, self.limits.scan_changes)? {
            Ok(history) => self.catch_up(name, history),
            Err(Rejected::Compacted) => {
                probe!("compaction overtook a watcher");
                self.end(stream, watch_id, WatchBody::Compacted(store.compact_revision()));
            }
            Err(other) => unreachable!("history is refused only when compacted: {other}"),
        }
        Ok(())
    }

    /// Queues a stretch of history, several revisions to a response, as far as there is room.
    fn catch_up(&mut self, name: Name, history: History) {
        let (stream_id, watch_id) = name;
        let stream = self.streams.get_mut(&stream_id).expect("watchers belong to streams");
        let mut pending = history.changes.into_iter().peekable();
        let next = loop {
            let watcher = &stream.watchers[&watch_id];
            let events = take_response(&mut pending, watcher, self.limits.response_bytes);
            if !events.is_empty() {
                stream.push_events(watch_id, self.revision, events, &self.limits);
            }
            match pending.peek() {
                None => break history.next,
                Some((revision, _)) if !stream.has_room(&self.limits) => break *revision,
                Some(_) => {}
            }
        };
        let watcher = stream.watchers.get_mut(&watch_id).expect("it was just found");
        watcher.next = watcher.next.max(next);
        if watcher.next > self.revision {
            watcher.synced = true;
            self.synced.add(name, &watcher.request.range);
            self.unsynced.remove(&name);
            self.answer_progress(stream_id);
        }
    }

    /// The store was replaced by a snapshot: the hub stands at its revision, and who missed
    /// something on the way reads it from there. Nobody is told anything twice, or before its
    /// start.
    pub fn restore(&mut self, store: &Store) {
        let (told, now) = (self.revision, store.revision());
        self.revision = now;
        for (stream_id, stream) in &mut self.streams {
            for (watch_id, watcher) in &mut stream.watchers {
                if !watcher.synced {
                    continue;
                }
                watcher.next = watcher.next.max(told + 1);
                if watcher.next <= now {
                    probe!("watcher reads history after a snapshot");
                    let name = (*stream_id, *watch_id);
                    watcher.synced = false;
                    self.synced.remove(name, &watcher.request.range);
                    self.unsynced.insert(name);
                }
            }
        }
        self.check_after_call();
    }

    fn end(&mut self, stream: StreamId, watch_id: i64, last_word: WatchBody) {
        let Some(opened) = self.streams.get_mut(&stream) else { return };
        let Some(watcher) = opened.watchers.remove(&watch_id) else { return };
        opened.push(watch_id, self.revision, last_word);
        self.unlist((stream, watch_id), &watcher);
        self.answer_progress(stream);
    }

    fn unlist(&mut self, name: Name, watcher: &Watcher) {
        self.synced.remove(name, &watcher.request.range);
        self.unsynced.remove(&name);
    }

    /// Answers a stream's question, once the answer is true.
    fn answer_progress(&mut self, stream: StreamId) {
        if !self.progress_wanted.contains(&stream) {
            return;
        }
        let Some(asked) = self.streams.get_mut(&stream) else { return };
        if asked.watchers.is_empty() {
            self.progress_wanted.remove(&stream);
        } else if asked.watchers.values().all(|watcher| watcher.may_progress(self.revision)) {
            asked.push(NO_WATCHER, self.revision, WatchBody::Progress);
            self.progress_wanted.remove(&stream);
        }
    }
}

/// What the watcher wants of the next revisions, until that is enough for one response.
fn take_response(
    pending: &mut std::iter::Peekable<impl Iterator<Item = Changes>>,
    watcher: &Watcher,
    response_bytes: usize,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut bytes = 0;
    while bytes < response_bytes {
        let Some((_, changes)) = pending.next() else { break };
        let wanted = changes.iter().filter_map(|event| watcher.filter(event));
        let before = events.len();
        events.extend(wanted);
        bytes += events[before..].iter().map(event_bytes).sum::<usize>();
    }
    events
}

//! Every watcher is told exactly what it must be told, whatever the pace of its stream.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::apply;
use crate::command::{Body, CompactRequest, DeleteRangeRequest, KeyRange};
use crate::consensus::types::Entry;
use crate::limits::WatchLimits;
use crate::mvcc::tests::disk::Disk;
use crate::mvcc::tests::model::Model;
use crate::mvcc::tests::{IDENTITY, cases, entry, put};
use crate::mvcc::{Changes, Event, EventKind, Store};
use crate::watch::{Hub, NO_WATCHER, StreamId, WatchBody, WatchRequest};

const LIMITS: WatchLimits = WatchLimits {
    outbox_responses: 2,
    outbox_bytes: 300,
    fragment_bytes: 90,
    response_bytes: 150,
    scan_changes: 3,
    sync_watchers: 2,
};
const STREAMS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Put(&'static str, u8),
    Delete(KeyRange),
    Compact(i64),
    Create(usize, WatchRequest),
    Cancel(usize, i64),
    Ask(usize),
    Round,
    Sync,
    Read(usize, usize),
    /// The member applies no more.
    Cut,
    /// It takes a snapshot and applies again.
    Install,
}

fn keys() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c"])
}

fn ranges() -> impl Strategy<Value = KeyRange> {
    let end = prop::sample::select(vec!["", "", "c", "d", "\0"]);
    (keys(), end).prop_map(|(key, end)| KeyRange { key: key.into(), range_end: end.into() })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let streams = || 0..STREAMS;
    let request = (ranges(), prop_oneof![Just(0), 1..30i64], any::<[bool; 5]>()).prop_map(
        |(range, start_revision, [progress_notify, no_put, no_delete, prev_kv, fragment])| {
            let (no_put, no_delete) = (no_put && prev_kv, no_delete && fragment);
            let watch_id = 0;
            WatchRequest {
                range,
                start_revision,
                watch_id,
                progress_notify,
                no_put,
                no_delete,
                prev_kv,
                fragment,
            }
        },
    );
    let step = prop_oneof![
        12 => (keys(), any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        4 => ranges().prop_map(Step::Delete),
        1 => (1..30i64).prop_map(Step::Compact),
        4 => (streams(), request).prop_map(|(stream, request)| Step::Create(stream, request)),
        1 => (streams(), 0..4i64).prop_map(|(stream, id)| Step::Cancel(stream, id)),
        3 => streams().prop_map(Step::Ask),
        1 => Just(Step::Round),
        8 => Just(Step::Sync),
        8 => (streams(), 1..5usize).prop_map(|(stream, count)| Step::Read(stream, count)),
        1 => Just(Step::Cut),
        1 => Just(Step::Install),
    ];
    prop::collection::vec(step, 1..120)
}

/// What a client knows of one watcher.
struct Client {
    request: WatchRequest,
    /// Everything told, in order.
    told: Vec<Event>,
    /// Where it began to listen.
    first: i64,
    /// Highest progress told.
    progress: i64,
    ended: bool,
}

struct World {
    model: Model,
    leader: Store,
    member: Store,
    cut: bool,
    log: Vec<Entry>,
    hub: Hub,
    streams: Vec<StreamId>,
    clients: BTreeMap<WatcherName, Client>,
    /// Created and not yet heard of, in order.
    asked: Vec<Vec<WatchRequest>>,
}

/// A watcher, by its stream and its id there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct WatcherName {
    stream: usize,
    id: i64,
}

impl World {
    fn new() -> World {
        let fresh = || Store::open(Disk::default().backend(), IDENTITY).unwrap();
        let mut hub = Hub::with_limits(1, LIMITS);
        let streams = (0..STREAMS).map(|_| hub.open(Box::new(|| ()))).collect();
        World {
            model: Model::new(),
            leader: fresh(),
            member: fresh(),
            cut: false,
            log: vec![],
            hub,
            streams,
            clients: BTreeMap::new(),
            asked: vec![vec![]; STREAMS],
        }
    }

    fn apply(&mut self, body: Body) {
        let _ = self.model.apply(&body);
        self.log.push(entry(self.log.len() as u64 + 1, body));
        apply::apply_batch(&self.leader, &self.log).unwrap();
        if !self.cut {
            for (revision, events) in apply::apply_batch(&self.member, &self.log).unwrap().events {
                self.hub.notify(revision, events);
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Put(key, value) => self.apply(Body::Put(put(key, &value.to_string()))),
            Step::Delete(range) => {
                self.apply(Body::DeleteRange(DeleteRangeRequest { range, prev_kv: false }));
            }
            Step::Compact(revision) => {
                self.apply(Body::Compact(CompactRequest { revision, physical: false }));
            }
            Step::Create(stream, request) => {
                self.hub.create(self.streams[stream], request.clone());
                self.asked[stream].push(request);
            }
            Step::Cancel(stream, id) => self.hub.cancel(self.streams[stream], id),
            Step::Ask(stream) => self.hub.progress(self.streams[stream]),
            Step::Round => self.hub.progress_round(),
            Step::Sync => drop(self.hub.sync(&self.member).unwrap()),
            Step::Read(stream, count) => self.read(stream, count),
            Step::Cut => self.cut = true,
            Step::Install if self.cut => {
                let (_, chunks) = self.leader.export().unwrap();
                self.member = Store::import(Disk::default().backend(), IDENTITY, chunks).unwrap();
                self.hub.restore(&self.member);
                self.cut = false;
            }
            Step::Install => {}
        }
    }

    fn read(&mut self, stream: usize, count: usize) {
        for _ in 0..count {
            let Some(response) = self.hub.next(self.streams[stream]) else { return };
            let name = WatcherName { stream, id: response.watch_id };
            match response.body {
                WatchBody::Created => {
                    let request = self.asked[stream].remove(0);
                    let start = request.start_revision;
                    let first = if start == 0 { response.revision + 1 } else { start };
                    let client = Client { request, told: vec![], first, progress: 0, ended: false };
                    self.clients.insert(name, client);
                }
                WatchBody::Rejected(_) => drop(self.asked[stream].remove(0)),
                WatchBody::Progress => {
                    self.hear_progress(stream, response.watch_id, response.revision);
                }
                WatchBody::Events { events, .. } => {
                    let client = self.clients.get_mut(&name).unwrap();
                    assert!(!client.ended);
                    for event in events {
                        let revision = event.kv.mod_revision;
                        assert!(revision >= client.first, "told of something before its start");
                        assert!(revision > client.progress, "progress came before {revision}");
                        assert!(revision <= response.revision);
                        client.told.push(event);
                    }
                }
                WatchBody::Canceled => self.check(name, i64::MAX, false),
                WatchBody::Compacted(revision) => {
                    let told = self.clients[&name].told.last().map_or(0, |e| e.kv.mod_revision);
                    assert!(told < revision && self.clients[&name].first < revision);
                    self.check(name, told, false);
                }
            }
        }
    }

    fn hear_progress(&mut self, stream: usize, watch_id: i64, revision: i64) {
        for (name, client) in &mut self.clients {
            let meant = watch_id == NO_WATCHER || watch_id == name.id;
            if name.stream == stream && meant && !client.ended {
                assert!(client.request.start_revision <= revision, "not started yet");
                client.progress = client.progress.max(revision);
            }
        }
        let names: Vec<_> = self.clients.keys().copied().collect();
        for name in names {
            let meant = watch_id == NO_WATCHER || watch_id == name.id;
            if name.stream == stream && meant && !self.clients[&name].ended {
                self.compare(name, revision, true);
            }
        }
    }

    fn check(&mut self, name: WatcherName, upto: i64, complete: bool) {
        self.compare(name, upto, complete);
        self.clients.get_mut(&name).unwrap().ended = true;
    }

    /// What was told is what must be told up to a revision, or (unless complete) the beginning of
    /// it.
    fn compare(&self, name: WatcherName, upto: i64, complete: bool) {
        let client = &self.clients[&name];
        let must: Vec<Event> = must_tell(&self.model.changes, client, upto);
        let told: Vec<Event> = client.told.iter().map(without_prev).collect();
        let must: Vec<Event> = must.iter().map(without_prev).collect();
        if complete {
            assert_eq!(told, must, "watcher {name:?}");
        } else {
            assert!(must.starts_with(&told), "watcher {name:?}: {told:?} of {must:?}");
        }
    }

    /// Reads and syncs until nothing moves, then everything must have been told.
    fn settle(&mut self) {
        self.step(Step::Install);
        loop {
            for stream in 0..STREAMS {
                self.read(stream, usize::MAX);
            }
            if !self.hub.needs_sync() {
                break;
            }
            self.hub.sync(&self.member).unwrap();
        }
        for stream in 0..STREAMS {
            self.hub.progress(self.streams[stream]);
            self.read(stream, usize::MAX);
        }
        let names: Vec<_> = self.clients.keys().copied().collect();
        for name in names {
            if !self.clients[&name].ended {
                self.compare(name, i64::MAX, true);
                self.prevs_are_right(name);
            }
        }
    }

    /// The key before is there when it was asked for and existed, unless compaction took it.
    fn prevs_are_right(&self, name: WatcherName) {
        let client = &self.clients[&name];
        let must = must_tell(&self.model.changes, client, i64::MAX);
        for (told, must) in client.told.iter().zip(&must) {
            let lost = told.prev_kv.is_none() && must.kv.mod_revision <= self.model.compacted;
            let wanted = must.prev_kv.as_ref().filter(|_| client.request.prev_kv);
            assert!(lost || told.prev_kv.as_ref() == wanted, "{told:?} {must:?}");
        }
    }
}

fn without_prev(event: &Event) -> Event {
    Event { prev_kv: None, ..event.clone() }
}

fn must_tell(changes: &[Changes], client: &Client, upto: i64) -> Vec<Event> {
    let wanted = |event: &&Event| {
        client.request.range.contains(&event.kv.key)
            && match event.kind {
                EventKind::Put => !client.request.no_put,
                EventKind::Delete => !client.request.no_delete,
            }
    };
    changes
        .iter()
        .filter(|(revision, _)| *revision >= client.first && *revision <= upto)
        .flat_map(|(_, events)| events.iter().filter(wanted).cloned())
        .collect()
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn every_watcher_is_told_everything_once_in_order(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
    }
}

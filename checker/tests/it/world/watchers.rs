//! Watchers of the little world: what each is told, spread over responses at random.

use mettle_checker::history::{
    Blob, Event, EventType, Header, OnStream, Record, Request, WatchCancelRequest,
    WatchCreateRequest, WatchFilter, WatchResponse,
};
use mettle_checker::model::{Change, Span};

use super::World;

/// One watcher being told.
struct Teller {
    stream: u64,
    process: u64,
    watch_id: i64,
    /// Whether no other is on its stream.
    only: bool,
    request: WatchCreateRequest,
    now: u64,
    next_id: u64,
}

/// Lets the watchers of one stream hear of everything they asked for. The first stream has one
/// watcher of everything from the start on.
pub(super) fn stream(world: &mut World, number: u64) {
    let stream = number + 1;
    let count = if number > 0 && world.dice.chance(40) { 2 } else { 1 };
    for place in 0..count {
        let full = number == 0;
        let start =
            if full { 1 } else { 1 + world.dice.below(world.store.revision() as u64 + 1) as i64 };
        let mut teller = Teller {
            stream,
            process: 1_000_000 + number,
            watch_id: place as i64,
            only: count == 1,
            request: request(world, full, start),
            now: 1,
            next_id: 10_000_000 * (number + 1) + 1_000_000 * place,
        };
        teller.request.stream = stream;
        if place == 1 && world.dice.chance(50) {
            teller.watch_id = 7;
            teller.request.watch_id = 7;
        }
        teller.watch(world, start);
        if !full && world.dice.chance(20) {
            teller.cancel(world);
        }
    }
    if number > 0 && world.dice.chance(20) {
        let at = world.records.iter().filter(|record| record.process == 1_000_000 + number);
        let at = at.map(|record| record.call_ns).max().unwrap_or(0) + 1;
        let id = 10_000_000 * (number + 1) + 9_000_000;
        world.records.push(Record::watch_end(
            OnStream { id, process: 1_000_000 + number, member: 1, at_ns: at, stream },
            None,
        ));
    }
}

fn request(world: &mut World, full: bool, start: i64) -> WatchCreateRequest {
    let (key, range_end) = if full {
        (Blob::from("\0"), Blob::from("\0"))
    } else {
        let key = world.key();
        let end = world.range_end(&key);
        // Etcd refuses a watcher of no key.
        let none = !end.is_empty() && end != Blob::from("\0") && end <= key;
        let end = if none { Blob::default() } else { end };
        (key, end)
    };
    let from_now = !full && world.dice.chance(50);
    let filters = match world.dice.below(10) {
        0..3 if !full => vec![WatchFilter::NoPut],
        3 if !full => vec![WatchFilter::NoDelete],
        _ => Vec::new(),
    };
    WatchCreateRequest {
        key,
        range_end,
        start_revision: if from_now { 0 } else { start },
        prev_kv: full || world.dice.chance(50),
        fragment: !full && world.dice.chance(40),
        filters,
        ..WatchCreateRequest::default()
    }
}

impl Teller {
    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn tell(&mut self, world: &mut World, response: WatchResponse) {
        let id = self.id();
        let told = Record::watch_response(
            OnStream { id, process: self.process, member: 1, at_ns: self.now, stream: self.stream },
            response,
        );
        world.records.push(told);
    }

    fn watch(&mut self, world: &mut World, start: i64) {
        let last = world.store.revision();
        let from_now = self.request.start_revision == 0;
        // "From now on" means: from after the revision that the answer names.
        let revision = if from_now { start - 1 } else { 1 };
        if from_now {
            self.now = time_of(world, revision);
        }
        let id = self.id();
        let create = Request::WatchCreate(self.request.clone());
        world.records.push(Record::sent(id, self.process, 1, self.now, create));
        let watch_id = self.watch_id;
        self.tell(
            world,
            WatchResponse {
                header: header(revision),
                watch_id,
                created: true,
                ..Default::default()
            },
        );
        let mut events: Vec<Event> = Vec::new();
        for revision in start..=last {
            self.now = self.now.max(time_of(world, revision)) + world.dice.below(5);
            events.extend(wanted(world, &self.request, revision));
            if !events.is_empty() && (world.dice.chance(70) || revision == last) {
                self.events(world, revision, std::mem::take(&mut events));
            }
            if events.is_empty() && world.dice.chance(10) {
                let everybody = self.only && world.dice.chance(50);
                let watch_id = if everybody { -1 } else { self.watch_id };
                let header = header(revision);
                self.tell(world, WatchResponse { header, watch_id, ..WatchResponse::default() });
            }
        }
    }

    /// Tells of events, in parts if the watcher likes them.
    fn events(&mut self, world: &mut World, revision: i64, mut events: Vec<Event>) {
        let (header, watch_id) = (header(revision), self.watch_id);
        if self.request.fragment && events.len() > 1 && world.dice.chance(70) {
            let rest = events.split_off(1 + world.dice.below(events.len() as u64 - 1) as usize);
            let fragment = true;
            self.tell(
                world,
                WatchResponse { header, watch_id, events, fragment, ..WatchResponse::default() },
            );
            events = rest;
        }
        self.tell(world, WatchResponse { header, watch_id, events, ..WatchResponse::default() });
    }

    fn cancel(&mut self, world: &mut World) {
        // At once, or after a while.
        self.now += world.dice.below(2) * world.dice.below(40);
        let (stream, watch_id) = (self.stream, self.watch_id);
        let id = self.id();
        let cancel = Request::WatchCancel(WatchCancelRequest { stream, watch_id });
        world.records.push(Record::sent(id, self.process, 1, self.now, cancel));
        self.now += 1 + world.dice.below(40);
        let made = world.made.iter().rfind(|(_, at)| *at <= self.now);
        let header = header(made.map_or(1, |(revision, _)| *revision));
        self.tell(
            world,
            WatchResponse { header, watch_id, canceled: true, ..WatchResponse::default() },
        );
    }
}

fn header(revision: i64) -> Header {
    Header { revision, ..Header::default() }
}

fn time_of(world: &World, revision: i64) -> u64 {
    let place = world.made.partition_point(|(made, _)| *made < revision);
    world.made.get(place).map_or(0, |(_, at)| *at)
}

fn wanted(world: &World, request: &WatchCreateRequest, revision: i64) -> Vec<Event> {
    let span = Span::new(&request.key, &request.range_end);
    let wants = |change: &Change<'_>| {
        let kind =
            if change.now.is_deletion() { WatchFilter::NoDelete } else { WatchFilter::NoPut };
        span.contains(change.key) && !request.filters.contains(&kind)
    };
    let changes = world.store.changes(revision).filter(wants);
    let events = changes.map(|change| Event {
        kind: if change.now.is_deletion() { EventType::Delete } else { EventType::Put },
        kv: change.kv(),
        prev_kv: change.prev_kv().filter(|_| request.prev_kv),
        is_create: None,
    });
    events.collect()
}

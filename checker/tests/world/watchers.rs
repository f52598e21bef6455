//! The world's watch streams: everything is delivered in order, late, and in random portions.

use mettle_checker::history::{
    Blob, Event, EventType, Header, Record, Request, WatchCreateRequest, WatchFilter, WatchResponse,
};
use mettle_checker::model::{Change, Span};

use super::World;

/// Lets one stream with one watcher hear of everything it asked for.
pub(super) fn watch(world: &mut World, number: u64) {
    let stream = number + 1;
    let process = 1_000_000 + number;
    let full = number == 0;
    let (key, range_end) = if full {
        (Blob::from("\0"), Blob::from("\0"))
    } else {
        let key = world.key();
        let end = world.range_end(&key);
        (key, end)
    };
    let last = world.store.revision();
    let start = if full { 1 } else { 1 + world.dice.below(last as u64 + 1) as i64 };
    let from_now = !full && world.dice.chance(50);
    let request = WatchCreateRequest {
        stream,
        key,
        range_end,
        start_revision: if from_now { 0 } else { start },
        prev_kv: full || world.dice.chance(50),
        filters: if !full && world.dice.chance(30) { vec![WatchFilter::NoPut] } else { vec![] },
        ..WatchCreateRequest::default()
    };
    // "From now on" means: from after the revision that the answer names.
    let header = |revision: i64| Header { revision, ..Header::default() };
    let mut now = if from_now { time_of(world, start - 1) } else { 1 };
    let mut id = 10_000_000 * (number + 1);
    let mut next_id = || {
        id += 1;
        id
    };
    let create = Record::sent(next_id(), process, 1, now, Request::WatchCreate(request.clone()));
    world.records.push(create);
    let created = WatchResponse {
        header: header(if from_now { start - 1 } else { 1 }),
        watch_id: 0,
        created: true,
        ..WatchResponse::default()
    };
    world.records.push(Record::watch_response(next_id(), process, 1, now, (stream, created)));
    let mut events: Vec<Event> = Vec::new();
    for revision in start..=last {
        now = now.max(time_of(world, revision)) + world.dice.below(5);
        events.extend(wanted(world, &request, revision));
        if !events.is_empty() && world.dice.chance(70) || revision == last && !events.is_empty() {
            let response = WatchResponse {
                header: header(revision),
                events: std::mem::take(&mut events),
                ..WatchResponse::default()
            };
            let record = Record::watch_response(next_id(), process, 1, now, (stream, response));
            world.records.push(record);
        }
        if events.is_empty() && world.dice.chance(10) {
            let watch_id = if world.dice.chance(50) { -1 } else { 0 };
            let progress =
                WatchResponse { header: header(revision), watch_id, ..WatchResponse::default() };
            let record = Record::watch_response(next_id(), process, 1, now, (stream, progress));
            world.records.push(record);
        }
    }
}

fn time_of(world: &World, revision: i64) -> u64 {
    let place = world.made.partition_point(|(made, _)| *made < revision);
    world.made.get(place).map_or(0, |(_, at)| *at)
}

fn wanted(world: &World, request: &WatchCreateRequest, revision: i64) -> Vec<Event> {
    let span = Span::new(&request.key, &request.range_end);
    let wants = |change: &Change<'_>| {
        let filtered = !change.now.is_deletion() && request.filters.contains(&WatchFilter::NoPut);
        span.contains(change.key) && !filtered
    };
    let changes = world.store.changes(revision).filter(wants);
    let events = changes.map(|change| Event {
        kind: if change.now.is_deletion() { EventType::Delete } else { EventType::Put },
        kv: change.kv(),
        prev_kv: change.prev_kv().filter(|_| request.prev_kv),
    });
    events.collect()
}

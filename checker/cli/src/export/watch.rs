//! Writes watches as etcd's robustness tests write them: each watcher on its own, with the
//! responses that its client library would deliver.

use super::{LeftOut, text};
use crate::import::etcd::convert::prefix_end;
use crate::import::etcd::wire::{Kept, Value, Watch, WatchAnswer, WatchAsked, WatchEvent};
use mettle_checker::history::{Event, EventType, History, WatchCreateRequest, WatchResponse};
use mettle_checker::streams::{Watcher, is_progress, streams};

/// Watchers in the format's reach, with their processes.
pub(super) fn watches(history: &History, left: &mut LeftOut) -> Vec<(u64, Watch)> {
    let mut all = Vec::new();
    for watcher in &streams(&history.records).watchers {
        match watch(watcher) {
            Ok(watch) => all.push((watcher.create.process, watch)),
            Err(cause) => left.count(cause),
        }
    }
    all
}

fn watch(watcher: &Watcher<'_>) -> Result<Watch, &'static str> {
    let mut responses: Vec<WatchAnswer> = Vec::new();
    let mut parts: Vec<WatchEvent> = Vec::new();
    for arrival in &watcher.arrivals {
        let WatchResponse { header, events, fragment, .. } = arrival.response;
        for event in events {
            parts.push(wire_event(event)?);
        }
        let progress = is_progress(arrival.response);
        if *fragment || parts.is_empty() && !progress {
            continue;
        }
        let events = std::mem::take(&mut parts);
        responses.push(WatchAnswer {
            events: (!events.is_empty()).then_some(events),
            is_progress_notify: progress,
            revision: header.revision,
            time: arrival.record.return_ns.unwrap_or(arrival.record.call_ns) as i64,
            error: String::new(),
        });
    }
    Ok(Watch { request: asked(watcher)?, responses: Some(responses) })
}

fn asked(watcher: &Watcher<'_>) -> Result<WatchAsked, &'static str> {
    let WatchCreateRequest { key, range_end, filters, .. } = watcher.request;
    if !filters.is_empty() {
        return Err("watchers with filters");
    }
    let everything = **range_end == [0] && (key.is_empty() || **key == [0]);
    let with_prefix = !range_end.is_empty();
    let key = if everything { String::new() } else { text(key)? };
    if with_prefix && !everything && prefix_end(key.as_bytes()) != *range_end {
        return Err("watchers of ranges that are no prefix");
    }
    Ok(WatchAsked {
        key,
        // The first revision of the watcher, also for "from now on".
        revision: watcher.start,
        with_prefix,
        with_progress_notify: watcher.request.progress_notify,
        with_prev_kv: watcher.request.prev_kv,
    })
}

fn wire_event(event: &Event) -> Result<WatchEvent, &'static str> {
    let kv = &event.kv;
    let put = event.kind == EventType::Put;
    let shown = (kv.version > 0 || !put).then_some(put && kv.version == 1);
    Ok(WatchEvent {
        kind: if put { "put-operation" } else { "delete-operation" }.to_owned(),
        key: text(&kv.key)?,
        value: if put { Value::of(&kv.value) } else { Value::default() },
        revision: kv.mod_revision,
        is_create: event.is_create.map_or(shown, |said| Some(said.0)),
        prev_value: event.prev_kv.as_ref().map(Kept::of),
    })
}

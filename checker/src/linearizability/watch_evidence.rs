//! Evidence from outside the quorum: watch events, and reads from one member's own store. This
//! evidence may be wrong. If no order fits it, `order` tries again without it.

use super::by_revision::ByRevision;
use super::ops::Ops;
use crate::history::{Event, EventType, Record, Recorded, Request, Response};
use crate::model::{Change, Mismatch, Scope, Store, View, differ};
use crate::streams::{Streams, Watcher};
use crate::words;

/// One event that a watcher received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedEvent<'a> {
    pub(crate) watcher: u32,
    pub(crate) event: &'a Event,
    pub(crate) record: &'a Record,
}

/// A write that contradicts what a watcher received.
#[derive(Debug)]
pub(crate) struct EventMismatch<'a> {
    pub(crate) mismatch: Mismatch,
    /// The response with the wrong event. For a missing event: the request that created the
    /// watcher.
    pub(crate) record: &'a Record,
}

/// All evidence of this kind, by revision.
#[derive(Debug)]
pub(crate) struct WatchEvidence<'a, 'b> {
    received: ByRevision<ReceivedEvent<'a>>,
    watchers: &'b [Watcher<'a>],
    /// For each watcher: the last revision up to which it must have received every event.
    heard: Vec<i64>,
    /// The highest revision in an event or in an answer from a member's own store.
    pub(crate) top: i64,
}

impl<'a, 'b> WatchEvidence<'a, 'b> {
    pub(crate) fn new(ops: &Ops<'_>, streams: &'b Streams<'a>) -> Self {
        let watchers = &streams.watchers;
        let mut received = Vec::new();
        for (number, watcher) in watchers.iter().enumerate() {
            let watcher_events = watcher.events();
            received.extend(watcher_events.map(|(record, event)| {
                (event.kv.mod_revision, ReceivedEvent { watcher: number as u32, event, record })
            }));
        }
        received.sort_by_key(|(revision, received)| (*revision, received.watcher));
        let events_top = received.last().map_or(1, |(revision, _)| *revision);
        let top =
            ops.locals.all().last().map_or(events_top, |(revision, _)| events_top.max(*revision));
        let heard = watchers.iter().map(Watcher::heard).collect();
        WatchEvidence { received: ByRevision::new(received), watchers, heard, top }
    }

    /// The events of one revision.
    pub(crate) fn at(&self, revision: i64) -> &[(i64, ReceivedEvent<'a>)] {
        self.received.at(revision)
    }

    /// Calls `seen(revision, ns)` for each event, watch response and member's own answer: at `ns`
    /// the revision had been made.
    pub(crate) fn observations(&self, ops: &Ops<'a>, mut seen: impl FnMut(i64, u64)) {
        for (revision, received) in self.received.all() {
            seen(*revision, received.record.call_ns);
        }
        for watcher in self.watchers {
            for arrival in &watcher.arrivals {
                seen(arrival.response.header.revision, arrival.record.call_ns);
            }
        }
        for (revision, place) in ops.locals.all() {
            if let Some(return_ns) = ops.record(*place).return_ns {
                seen(*revision, return_ns);
            }
        }
    }

    /// Checks that the changes of `revision` are those that the watchers received. At a hole the
    /// write is a guess, so a missing event counts too.
    pub(crate) fn agree(
        &self,
        recorded: Recorded,
        store: &Store,
        revision: i64,
        hole: bool,
    ) -> Result<(), EventMismatch<'a>> {
        let received = self.at(revision);
        if received.is_empty() && !hole {
            return Ok(());
        }
        let changes: Vec<Change<'_>> = store.changes(revision).collect();
        for own in received.chunk_by(|a, b| a.1.watcher == b.1.watcher) {
            one_watcher(&changes, own, recorded, hole)?;
        }
        if hole {
            for change in &changes {
                self.silent(received, change, revision)?;
            }
        }
        Ok(())
    }

    /// Checks that every watcher that must have received a change did.
    fn silent(
        &self,
        received: &[(i64, ReceivedEvent<'a>)],
        change: &Change<'_>,
        revision: i64,
    ) -> Result<(), EventMismatch<'a>> {
        let kind = kind_of(change);
        for (number, watcher) in self.watchers.iter().enumerate() {
            let covers = watcher.start <= revision && revision <= self.heard[number];
            if !covers || !watcher.wants(change.key, kind) {
                continue;
            }
            let mut own =
                received.iter().filter(|(_, received)| received.watcher as usize == number);
            if !own.any(|(_, received)| {
                received.event.kind == kind && received.event.kv.key == *change.key
            }) {
                let mismatch = Mismatch {
                    field: "events".to_owned(),
                    expected: format!("the change of {}", words::short(change.key)),
                    got: String::new(),
                    scope: Scope::Key(change.key.clone()),
                };
                return Err(EventMismatch { mismatch, record: watcher.create });
            }
        }
        Ok(())
    }
}

/// The index of the first change, from `from` on, that has the key and the kind of an event. A
/// transaction may delete a key and put it again, so the key alone is not enough.
#[inline]
pub(crate) fn place_of(changes: &[Change<'_>], from: usize, event: &Event) -> Option<usize> {
    let about = |change: &Change<'_>| kind_of(change) == event.kind && *change.key == event.kv.key;
    changes.get(from..)?.iter().position(about).map(|ahead| from + ahead)
}

/// Checks that the events of one watcher describe changes that the write made. With `ordered` the
/// events must have the order of the changes: another order is the effect of another write.
fn one_watcher<'a>(
    changes: &[Change<'_>],
    received: &[(i64, ReceivedEvent<'a>)],
    recorded: Recorded,
    ordered: bool,
) -> Result<(), EventMismatch<'a>> {
    let mut last = None;
    for (_, ReceivedEvent { event, record, .. }) in received {
        let denied = |mismatch| EventMismatch { mismatch, record };
        let next = last.map_or(0, |last| last + 1);
        let found = place_of(changes, next, event).or_else(|| place_of(changes, 0, event));
        let Some(at) = found else {
            return Err(denied(wrong(
                event,
                "event",
                "that revision did no such thing to the key".to_owned(),
            )));
        };
        if let Some(last) = last.filter(|last| ordered && at < *last) {
            let key = &changes[last].key;
            return Err(denied(wrong(
                event,
                "events",
                format!("that revision changed the key before {}", words::short(key)),
            )));
        }
        same_event(&changes[at], event, recorded).map_err(denied)?;
        last = Some(at);
    }
    Ok(())
}

fn wrong(event: &Event, field: &str, expected: String) -> Mismatch {
    Mismatch {
        field: field.to_owned(),
        expected,
        got: words::event(event),
        scope: Scope::Key(event.kv.key.clone()),
    }
}

pub(crate) fn kind_of(change: &Change<'_>) -> EventType {
    if change.now.is_deletion() { EventType::Delete } else { EventType::Put }
}

/// Checks that an event describes a change as the store has it.
fn same_event(change: &Change<'_>, event: &Event, recorded: Recorded) -> Result<(), Mismatch> {
    let mut must = change.kv();
    recorded.fade_event_kv(&mut must);
    if event.kind == EventType::Put && must != event.kv {
        return Err(wrong(event, "event", {
            let shown = [change.key, &change.now.value].map(words::short);
            format!("that revision made it {}={} @{}", shown[0], shown[1], must.mod_revision)
        }));
    }
    if let Some(denied) = wrong_creation(change, event) {
        return Err(wrong(event, "is_create", format!("that revision {denied}")));
    }
    if let Some(prev) = &event.prev_kv {
        let mut before = change.prev_kv();
        if let Some(kv) = &mut before {
            recorded.fade_kv(kv);
        }
        let same = before.is_some_and(|before| before == *prev);
        if !same {
            return Err(wrong(
                event,
                "prev_kv",
                "its prev_kv is not what was there before".to_owned(),
            ));
        }
    }
    Ok(())
}

/// How a revision changed a key, if the `is_create` of the event contradicts that.
pub(crate) fn wrong_creation(change: &Change<'_>, event: &Event) -> Option<&'static str> {
    let created = change.now.version == 1;
    let wrong = event.is_create.is_some_and(|said| said.0 != created);
    wrong.then_some(match kind_of(change) {
        EventType::Delete => "deleted the key",
        EventType::Put if created => "created the key",
        EventType::Put => "put a key that was there",
    })
}

/// Checks that an answer from a member's own store shows the store at the answer's revision.
pub(crate) fn local_answer(ops: &Ops<'_>, place: u32, view: View<'_>) -> Result<(), Mismatch> {
    let record = ops.record(place);
    let (mut expected, got) = match (&record.request, &record.response) {
        (Request::Range(request), Some(got)) => {
            (Response::Range(view.past(request).range(request)), got)
        }
        (Request::Txn(request), Some(got)) => (Response::Txn(view.read_txn(request)), got),
        _ => return Ok(()),
    };
    ops.recorded.fade(&mut expected);
    differ(&record.request, &expected, got)
}

//! What watchers were told, altered.

use mettle_checker::history::*;

use super::case::{Row, events_of, watched_after_a_compaction};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "J9 event dropped",
        checker: "watch.reliable",
        alter: |case| {
            let place = *case.told().get(2)?;
            case.create().start_revision = 0;
            let response = case.response(place);
            response.events.remove(0);
            if response.events.is_empty() {
                case.records.remove(place);
            }
            // A notice in between would be what is wrong first.
            case.records.retain(|record| {
                events_of(record).is_none_or(|events| !events.is_empty())
                    || matches!(&record.response, Some(Response::Watch(watch)) if watch.created)
            });
            Some(())
        },
    },
    Row {
        name: "J10 event duplicated",
        checker: "watch.unique",
        alter: |case| {
            let told = case.told();
            let event = case.response(*told.first()?).events[0].clone();
            case.response(*told.get(1)?).events.insert(0, event);
            Some(())
        },
    },
    Row {
        name: "J11 events reordered",
        checker: "watch.ordered",
        alter: |case| {
            let place = case.told().into_iter().find(|place| {
                events_of(&case.records[*place]).is_some_and(|events| {
                    events.len() > 1 && events[0].kv.mod_revision != events[1].kv.mod_revision
                })
            })?;
            case.response(place).events.swap(0, 1);
            Some(())
        },
    },
    Row {
        name: "J12 transaction split",
        checker: "watch.atomic",
        alter: |case| {
            let mut places = case.told().into_iter();
            let (place, at) = places.find_map(|place| {
                let events = events_of(&case.records[place])?;
                let pair = events.windows(2);
                let at = pair
                    .into_iter()
                    .position(|pair| pair[0].kv.mod_revision == pair[1].kv.mod_revision)?;
                Some((place, at))
            })?;
            let response = case.response(place);
            let mut first = response.clone();
            response.events.drain(..=at);
            first.events.truncate(at + 1);
            case.tell(place, first);
            Some(())
        },
    },
    Row {
        name: "J13 progress ahead of its events",
        checker: "watch.bookmarkable",
        alter: |case| {
            let place = *case.told().get(1)?;
            let revision = case.response(place).events[0].kv.mod_revision;
            let header = Header { revision, ..Header::default() };
            case.tell(place, WatchResponse { header, watch_id: -1, ..WatchResponse::default() });
            Some(())
        },
    },
    Row {
        name: "J14 event outside the range",
        checker: "watch.range",
        alter: |case| {
            case.told().first()?;
            let create = case.create();
            create.key = Blob::from("k0");
            create.range_end = Blob::default();
            Some(())
        },
    },
    Row {
        name: "J14 event that was filtered out",
        checker: "watch.range",
        alter: |case| {
            case.told().first()?;
            case.create().filters = vec![WatchFilter::NoPut];
            Some(())
        },
    },
    Row {
        name: "J15 compacted watch not cancelled",
        checker: "watch.compacted",
        alter: |case| {
            let answered = watched_after_a_compaction(case)?;
            case.created().header.revision = answered + 1;
            Some(())
        },
    },
    Row {
        name: "cancelled for a compaction that never was",
        checker: "watch.compacted",
        alter: |case| {
            let place = *case.told().last()?;
            let revision = case.response(place).header.revision;
            let cancel = WatchResponse {
                header: Header { revision, ..Header::default() },
                canceled: true,
                compact_revision: revision + 7,
                ..WatchResponse::default()
            };
            case.response(place).clone_from(&cancel);
            Some(())
        },
    },
    Row {
        name: "event with another lease",
        checker: "watch.event",
        alter: |case| {
            let place = *case.told().get(1)?;
            case.response(place).events[0].kv.lease += 1;
            Some(())
        },
    },
    Row {
        name: "event with a wrong prev_kv",
        checker: "watch.prev_kv",
        alter: |case| {
            let compacted =
                case.records.iter().any(|record| matches!(record.request, Request::Compact(_)));
            let place = case.told().into_iter().find(|place| {
                events_of(&case.records[*place]).is_some_and(|events| events[0].prev_kv.is_some())
            })?;
            let event = &mut case.response(place).events[0];
            if compacted {
                event.prev_kv.as_mut()?.version += 1;
            } else {
                event.prev_kv = None;
            }
            Some(())
        },
    },
    Row {
        name: "event told as a creation",
        checker: "watch.is_create",
        alter: |case| {
            case.event(|event| event.kind == EventType::Put && event.kv.version > 1)?.is_create =
                Some(IsCreate(true));
            Some(())
        },
    },
    Row {
        name: "creation told as none",
        checker: "watch.is_create",
        alter: |case| {
            case.event(|event| event.kv.version == 1)?.is_create = Some(IsCreate(false));
            Some(())
        },
    },
    Row {
        name: "deletion told as a creation",
        checker: "watch.is_create",
        alter: |case| {
            case.event(|event| event.kind == EventType::Delete)?.is_create = Some(IsCreate(true));
            Some(())
        },
    },
    Row {
        name: "event that creates, with prev_kv",
        checker: "watch.prev_kv",
        alter: |case| {
            let place = case.told().into_iter().find(|place| {
                events_of(&case.records[*place]).is_some_and(|events| events[0].prev_kv.is_none())
            })?;
            case.response(place).events[0].prev_kv = Some(KeyValue::default());
            Some(())
        },
    },
    Row {
        name: "response older than its events",
        checker: "watch.header",
        alter: |case| {
            let place = *case.told().get(1)?;
            case.response(place).header.revision -= 40;
            Some(())
        },
    },
    Row {
        name: "first event after the start missing",
        checker: "watch.resumable",
        alter: |case| {
            let place = *case.told().first()?;
            let response = case.response(place);
            let first = response.events[0].kv.mod_revision;
            if response.events.len() < 2 || response.events[1].kv.mod_revision == first {
                return None;
            }
            case.response(place).events.remove(0);
            case.records.retain(|record| {
                events_of(record).is_none_or(|events| !events.is_empty())
                    || matches!(&record.response, Some(Response::Watch(watch)) if watch.created)
            });
            Some(())
        },
    },
    Row {
        name: "event from before the start",
        checker: "watch.resumable",
        alter: |case| {
            case.told().first()?;
            case.create().start_revision = 5;
            Some(())
        },
    },
    Row {
        name: "event for a watcher that is not there",
        checker: "watch.created",
        alter: |case| {
            let place = *case.told().first()?;
            case.response(place).watch_id = 9;
            Some(())
        },
    },
    Row {
        name: "a watcher never heard of the last writes",
        checker: "watch.live",
        alter: |case| {
            let place = *case.told().last()?;
            let stream = StreamRef { stream: 1 };
            let mut at = 0;
            case.records.retain(|record| {
                at += 1;
                at <= place || record.request != Request::WatchResponse(stream)
            });
            Some(())
        },
    },
    Row {
        name: "a create request was not answered",
        checker: "watch.live",
        alter: |case| {
            case.told().first()?;
            let stream = StreamRef { stream: 1 };
            case.records.retain(|record| record.request != Request::WatchResponse(stream));
            Some(())
        },
    },
    Row {
        name: "a watcher told to end does not",
        checker: "watch.live",
        alter: |case| {
            let at = case.quiet_ns()?;
            let end = Request::WatchCancel(WatchCancelRequest { stream: 1, watch_id: 0 });
            case.records.push(Record::sent(case.fresh_id(), 1_000_000, 1, at, end));
            Some(())
        },
    },
    Row {
        name: "the rest of a response does not come",
        checker: "watch.live",
        alter: |case| {
            let place = *case.told().last()?;
            case.create().fragment = true;
            case.response(place).fragment = true;
            let rest = case.records[place + 1..].iter();
            let stream = Request::WatchResponse(StreamRef { stream: 1 });
            rest.into_iter().all(|record| record.request != stream).then_some(())
        },
    },
    Row {
        name: "parts that were not asked for",
        checker: "watch.fragment",
        alter: |case| {
            let place = *case.told().first()?;
            case.create().fragment = false;
            case.response(place).fragment = true;
            Some(())
        },
    },
    Row {
        name: "a notice between the parts of a response",
        checker: "watch.fragment",
        alter: |case| {
            let told = case.told();
            let (first, next) = (*told.first()?, *told.get(1)?);
            case.create().fragment = true;
            case.response(first).fragment = true;
            let revision = case.response(first).events.last()?.kv.mod_revision;
            let header = Header { revision, ..Header::default() };
            case.tell(next, WatchResponse { header, ..WatchResponse::default() });
            Some(())
        },
    },
    Row {
        name: "ended without a cause",
        checker: "watch.canceled",
        alter: |case| {
            let at = case.quiet_ns()?;
            let header = Header { revision: case.store.revision(), ..Header::default() };
            let end = WatchResponse { header, canceled: true, ..WatchResponse::default() };
            let id = case.fresh_id();
            case.records.push(Record::watch_response(
                OnStream { id, process: 1_000_000, member: 1, at_ns: at, stream: 1 },
                end,
            ));
            Some(())
        },
    },
    Row {
        name: "an event after the end",
        checker: "watch.canceled",
        alter: |case| {
            let place = *case.told().last()?;
            let header = case.response(place).header;
            let cancel_reason = "tired".to_owned();
            let end =
                WatchResponse { header, canceled: true, cancel_reason, ..WatchResponse::default() };
            case.tell(place, end);
            Some(())
        },
    },
    Row {
        name: "a response of a revision that cannot have been made",
        checker: "watch.header",
        alter: |case| {
            let place = *case.told().get(1)?;
            case.response(place).header.revision += 1_000;
            (!case.unsure()).then_some(())
        },
    },
    Row {
        name: "a response before its write was called",
        checker: "watch.header",
        alter: |case| {
            case.told().first()?;
            for record in &mut case.records {
                if record.process == 1_000_000 {
                    (record.call_ns, record.return_ns) = (1, Some(1));
                }
            }
            (!case.unsure()).then_some(())
        },
    },
    Row {
        name: "another number than was asked for",
        checker: "watch.created",
        alter: |case| {
            case.told().first()?;
            case.create().watch_id = 5;
            Some(())
        },
    },
    Row {
        name: "a number given twice",
        checker: "watch.created",
        alter: |case| {
            let at = case.quiet_ns()?;
            let create =
                WatchCreateRequest { stream: 1, key: "k0".into(), ..WatchCreateRequest::default() };
            let header = Header { revision: case.store.revision(), ..Header::default() };
            let created = WatchResponse { header, created: true, ..WatchResponse::default() };
            let id = case.fresh_id();
            case.records.push(Record::sent(id, 1_000_000, 1, at, Request::WatchCreate(create)));
            case.records.push(Record::watch_response(
                OnStream { id: id + 1, process: 1_000_000, member: 1, at_ns: at, stream: 1 },
                created,
            ));
            Some(())
        },
    },
    Row {
        name: "a watcher that nobody asked for",
        checker: "watch.created",
        alter: |case| {
            let at = case.quiet_ns()?;
            let header = Header { revision: case.store.revision(), ..Header::default() };
            let created =
                WatchResponse { header, watch_id: 8, created: true, ..WatchResponse::default() };
            let id = case.fresh_id();
            case.records.push(Record::watch_response(
                OnStream { id, process: 1_000_000, member: 1, at_ns: at, stream: 1 },
                created,
            ));
            Some(())
        },
    },
    Row {
        name: "prev_kv that was not asked for",
        checker: "watch.prev_kv",
        alter: |case| {
            case.event(|event| event.prev_kv.is_some())?;
            case.create().prev_kv = false;
            Some(())
        },
    },
    Row {
        name: "a put told as a deletion",
        checker: "watch.event",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            case.event(|event| event.kind == EventType::Put)?.kind = EventType::Delete;
            Some(())
        },
    },
    Row {
        name: "event with another value",
        checker: "watch.event",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            case.event(|event| event.kind == EventType::Put)?.kv.value = "other".into();
            Some(())
        },
    },
    Row {
        name: "event of a key that was not changed",
        checker: "watch.event",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            let place = *case.told().first()?;
            let mut event = case.response(place).events.last()?.clone();
            event.kv.key = "nobody".into();
            case.response(place).events.push(event);
            Some(())
        },
    },
    Row {
        name: "the same event twice in one response",
        checker: "watch.unique",
        alter: |case| {
            let place = *case.told().first()?;
            let event = case.response(place).events[0].clone();
            case.response(place).events.insert(0, event);
            Some(())
        },
    },
    Row {
        name: "the changes of a transaction in another order",
        checker: "watch.ordered",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            let (place, at) = case.pair()?;
            case.response(place).events.swap(at, at + 1);
            Some(())
        },
    },
    Row {
        name: "one change of a transaction is missing",
        checker: "watch.reliable",
        alter: |case| {
            if case.unsure() {
                return None;
            }
            let (place, at) = case.pair()?;
            case.response(place).events.remove(at + 1);
            Some(())
        },
    },
];

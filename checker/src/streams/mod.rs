//! Which response belongs to which watcher: create requests and their answers, stream by stream.

use std::collections::{BTreeMap, VecDeque};

use crate::history::{
    Event, EventType, Op, Record, Request, Response, WatchCreateRequest, WatchFilter, WatchResponse,
};
use crate::model::Span;
use crate::verdict::Violation;
use crate::words;

/// The check of answers to create requests.
pub const CREATED: &str = "watch.created";
/// The check of ends.
pub const CANCELED: &str = "watch.canceled";

/// One watcher's life on its stream.
#[derive(Clone, Debug)]
pub struct Watcher<'a> {
    /// What was asked.
    pub request: &'a WatchCreateRequest,
    /// The record that asked.
    pub create: &'a Record,
    /// The keys that it watches.
    pub span: Span,
    /// The first revision it must deliver.
    pub start: i64,
    /// The answer to the create request.
    pub created: Arrival<'a>,
    /// The first request to end it.
    pub cancel: Option<&'a Record>,
    /// When it ended, or its stream; None if it was still there at the end of the recording.
    pub over_ns: Option<u64>,
    /// What arrived for it, in order, the answer to the create request left out.
    pub arrivals: Vec<Arrival<'a>>,
}

/// A response as one watcher sees it.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// When and for whom it came.
    pub record: &'a Record,
    /// What came.
    pub response: &'a WatchResponse,
}

impl<'a> Watcher<'a> {
    /// Whether the watcher wants to hear of such a change.
    pub fn wants(&self, key: &[u8], kind: EventType) -> bool {
        let filter = match kind {
            EventType::Put => WatchFilter::NoPut,
            EventType::Delete => WatchFilter::NoDelete,
        };
        self.span.contains(key) && !self.request.filters.contains(&filter)
    }

    /// The last revision of which it has certainly heard everything it wants: that of its last
    /// event or progress notice.
    pub fn heard(&self) -> i64 {
        let heard = self.arrivals.iter().map(|arrival| {
            let response = arrival.response;
            match response.events.last() {
                Some(event) => event.kv.mod_revision,
                None if is_progress(response) => response.header.revision,
                None => 0,
            }
        });
        heard.max().unwrap_or(0)
    }

    /// What arrived, the parts of a split response together: all but the last of a group that is
    /// whole are marked as fragments.
    pub fn groups(&self) -> impl Iterator<Item = &[Arrival<'a>]> {
        self.arrivals.chunk_by(|a, b| a.response.fragment && !b.response.events.is_empty())
    }

    /// Its events, each with the record that brought it.
    pub fn events(&self) -> impl Iterator<Item = (&'a Record, &'a Event)> {
        let arrivals = self.arrivals.iter().copied();
        arrivals.flat_map(|arrival| {
            arrival.response.events.iter().map(move |event| (arrival.record, event))
        })
    }
}

/// Whether a response only says how far the watcher is.
pub fn is_progress(response: &WatchResponse) -> bool {
    response.events.is_empty() && !response.created && !response.canceled && !response.fragment
}

/// All watchers of a history, and what is wrong with the streams themselves.
#[derive(Debug, Default)]
pub struct Streams<'a> {
    /// In the order in which they were created.
    pub watchers: Vec<Watcher<'a>>,
    /// Create requests that were not answered.
    pub unanswered: Vec<Unanswered<'a>>,
    /// What is wrong with the streams themselves.
    pub wrong: Vec<Violation>,
    /// How many responses came.
    pub responses: u64,
    /// Create requests without an answer, on streams that go on, and requests to end them.
    pub asked: Vec<&'a Record>,
    /// Watchers that live on, by their place in `watchers`.
    pub live: Vec<usize>,
}

/// A create request without an answer.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered<'a> {
    /// The record that asked.
    pub create: &'a Record,
    /// When its stream was over.
    pub over_ns: Option<u64>,
}

#[derive(Default)]
struct Stream<'a> {
    asked: VecDeque<(&'a Record, &'a WatchCreateRequest)>,
    /// The watchers alive, by their number.
    live: BTreeMap<i64, usize>,
    /// Numbers that were of watchers cancelled since, and what said so.
    canceled: BTreeMap<i64, &'a Record>,
    /// Requests to end watchers whose creation was asked for and not answered yet.
    early: BTreeMap<i64, &'a Record>,
}

/// Sorts the watch records of a history by watcher.
pub fn streams(records: &[Record]) -> Streams<'_> {
    streams_of(records.iter(), &BTreeMap::new())
}

/// When something happened on a stream. What arrived at the same time stays in the order in which
/// it was recorded. What was sent at that time was sent before, and the end comes last: the lines
/// may stand in any order.
pub fn moment(record: &Record) -> (u64, u8) {
    let rank = match record.request.op() {
        Op::WatchResponse => 1,
        Op::WatchEnd => 2,
        _ => 0,
    };
    (record.return_ns.unwrap_or(record.call_ns), rank)
}

/// The same for a part of a history; `starts` says for some watchers, by the id of their request,
/// from which revision on they are looked at.
pub fn streams_of<'a>(
    records: impl Iterator<Item = &'a Record>,
    starts: &BTreeMap<u64, i64>,
) -> Streams<'a> {
    let mut lines: Vec<&Record> = records.filter(|record| record.request.op().is_watch()).collect();
    lines.sort_by_key(|record| moment(record));
    let mut all = Streams::default();
    let mut open: BTreeMap<u64, Stream<'_>> = BTreeMap::new();
    for record in lines {
        match (&record.request, &record.response) {
            (Request::WatchCreate(request), _) => {
                open.entry(request.stream).or_default().asked.push_back((record, request));
            }
            (Request::WatchResponse(at), Some(Response::Watch(response))) => {
                let stream = open.entry(at.stream).or_default();
                all.arrived(stream, Arrival { record, response });
            }
            (Request::WatchCancel(request), _) => {
                let stream = open.entry(request.stream).or_default();
                if let Some(&watcher) = stream.live.get(&request.watch_id) {
                    all.watchers[watcher].cancel.get_or_insert(record);
                } else if !stream.asked.is_empty() {
                    stream.early.insert(request.watch_id, record);
                }
            }
            (Request::WatchEnd(at), _) => {
                if let Some(stream) = open.remove(&at.stream) {
                    all.over(stream, Some(record.call_ns));
                }
            }
            _ => {}
        }
    }
    for stream in open.into_values() {
        all.asked.extend(stream.asked.iter().map(|(record, _)| *record));
        all.asked.extend(stream.early.values());
        all.live.extend(stream.live.values());
        all.over(stream, None);
    }
    for watcher in &mut all.watchers {
        if let Some(start) = starts.get(&watcher.create.id) {
            watcher.start = *start;
        }
    }
    all
}

impl<'a> Streams<'a> {
    fn over(&mut self, stream: Stream<'a>, at_ns: Option<u64>) {
        for watcher in stream.live.into_values() {
            self.watchers[watcher].over_ns = at_ns;
        }
        let asked = stream.asked.into_iter();
        let unanswered = asked.map(|(create, _)| Unanswered { create, over_ns: at_ns });
        self.unanswered.extend(unanswered);
    }

    fn arrived(&mut self, stream: &mut Stream<'a>, arrival: Arrival<'a>) {
        self.responses += 1;
        let response = arrival.response;
        if response.created {
            self.created(stream, arrival);
            return;
        }
        if response.watch_id == -1 && is_progress(response) {
            for watcher in stream.live.values() {
                self.watchers[*watcher].arrivals.push(arrival);
            }
            return;
        }
        let Some(&watcher) = stream.live.get(&response.watch_id) else {
            let id = response.watch_id;
            if let Some(end) = stream.canceled.get(&id).copied() {
                let gap = words::since(arrival.record, end);
                let what = format!("a response came for watcher {id}, {gap} it had been cancelled");
                return self.wrong(CANCELED, what, &[arrival.record, end]);
            }
            let what = format!(
                "a response came for watcher {id}, but no watcher of that number had been created"
            );
            return self.wrong(CREATED, what, &[arrival.record]);
        };
        self.watchers[watcher].arrivals.push(arrival);
        if response.canceled {
            self.watchers[watcher].over_ns = Some(arrival.record.call_ns);
            stream.live.remove(&response.watch_id);
            stream.canceled.insert(response.watch_id, arrival.record);
        }
    }

    fn created(&mut self, stream: &mut Stream<'a>, arrival: Arrival<'a>) {
        let response = arrival.response;
        let Some((create, request)) = stream.asked.pop_front() else {
            let what = format!(
                "watcher {} was created, but every request to create one had been answered by then",
                response.watch_id
            );
            return self.wrong(CREATED, what, &[arrival.record]);
        };
        if response.canceled && response.compact_revision == 0 {
            return; // refused
        }
        if request.watch_id != 0 && request.watch_id != response.watch_id {
            let (asked, got) = (request.watch_id, response.watch_id);
            let what = format!(
                "{} was answered with watcher {got}, but asked for number {asked}",
                words::describe(create)
            );
            return self.wrong(CREATED, what, &[arrival.record, create]);
        }
        if let Some(other) = stream.live.get(&response.watch_id) {
            let other = &self.watchers[*other];
            let (before, first) = (other.create, other.created.record);
            let what = format!(
                "{} was answered with watcher {}, the number of {}, which is still there",
                words::describe(create),
                response.watch_id,
                words::describe(before)
            );
            let at = [arrival.record, create, first, before];
            return self.wrong(CREATED, what, &at);
        }
        let start = match request.start_revision {
            0 => response.header.revision.saturating_add(1),
            start => start,
        };
        let mut watcher = Watcher {
            request,
            create,
            span: Span::new(&request.key, &request.range_end),
            start,
            created: arrival,
            cancel: stream.early.remove(&response.watch_id),
            over_ns: None,
            arrivals: Vec::new(),
        };
        if response.canceled {
            watcher.over_ns = Some(arrival.record.call_ns);
            watcher.arrivals.push(arrival);
        } else {
            stream.canceled.remove(&response.watch_id);
            stream.live.insert(response.watch_id, self.watchers.len());
        }
        self.watchers.push(watcher);
    }

    fn wrong(&mut self, checker: &'static str, what: String, records: &[&Record]) {
        let arrived = records[0];
        let reason = format!(
            "{} of {}: at {} {what}",
            words::request(&arrived.request).replace("response on ", ""),
            words::who(arrived.process),
            words::time(arrived.return_ns.unwrap_or(arrived.call_ns))
        );
        self.wrong.push(Violation {
            checker,
            reason,
            evidence: records.iter().map(|record| record.id).collect(),
            revision: None,
        });
    }
}

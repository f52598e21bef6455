//! Assigns the responses on watch streams to watchers: create requests, their answers, and what
//! follows.

use std::collections::{BTreeMap, VecDeque};

use crate::history::{
    Event, EventType, Op, Record, Request, Response, WatchCreateRequest, WatchFilter, WatchResponse,
};
use crate::model::Span;
use crate::verdict::Violation;
use crate::words;

/// The guarantee about answers to create requests.
pub const CREATED: &str = "watch.created";
/// The guarantee about the ends of watchers.
pub const CANCELED: &str = "watch.canceled";

/// A watcher and the responses that arrived for the watcher.
#[derive(Clone, Debug)]
pub struct Watcher<'a> {
    /// The create request.
    pub request: &'a WatchCreateRequest,
    /// The record of the create request.
    pub create: &'a Record,
    /// The keys watched.
    pub span: Span,
    /// The first revision that the server must deliver.
    pub start: i64,
    /// The answer to the create request.
    pub created: Arrival<'a>,
    /// The first cancel request.
    pub cancel: Option<&'a Record>,
    /// The end of the watcher or of its stream; None if it lived until the end of the recording.
    pub over_ns: Option<u64>,
    /// The responses for the watcher, in order, without the answer to the create request.
    pub arrivals: Vec<Arrival<'a>>,
}

/// A response that a watcher received.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The record of the arrival.
    pub record: &'a Record,
    /// The response.
    pub response: &'a WatchResponse,
}

impl<'a> Watcher<'a> {
    /// Whether the watcher's range and filters include such a change.
    #[inline]
    pub fn wants(&self, key: &[u8], kind: EventType) -> bool {
        let filter = match kind {
            EventType::Put => WatchFilter::NoPut,
            EventType::Delete => WatchFilter::NoDelete,
        };
        self.span.contains(key) && !self.request.filters.contains(&filter)
    }

    /// The last revision up to which the watcher has certainly received every event: that of its
    /// last event or progress notice.
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

    /// The responses, with the parts of a split response together: in a complete group every part
    /// but the last is marked as a fragment.
    pub fn groups(&self) -> impl Iterator<Item = &[Arrival<'a>]> {
        self.arrivals.chunk_by(|a, b| a.response.fragment && !b.response.events.is_empty())
    }

    /// The watcher's events, with the record of each arrival.
    pub fn events(&self) -> impl Iterator<Item = (&'a Record, &'a Event)> {
        let arrivals = self.arrivals.iter().copied();
        arrivals.flat_map(|arrival| {
            arrival.response.events.iter().map(move |event| (arrival.record, event))
        })
    }
}

/// Whether a response only reports progress.
pub fn is_progress(response: &WatchResponse) -> bool {
    response.events.is_empty() && !response.created && !response.canceled && !response.fragment
}

/// All watchers of a history, and the violations of the streams themselves.
#[derive(Debug, Default)]
pub struct Streams<'a> {
    /// The watchers, in the order of their creation.
    pub watchers: Vec<Watcher<'a>>,
    /// Create requests without an answer.
    pub unanswered: Vec<Unanswered<'a>>,
    /// Create requests that were refused.
    pub refused: Vec<Refused<'a>>,
    /// Violations of the guarantees about streams.
    pub wrong: Vec<Violation>,
    /// The number of responses.
    pub responses: u64,
    /// Create requests without an answer on streams that continue, and their cancel requests.
    pub asked: Vec<&'a Record>,
    /// Watchers that are still alive, by their place in `watchers`.
    pub live: Vec<usize>,
}

/// A create request without an answer.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered<'a> {
    /// The record of the request.
    pub create: &'a Record,
    /// The end of its stream.
    pub over_ns: Option<u64>,
}

/// A create request that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The request.
    pub request: &'a WatchCreateRequest,
    /// The record of the request.
    pub create: &'a Record,
    /// The refusal.
    pub answer: Arrival<'a>,
    /// Whether the stream has or had a watcher of the number asked for.
    pub taken: bool,
}

#[derive(Default)]
struct Stream<'a> {
    asked: VecDeque<(&'a Record, &'a WatchCreateRequest)>,
    /// The live watchers, by id.
    live: BTreeMap<i64, usize>,
    /// The ids of canceled watchers, with the response that canceled each.
    canceled: BTreeMap<i64, &'a Record>,
    /// Cancel requests for watchers whose creation is not answered yet.
    early: BTreeMap<i64, &'a Record>,
}

/// Assigns the watch records of a history to watchers.
pub fn streams(records: &[Record]) -> Streams<'_> {
    streams_of(records.iter(), &BTreeMap::new())
}

/// The sort key of a record on its stream. Responses with equal times keep their recorded order.
/// Requests sent at that time come first, and the end of the stream comes last, since the lines of
/// a file may stand in any order.
pub fn moment(record: &Record) -> (u64, u8) {
    let rank = match record.request.op() {
        Op::WatchResponse => 1,
        Op::WatchEnd => 2,
        _ => 0,
    };
    (record.return_ns.unwrap_or(record.call_ns), rank)
}

/// The streams of a part of a history; `starts` names the first revision to check for some
/// watchers, by the id of their create request.
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
            let id = request.watch_id;
            let taken = stream.live.contains_key(&id) || stream.canceled.contains_key(&id);
            self.refused.push(Refused { request, create, answer: arrival, taken });
            return;
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

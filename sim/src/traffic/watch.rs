//! What watchers ask: where to start, for how long to listen, and where to go on after a break.

use mettle_checker::history::{Blob, WatchCreateRequest, WatchFilter};
use mettle_scenarios::settings::{Traffic, WatchSettings, wide};

use super::{KeyNames, Span};
use crate::member::Member;
use crate::stream::{Stream, Streams};

/// Draws the watches of one watcher that comes and goes.
#[derive(Debug)]
pub struct Watcher {
    streams: Streams,
    number: u64,
    ordinal: u64,
    keys: KeyNames,
    members: u64,
    progress_every_ns: u64,
    settings: WatchSettings,
}

/// One watch, from its creation to the watcher's moving on.
#[derive(Clone, Debug)]
pub struct WatchPlan {
    /// What to ask for; `stream` and `start_revision` are still 0.
    pub request: WatchCreateRequest,
    /// Where to begin.
    pub start: Start,
    /// At which member.
    pub member: Member,
    /// How long to listen (ns).
    pub listen_ns: u64,
    /// When to ask for progress, counted from the creation (ns, ascending).
    pub progress_ns: Vec<u64>,
    /// Cancel politely at the end; otherwise just drop the stream.
    pub cancel: bool,
    /// Watchers beside the first, on the same stream.
    pub beside: Vec<Beside>,
    /// When to stop reading, and for how long.
    pub stops_reading: Option<Stop>,
}

/// A watcher on a stream that has one already.
#[derive(Clone, Debug)]
pub struct Beside {
    /// What to ask for; `stream` and `start_revision` are still 0.
    pub request: WatchCreateRequest,
    /// Where to begin.
    pub start: Start,
    /// When to ask, counted from the creation of the first (ns).
    pub after_ns: u64,
    /// When to cancel it, counted from there as well; with the others when absent.
    pub cancel_after_ns: Option<u64>,
}

/// A time in which a client reads nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// When it begins, counted from the creation (ns).
    pub after_ns: u64,
    /// How long it lasts (ns).
    pub for_ns: u64,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what comes next (revision 0).
    Now,
    /// At the revision of the last known compaction, which is still watchable.
    Compacted,
    /// So many in a thousand of the way from the compact revision to the newest one seen.
    Past(u32),
    /// So many revisions ahead of the newest one seen.
    Future(u32),
    /// So many in a thousand of the way from the first revision to the compact revision.
    Stale(u32),
    /// After the last revision this watcher was given, with the same request as before.
    Resume,
}

/// A client that reads nothing does so at least this long (ns).
const SHORTEST_STOP_NS: u64 = 50_000_000;
/// And at most this long (ns).
const LONGEST_STOP_NS: u64 = 5_000_000_000;

/// Ids that one place on a stream may choose from.
const CHOSEN_IDS: u64 = 1000;

impl Start {
    fn draw(stream: &mut Stream) -> Start {
        match stream.below(8) {
            0 => Start::Now,
            1 | 2 => Start::Compacted,
            3 | 4 => Start::Past(stream.below(1000) as u32),
            5 => Start::Future(1 + stream.below(40) as u32),
            _ => Start::Resume,
        }
    }
}

impl Watcher {
    /// For one watcher (from 1).
    pub fn new(streams: Streams, watcher: u64, traffic: &Traffic, members: u32) -> Watcher {
        Watcher {
            streams,
            number: watcher,
            ordinal: 0,
            keys: KeyNames::new(traffic),
            members: u64::from(members),
            progress_every_ns: traffic.progress_every_ns,
            settings: traffic.watch.clone(),
        }
    }

    /// The next watch.
    pub fn next_watch(&mut self) -> WatchPlan {
        self.ordinal += 1;
        let mut stream = self.streams.open("traffic-watch", self.number, self.ordinal);
        let mut request = self.request(&mut stream);
        let mut start = Start::draw(&mut stream);
        let member = Member::of(1 + stream.below(self.members) as u32);
        let listen_ns = 200_000_000 + stream.below(4_000_000_000);
        let cancel = stream.below(2) == 0;
        let progress_ns = self.progress_times(&mut stream, listen_ns);
        // From here on another stream: these came later.
        let mut stream = self.streams.open("traffic-watch-beside", self.number, self.ordinal);
        self.choose(&mut stream, &mut request, 0);
        start = self.perhaps_stale(&mut stream, start);
        let others = stream.below(self.settings.on_a_stream);
        let beside = (1..=others).map(|place| self.beside(&mut stream, place, listen_ns)).collect();
        let slow = stream.below(1000) < self.settings.slow_permille;
        let after_ns = stream.below(listen_ns);
        let for_ns = wide(SHORTEST_STOP_NS, LONGEST_STOP_NS, |low, high| stream.between(low, high));
        let stops_reading = slow.then_some(Stop { after_ns, for_ns });
        WatchPlan { request, start, member, listen_ns, progress_ns, cancel, beside, stops_reading }
    }

    /// Keys, filters and flags of a watcher.
    fn request(&self, stream: &mut Stream) -> WatchCreateRequest {
        let Span { key, range_end } = self.span(stream);
        let mut request = WatchCreateRequest { key, range_end, ..WatchCreateRequest::default() };
        request.prev_kv = stream.below(2) == 0;
        request.progress_notify = stream.below(2) == 0;
        match stream.below(10) {
            0 => request.filters = vec![WatchFilter::NoPut],
            1 => request.filters = vec![WatchFilter::NoDelete],
            _ => {}
        }
        request
    }

    /// Perhaps an id of its own, which no other watcher of the stream has, and parts.
    fn choose(&self, stream: &mut Stream, request: &mut WatchCreateRequest, place: u64) {
        if stream.below(1000) < self.settings.chosen_id_permille {
            request.watch_id = (CHOSEN_IDS * (place + 1) + stream.below(CHOSEN_IDS)) as i64;
        }
        request.fragment = stream.below(1000) < self.settings.fragment_permille;
    }

    /// Where to begin: at times at what is compacted.
    fn perhaps_stale(&self, stream: &mut Stream, start: Start) -> Start {
        let stale = stream.below(1000) < self.settings.stale_permille;
        let permille = stream.below(1000) as u32;
        if stale { Start::Stale(permille) } else { start }
    }

    fn beside(&self, stream: &mut Stream, place: u64, listen_ns: u64) -> Beside {
        let mut request = self.request(stream);
        self.choose(stream, &mut request, place);
        let start = Start::draw(stream);
        let start = self.perhaps_stale(stream, start);
        let at_once = stream.below(2) == 0;
        let later_ns = stream.below(listen_ns);
        let after_ns = if at_once { 0 } else { later_ns };
        let cancel_ns = after_ns + stream.below(listen_ns);
        let cancels = stream.below(2) == 0 && cancel_ns < listen_ns;
        Beside { request, start, after_ns, cancel_after_ns: cancels.then_some(cancel_ns) }
    }

    fn span(&self, stream: &mut Stream) -> Span {
        let first = self.keys.draw(stream);
        let key = self.keys.name(first);
        match stream.below(4) {
            0 => Span { key, range_end: Blob::default() },
            1 => {
                let end = first + 1 + stream.below(8) as u32;
                Span { key, range_end: self.keys.name(end) }
            }
            _ => KeyNames::prefix(),
        }
    }

    fn progress_times(&self, stream: &mut Stream, listen_ns: u64) -> Vec<u64> {
        let mut times = Vec::new();
        if self.progress_every_ns == 0 {
            return times;
        }
        let mut at = 0u64;
        loop {
            at += 1_000_000 + stream.below(2 * self.progress_every_ns);
            if at >= listen_ns {
                return times;
            }
            times.push(at);
        }
    }
}

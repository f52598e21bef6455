//! What watchers ask: where to start, for how long to listen, and where to go on after a break.

use mettle_checker::history::{Blob, WatchCreateRequest, WatchFilter};
use mettle_scenarios::settings::Traffic;

use super::{KEY_PREFIX, KEY_PREFIX_END, key_name};
use crate::member::Member;
use crate::stream::{Stream, Streams};

/// Draws the watches of one watcher that comes and goes.
#[derive(Debug)]
pub struct Watcher {
    streams: Streams,
    number: u64,
    ordinal: u64,
    keys: u32,
    members: u64,
    progress_every_ns: u64,
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
    /// After the last revision this watcher was given, with the same request as before.
    Resume,
}

impl Watcher {
    /// For one watcher (from 1).
    pub fn new(streams: Streams, watcher: u64, traffic: &Traffic, members: u32) -> Watcher {
        Watcher {
            streams,
            number: watcher,
            ordinal: 0,
            keys: traffic.keys.max(1),
            members: u64::from(members),
            progress_every_ns: traffic.progress_every_ns,
        }
    }

    /// The next watch.
    pub fn next_watch(&mut self) -> WatchPlan {
        self.ordinal += 1;
        let mut stream = self.streams.open("traffic-watch", self.number, self.ordinal);
        let (key, range_end) = self.span(&mut stream);
        let mut request = WatchCreateRequest { key, range_end, ..WatchCreateRequest::default() };
        request.prev_kv = stream.below(2) == 0;
        request.progress_notify = stream.below(2) == 0;
        match stream.below(10) {
            0 => request.filters = vec![WatchFilter::NoPut],
            1 => request.filters = vec![WatchFilter::NoDelete],
            _ => {}
        }
        let start = match stream.below(8) {
            0 => Start::Now,
            1 | 2 => Start::Compacted,
            3 | 4 => Start::Past(stream.below(1000) as u32),
            5 => Start::Future(1 + stream.below(40) as u32),
            _ => Start::Resume,
        };
        let member = Member::of(1 + stream.below(self.members) as u32);
        let listen_ns = 200_000_000 + stream.below(4_000_000_000);
        let cancel = stream.below(2) == 0;
        let progress_ns = self.progress_times(&mut stream, listen_ns);
        WatchPlan { request, start, member, listen_ns, progress_ns, cancel }
    }

    fn span(&self, stream: &mut Stream) -> (Blob, Blob) {
        let first = stream.below(u64::from(self.keys)) as u32;
        match stream.below(4) {
            0 => (key_name(first), Blob::default()),
            1 => (key_name(first), key_name(first + 1 + stream.below(8) as u32)),
            _ => (Blob::from(KEY_PREFIX), Blob::from(KEY_PREFIX_END)),
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

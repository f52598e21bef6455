//! The trace: a rolling hash over every event, and the lines worth keeping.
//!
//! Two runs of one seed are the same run when their hashes are equal. The hash covers every event:
//! bytes on the network, operations of a disk, timers that fired, entropy drawn, client operations,
//! faults. There is one hash for the whole run and one for each member.
//!
//! Lines are kept for people ([`Keep`]); keeping them never changes the hash. The last [`RECENT`]
//! lines are always there, for the report of a stuck run. With [`Keep::Everything`] two runs can be
//! compared line by line to find the first event that differs.

mod line;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, MutexGuard};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::member::Member;

pub use line::{Detail, Event, Kind, Line};

/// How many of the latest lines are always kept.
pub const RECENT: usize = 50;

/// The most lines kept for `trace.ndjson`: about 150 MB.
const LINES_MAX: usize = 2_000_000;

/// Which events are kept as lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// None (but the latest few).
    #[default]
    Nothing,
    /// Those of these kinds.
    Kinds(Vec<Kind>),
    /// All.
    Everything,
}

impl Keep {
    fn wants(&self, kind: Kind) -> bool {
        match self {
            Keep::Nothing => false,
            Keep::Kinds(kinds) => kinds.contains(&kind),
            Keep::Everything => true,
        }
    }
}

/// The trace of one run; clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct Trace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    keep: Keep,
    hash: SipHasher13,
    members: BTreeMap<Member, SipHasher13>,
    events: u64,
    lines: Vec<Line>,
    lines_dropped: u64,
    recent: VecDeque<Line>,
}

impl Trace {
    /// An empty trace.
    pub fn new(keep: Keep) -> Trace {
        Trace(Arc::new(Mutex::new(State {
            keep,
            hash: SipHasher13::new(),
            members: BTreeMap::new(),
            events: 0,
            lines: Vec::new(),
            lines_dropped: 0,
            recent: VecDeque::with_capacity(RECENT),
        })))
    }

    /// Records an event described in words.
    pub fn record(
        &self,
        at_ns: u64,
        member: Option<Member>,
        kind: Kind,
        words: fmt::Arguments<'_>,
    ) {
        self.add(
            Line { at_ns, member, kind, detail: Detail::Words(words.to_string().into()) },
            &[],
        );
    }

    /// Records one of the frequent events: a verb, three numbers whose meaning the verb fixes, and
    /// the bytes it moved. Nothing is formatted until a line is read.
    pub fn record_bytes(
        &self,
        at_ns: u64,
        member: Option<Member>,
        kind: Kind,
        event: Event,
        bytes: &[u8],
    ) {
        let digest = if bytes.is_empty() { 0 } else { digest(bytes) };
        self.add(
            Line { at_ns, member, kind, detail: Detail::Numbers { event, digest } },
            &digest.to_le_bytes(),
        );
    }

    fn add(&self, line: Line, extra: &[u8]) {
        let mut state = self.state();
        let State { hash, members, .. } = &mut *state;
        feed(&line, extra, hash);
        if let Some(member) = line.member {
            feed(&line, extra, members.entry(member).or_default());
        }
        state.events += 1;
        if state.keep.wants(line.kind) {
            if state.lines.len() < LINES_MAX {
                state.lines.push(line.clone());
            } else {
                state.lines_dropped += 1;
            }
        }
        if state.recent.len() == RECENT {
            state.recent.pop_front();
        }
        state.recent.push_back(line);
    }

    /// The hash over every event so far.
    pub fn hash(&self) -> u128 {
        self.state().hash.finish128().as_u128()
    }

    /// The hash over every event of one member so far.
    pub fn member_hash(&self, member: Member) -> u128 {
        self.state().members.entry(member).or_default().finish128().as_u128()
    }

    /// How many events there were: the measure of a run that makes no progress.
    pub fn events(&self) -> u64 {
        self.state().events
    }

    /// The latest lines, oldest first.
    pub fn recent(&self) -> Vec<Line> {
        self.state().recent.iter().cloned().collect()
    }

    /// Takes the lines kept so far.
    pub fn take_lines(&self) -> Vec<Line> {
        std::mem::take(&mut self.state().lines)
    }

    /// How many lines were wanted but not kept, because there were too many.
    pub fn lines_dropped(&self) -> u64 {
        self.state().lines_dropped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no one panics while holding the trace")
    }
}

fn digest(bytes: &[u8]) -> u128 {
    SipHasher13::new().hash(bytes).as_u128()
}

/// Feeds one line to a hash.
fn feed(line: &Line, extra: &[u8], hash: &mut SipHasher13) {
    let mut head = [0u8; 10];
    head[..8].copy_from_slice(&line.at_ns.to_le_bytes());
    head[8] = line.member.map_or(0, Member::number);
    head[9] = line.kind as u8;
    hash.write(&head);
    match &line.detail {
        Detail::Words(words) => {
            hash.write_u64(words.len() as u64);
            hash.write(words.as_bytes());
        }
        Detail::Numbers { event: Event { verb, numbers }, .. } => {
            hash.write(verb.as_bytes());
            for number in numbers {
                hash.write_u64(*number);
            }
        }
    }
    hash.write(extra);
}

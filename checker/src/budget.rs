//! How much memory a judgement takes, counted from the history before anything is built of it.
//!
//! What is built grows with the number of records, of changes, of keys and values shown and of
//! events, and nothing of it with their squares; so each is given what the dearest kind of history
//! was seen to take, and somewhat more (`cli/tests/memory.rs` holds that against an allocator that
//! counts). Two things grow otherwise, and are counted as they do: the choices of a search over
//! writes of unknown outcome, and the general search. They get what is left ([`Budget`]).

use crate::history::weight::weight;
use crate::history::{History, Outcome, PlainOp, Record, Request, Response};
use crate::verdict::{ASSUMPTIONS, Verdict};

/// How much work a judgement may cost. Never time: the same history gets the same verdict.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Steps of replay and search for each attempt to order the operations.
    pub steps: u64,
    /// How much sooner than promised a lease may end: the clocks of server and recorder need not
    /// run alike.
    pub lease_tolerance_ns: u64,
    /// Bytes for the whole judgement, what was read included; counted, never asked of the system.
    pub memory_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { steps: 20_000_000, lease_tolerance_ns: 100_000_000, memory_bytes: 4 << 30 }
    }
}

/// What the search over writes of unknown outcome may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) steps: u64,
    /// For its choices.
    pub(crate) memory_bytes: u64,
}

impl Budget {
    /// What the options leave for a history.
    pub(crate) fn left(options: &Options, needed: u64) -> Self {
        let memory_bytes = options.memory_bytes.saturating_sub(needed);
        Budget { steps: options.steps, memory_bytes }
    }
}

impl From<u64> for Budget {
    fn from(steps: u64) -> Self {
        Budget { steps, memory_bytes: 1 << 30 }
    }
}

/// For every record: its places in lists by revision and by time.
const RECORD: u64 = 128;
/// For a change that was asked for: a version for it and one for its end, and a key of its own.
pub const CHANGE: u64 = 320;
/// For something of a watch stream, and for an event.
const WATCH: u64 = 128;
const EVENT: u64 = 128;
/// For what a lease is part of: it is judged twice where it may have expired early.
const LEASE: u64 = 512;
/// For a write of unknown outcome; and for each record then: what it shows may be evidence.
const UNKNOWN: u64 = 640;
const EVIDENCE: u64 = 96;
/// Whatever the history is.
pub(crate) const FIXED: u64 = 64 << 10;

/// How many bytes judging a history takes at most, itself included, but for the searches that grow
/// as they go on: what [`Options::memory_bytes`] must at least be.
pub fn needed_bytes(history: &History) -> u64 {
    let spare = history.records.capacity() - history.records.len();
    FIXED + (spare * size_of::<Record>()) as u64 + needed_for(history.records.iter())
}

/// The same for records wherever they are, but for what is there whatever the records are.
pub(crate) fn needed_for<'a>(records: impl Iterator<Item = &'a Record>) -> u64 {
    let mut needed = 0;
    let (mut unknown, mut count) = (0, 0);
    for record in records {
        count += 1;
        needed += weight(record) + RECORD + CHANGE * changes(&record.request);
        if record.request.op().is_watch() {
            needed += WATCH;
        }
        if let Some(Response::Watch(response)) = &record.response {
            needed += EVENT * response.events.len() as u64;
        }
        let op = record.request.op();
        if op.is_lease() || !record.request.lease_puts().is_empty() {
            needed += LEASE;
        }
        unknown += u64::from(record.outcome == Outcome::Unknown);
    }
    if unknown > 0 {
        needed += UNKNOWN * unknown + EVIDENCE * count;
    }
    needed
}

/// How many changes a request may make.
fn changes(request: &Request) -> u64 {
    request.ops().filter(|op| !matches!(op, PlainOp::Range(_))).count() as u64
}

/// What is said of a history that is too large for the memory allowed.
pub fn too_much(needed: u64, options: &Options) -> Verdict {
    let reason = format!(
        "judging it takes up to {} MB of memory, and {} MB are allowed; --memory gives more",
        megabytes(needed),
        options.memory_bytes >> 20
    );
    Verdict::unknown(ASSUMPTIONS, reason, Vec::new())
}

/// Megabytes, rounded up, for people.
pub fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

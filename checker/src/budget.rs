//! Counts the memory that a judgement takes, from the history, before anything is built.
//!
//! The structures grow linearly with records, changes, keys and values shown, and events. Each unit
//! is charged what the dearest kind of history took, and somewhat more; `cli/tests/memory.rs`
//! compares the charge with a counting allocator. Two structures grow otherwise and are counted
//! while they grow: the choices of the search over indeterminate writes, and the fallback search.
//! They get the remaining memory ([`Budget`]).

use crate::cluster_settings::ClusterSettings;
use crate::history::weight::weight;
use crate::history::{History, Outcome, PlainOp, Record, Request, Response};
use crate::verdict::{ASSUMPTIONS, Verdict};

/// How much work a judgement may cost, and what is known of the cluster. Never a time: equal
/// histories get equal verdicts.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Steps of replay and search for each attempt to order the operations.
    pub steps: u64,
    /// By how much a lease may end too soon: the clocks of server and recorder may run apart.
    pub lease_tolerance_ns: u64,
    /// Bytes for the whole judgement, including the history; counted, never asked of the system.
    pub memory_bytes: u64,
    /// The settings of the recorded cluster.
    pub cluster: ClusterSettings,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            steps: 20_000_000,
            lease_tolerance_ns: 100_000_000,
            memory_bytes: 4 << 30,
            cluster: ClusterSettings::default(),
        }
    }
}

/// The cost allowed for the search over indeterminate writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) steps: u64,
    /// The bytes for its choices.
    pub(crate) memory_bytes: u64,
}

impl Budget {
    /// The remainder of the options for a history.
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

/// For each record: its places in lists by revision and by time.
const RECORD: u64 = 128;
/// For each requested change: a version, a version for its end, and a key.
pub const CHANGE: u64 = 320;
/// For each watch record and each event.
const WATCH: u64 = 128;
const EVENT: u64 = 128;
/// For each record about leases: it is judged twice if a lease may have expired early.
const LEASE: u64 = 512;
/// For each indeterminate write, and then for each record, since its answer may be evidence.
const UNKNOWN: u64 = 640;
const EVIDENCE: u64 = 96;
/// For any history.
pub(crate) const FIXED: u64 = 64 << 10;

/// The most bytes that judging a history takes, including the history, without the searches that
/// are counted while they grow: the least value of [`Options::memory_bytes`] that suffices.
pub fn needed_bytes(history: &History) -> u64 {
    let spare = history.records.capacity() - history.records.len();
    FIXED + (spare * size_of::<Record>()) as u64 + needed_for(history.records.iter())
}

/// The same bytes for any set of records, without the fixed part.
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
        if op.is_lease() || record.request.lease_puts().next().is_some() {
            needed += LEASE;
        }
        unknown += u64::from(record.outcome == Outcome::Unknown);
    }
    if unknown > 0 {
        needed += UNKNOWN * unknown + EVIDENCE * count;
    }
    needed
}

/// The most changes that a request may make.
fn changes(request: &Request) -> u64 {
    let Request::Txn(txn) = request else {
        return u64::from(matches!(request, Request::Put(_) | Request::DeleteRange(_)));
    };
    txn.ops().filter(|op| !matches!(op, PlainOp::Range(_))).count() as u64
}

/// The verdict on a history that is too large for the memory allowed.
pub fn too_much(needed: u64, options: &Options) -> Verdict {
    let reason = format!(
        "judging it takes up to {} MB of memory, and {} MB are allowed; --memory gives more",
        megabytes(needed),
        options.memory_bytes >> 20
    );
    Verdict::unknown(ASSUMPTIONS, reason, Vec::new())
}

/// Megabytes, rounded up.
pub fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

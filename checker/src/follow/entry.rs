//! Checks that need records in the order of their calls: assumptions, real time, and headers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::runs::Runs;
use crate::assumptions::{SEQUENTIAL, UNASKED};
use crate::history::{Outcome, Record, Request, Response, is_local};

/// A contradiction in the recording: cause and remedy.
pub(super) type Flaw = (String, &'static str);

/// The sequential clients.
#[derive(Debug, Default)]
pub(super) struct Processes {
    /// The return of each process's last operation, and its id.
    last: BTreeMap<u64, (u64, u64)>,
    /// Processes that ended with an unknown outcome.
    over: Runs,
}

impl Processes {
    /// Checks the call of an operation. Calls must come in order.
    pub(super) fn called(&mut self, record: &Record) -> Result<(), Flaw> {
        let process = record.process;
        if self.over.contains(process) {
            let cause =
                format!("process {process} called it after an unknown outcome had ended it");
            return Err((cause, SEQUENTIAL));
        }
        if let Some((_, id)) = self.last.get(&process).filter(|last| last.0 > record.call_ns) {
            let cause =
                format!("process {process} called it while its record {id} had not returned");
            return Err((cause, SEQUENTIAL));
        }
        if let Some(return_ns) = record.return_ns {
            self.last.insert(process, (return_ns, record.id));
        } else {
            self.last.remove(&process);
            self.over.insert(process);
        }
        Ok(())
    }
}

/// The streams that requests were sent on.
#[derive(Debug, Default)]
pub(super) struct Asked {
    before: Runs,
    /// Streams with a first request among the records that enter now, and its time.
    now: BTreeMap<u64, u64>,
}

impl Asked {
    /// Notes the requests among the records that enter.
    pub(super) fn learn<'a>(&mut self, records: impl Iterator<Item = &'a Record>) {
        for stream in std::mem::take(&mut self.now).into_keys() {
            self.before.insert(stream);
        }
        for record in records {
            if let Request::WatchCreate(request) = &record.request {
                let first = self.now.entry(request.stream).or_insert(u64::MAX);
                *first = record.call_ns.min(*first);
            }
        }
    }

    /// Checks that a response arrived on a stream in use.
    pub(super) fn arrived(&self, record: &Record) -> Result<(), Flaw> {
        let Request::WatchResponse(at) = &record.request else { return Ok(()) };
        let arrived = record.return_ns.unwrap_or(record.call_ns);
        let asked = self.now.get(&at.stream).is_some_and(|asked| *asked <= arrived);
        if asked || self.before.contains(at.stream) {
            return Ok(());
        }
        Err((UNASKED.0.to_owned(), UNASKED.1))
    }
}

/// A value from an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// A slot, a revision or a term.
    pub(super) value: i64,
    /// The id of the record.
    pub(super) id: u64,
    /// The time of the return.
    pub(super) at: u64,
}

/// The highest slot among returned operations.
#[derive(Debug, Default)]
pub(super) struct Clock {
    pending: BinaryHeap<Reverse<(u64, i64, u64)>>,
    latest: Option<Said>,
}

impl Clock {
    /// The highest slot, with its record, among operations that returned before a time. Times must
    /// come in order.
    pub(super) fn before(&mut self, ns: u64) -> Option<Said> {
        while let Some(Reverse((at, value, id))) =
            self.pending.peek().filter(|next| next.0.0 < ns).copied()
        {
            self.pending.pop();
            if self.latest.is_none_or(|latest| latest.value < value) {
                self.latest = Some(Said { value, id, at });
            }
        }
        self.latest
    }

    pub(super) fn returns(&mut self, ns: u64, value: i64, id: u64) {
        self.pending.push(Reverse((ns, value, id)));
    }
}

/// The revisions that members answered on each connection.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// For each connection and member.
    clocks: BTreeMap<(u64, u64), Clock>,
    /// The number of serializable answers that were checked.
    pub(super) examined: u64,
}

impl Sessions {
    /// The earlier answer with a higher revision than this record, if there is one. Records must
    /// come in the order of their calls.
    pub(super) fn seen(&mut self, record: &Record) -> Option<Said> {
        let operation = record.request.op().is_operation() && record.outcome == Outcome::Ok;
        if record.connection == 0 || !operation {
            return None;
        }
        let revision = record.response.as_ref().and_then(Response::header)?.revision;
        let clock = self.clocks.entry((record.connection, record.member)).or_default();
        let before = clock.before(record.call_ns);
        clock.returns(record.return_ns?, revision, record.id);
        if !is_local(&record.request) {
            return None; // the order of all operations is another checker's
        }
        self.examined += 1;
        before.filter(|before| before.value > revision)
    }
}

/// A header that contradicts an earlier one.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderConflict {
    pub(super) field: &'static str,
    /// The earlier header.
    pub(super) first: Said,
    /// The earlier value and this one.
    pub(super) values: [u64; 2],
}

/// The headers so far.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// The cluster's id, and the record that named it first.
    cluster: Option<(u64, Said)>,
    members: BTreeMap<u64, (u64, Said)>,
    terms: BTreeMap<u64, Clock>,
}

impl Headers {
    /// The contradiction in a header, if any. Records must come in the order of their calls.
    pub(super) fn seen(&mut self, record: &Record) -> Option<HeaderConflict> {
        let header = record.response.as_ref().and_then(Response::header)?;
        let at = record.return_ns.unwrap_or(record.call_ns);
        let said = Said { value: header.revision, id: record.id, at };
        if header.cluster_id != 0 {
            let (known, first) = *self.cluster.get_or_insert((header.cluster_id, said));
            if known != header.cluster_id {
                let values = [known, header.cluster_id];
                return Some(HeaderConflict { field: "cluster_id", first, values });
            }
        }
        if header.member_id == 0 || record.member == 0 {
            return None;
        }
        let (known, first) = *self.members.entry(record.member).or_insert((header.member_id, said));
        if known != header.member_id {
            let values = [known, header.member_id];
            return Some(HeaderConflict { field: "member_id", first, values });
        }
        if header.raft_term == 0 || !record.request.op().is_operation() {
            return None;
        }
        let term = header.raft_term.min(i64::MAX as u64);
        let clock = self.terms.entry(record.member).or_default();
        let before = clock.before(record.call_ns);
        if let Some(return_ns) = record.return_ns.filter(|_| record.outcome == Outcome::Ok) {
            clock.returns(return_ns, term as i64, record.id);
        }
        let highest = before.filter(|before| before.value > term as i64)?;
        let values = [highest.value as u64, term];
        Some(HeaderConflict { field: "raft_term", first: highest, values })
    }
}

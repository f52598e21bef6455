//! The history while it is written: ids in order of the calls, times of one true clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mettle_checker::history::{
    ErrorAnswer, EventType, Op, Outcome, Record, Request, Response, WatchResponse, outcome_of,
};

use crate::world::OperationCount;

/// Takes down what clients do and see; clones are handles to the same history.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    records: Vec<Record>,
    processes: u64,
    streams: u64,
    /// Highest revision of which each member's evidence watcher has delivered everything.
    delivered: BTreeMap<u32, i64>,
    /// Highest revision seen in any answer.
    revision: i64,
    /// Highest revision somebody asked to compact.
    compacted: i64,
    /// Revisions that watchers saw to delete something.
    deletions: BTreeSet<i64>,
}

impl Recorder {
    fn state(&self) -> MutexGuard<'_, State> {
        // What was recorded before a panic is still what happened.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new sequential process.
    pub fn process(&self) -> u64 {
        let mut state = self.state();
        state.processes += 1;
        state.processes
    }

    /// A new watch stream.
    pub fn stream(&self) -> u64 {
        let mut state = self.state();
        state.streams += 1;
        state.streams
    }

    /// An operation is about to be sent: its id. Its outcome stays unknown until [`Recorder::ended`].
    pub fn called(&self, process: u64, member: u32, now_ns: u64, request: Request) -> u64 {
        let mut state = self.state();
        if let Request::Compact(compact) = &request {
            // One in the future is refused.
            if compact.revision <= state.revision {
                state.compacted = state.compacted.max(compact.revision);
            }
        }
        let id = state.records.len() as u64;
        state.records.push(Record::called(id, process, member.into(), now_ns, request));
        id
    }

    /// The answer to an operation.
    pub fn ended(&self, id: u64, now_ns: u64, ending: &Ending) -> Outcome {
        let mut state = self.state();
        if let Ending::Answered(response) = ending {
            state.revision = state.revision.max(revision_of(response));
        }
        let record = &mut state.records[id as usize];
        let called = record.clone();
        *record = match ending {
            Ending::Answered(response) => called.ok(now_ns, response.clone()),
            Ending::NeverSent(error) => called.failed(now_ns, error.clone()),
            Ending::Refused(error) => match outcome_of(&error.code, &error.message) {
                Outcome::Fail => called.failed(now_ns, error.clone()),
                Outcome::Ok | Outcome::Unknown => called.unknown(error.clone()),
            },
        };
        record.outcome
    }

    /// An operation was answered on this connection.
    pub fn connected(&self, id: u64, connection: u64) {
        self.state().records[id as usize].connection = connection;
    }

    /// Something was sent on a watch stream.
    pub fn sent(&self, process: u64, member: u32, now_ns: u64, request: Request) {
        let mut state = self.state();
        let id = state.records.len() as u64;
        state.records.push(Record::sent(id, process, member.into(), now_ns, request));
    }

    /// Something arrived on a watch stream.
    pub fn arrived(&self, process: u64, member: u32, now_ns: u64, what: (u64, WatchResponse)) {
        let mut state = self.state();
        let id = state.records.len() as u64;
        state.revision = state.revision.max(what.1.header.revision);
        for event in &what.1.events {
            if event.kind == EventType::Delete {
                state.deletions.insert(event.kv.mod_revision);
            }
        }
        state.records.push(Record::watch_response(id, process, member.into(), now_ns, what));
    }

    /// A watch stream is over.
    pub fn stream_over(
        &self,
        process: u64,
        member: u32,
        now_ns: u64,
        what: (u64, Option<ErrorAnswer>),
    ) {
        let mut state = self.state();
        let id = state.records.len() as u64;
        state.records.push(Record::watch_end(id, process, member.into(), now_ns, what));
    }

    /// From then to now nothing was wrong, and everybody listened.
    pub fn quiesced(&self, from_ns: u64, now_ns: u64) {
        let mut state = self.state();
        let id = state.records.len() as u64;
        state.records.push(Record::quiesced(id, from_ns, now_ns));
    }

    /// The evidence watcher at `member` has delivered everything up to `revision`.
    pub fn delivered(&self, member: u32, revision: i64) {
        let mut state = self.state();
        let delivered = state.delivered.entry(member).or_default();
        *delivered = (*delivered).max(revision);
    }

    /// Up to where the evidence watcher at `member` has delivered.
    pub fn delivered_by(&self, member: u32) -> i64 {
        self.state().delivered.get(&member).copied().unwrap_or(0)
    }

    /// The last revision above `after` and up to `to` that is known to delete something.
    pub fn deleted_between(&self, after: i64, to: i64) -> Option<i64> {
        self.state().deletions.range(after + 1..=to).next_back().copied()
    }

    /// Highest revision seen by anybody.
    pub fn revision(&self) -> i64 {
        self.state().revision
    }

    /// Highest revision anybody asked to compact.
    pub fn compacted(&self) -> i64 {
        self.state().compacted
    }

    /// Whether an operation called at `from_ns` or later was answered by `member`.
    pub fn served_since(&self, member: u32, from_ns: u64) -> bool {
        let member = u64::from(member);
        self.state().records.iter().rev().take_while(|r| r.call_ns >= from_ns).any(|record| {
            record.member == member
                && record.outcome == Outcome::Ok
                && (record.request.op().is_operation() || record.request.op() == Op::WatchResponse)
        })
    }

    /// Whether an operation called at `member` in this time had no answer.
    pub fn unanswered_between(&self, member: u32, from_ns: u64, to_ns: u64) -> bool {
        let member = u64::from(member);
        self.state().records.iter().any(|record| {
            record.member == member
                && record.outcome == Outcome::Unknown
                && (from_ns..=to_ns).contains(&record.call_ns)
        })
    }

    /// How the operations ended so far.
    pub fn operations(&self) -> OperationCount {
        let mut count = OperationCount::default();
        let state = self.state();
        for record in state.records.iter().filter(|record| record.request.op().is_operation()) {
            match record.outcome {
                Outcome::Ok => count.ok += 1,
                Outcome::Fail => count.fail += 1,
                Outcome::Unknown => count.unknown += 1,
            }
        }
        count
    }

    /// Hands the history over.
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.state().records)
    }
}

/// How a call came back.
#[derive(Clone, Debug)]
pub enum Ending {
    /// With an answer.
    Answered(Response),
    /// With an error before anything was put on the wire.
    NeverSent(ErrorAnswer),
    /// With an error of the server or of the transport.
    Refused(ErrorAnswer),
}

fn revision_of(response: &Response) -> i64 {
    response.header().map_or(0, |header| header.revision)
}

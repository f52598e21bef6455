//! The tape: records under ids that count from 0, and numbers for processes and streams.

use std::collections::BTreeMap;

use mettle_checker::history::{Outcome, Record};
use mettle_checker::service::Call;
use mettle_reports::verdict::Operations;

/// The records so far.
#[derive(Debug, Default)]
pub(super) struct Tape {
    records: Vec<Record>,
    calls: BTreeMap<u64, Call>,
    processes: u64,
    streams: u64,
}

impl Tape {
    /// The number of a new process, from 1.
    pub(super) fn process(&mut self) -> u64 {
        self.processes += 1;
        self.processes
    }

    /// The number of a new watch stream, from 1.
    pub(super) fn stream(&mut self) -> u64 {
        self.streams += 1;
        self.streams
    }

    /// Appends the record that `make` makes for the next id; answers that id.
    pub(super) fn push(&mut self, make: impl FnOnce(u64) -> Record) -> u64 {
        let id = self.records.len() as u64;
        self.records.push(make(id));
        id
    }

    /// Replaces a record by what `end` makes of it; answers its outcome.
    pub(super) fn replace(&mut self, id: u64, end: impl FnOnce(Record) -> Record) -> Outcome {
        let record = &mut self.records[id as usize];
        *record = end(record.clone());
        record.outcome
    }

    /// An operation is called with a deadline, by a client that may leave before.
    pub(super) fn waits(&mut self, id: u64, deadline_ns: u64, may_leave: bool) {
        let call = self.calls.entry(id).or_default();
        (call.deadline_ns, call.cancelled) = (deadline_ns, may_leave);
    }

    /// An operation ended for its client, whatever came of it.
    pub(super) fn over(&mut self, id: u64, now_ns: u64) {
        self.calls.entry(id).or_default().ended_ns = now_ns;
    }

    /// What is known of each call beside its record, by the record's id.
    pub(super) fn calls(&self) -> BTreeMap<u64, Call> {
        self.calls.clone()
    }

    /// A record came on this connection.
    pub(super) fn connected(&mut self, id: u64, connection: u64) {
        self.records[id as usize].connection = connection;
    }

    /// The records, in order of their ids.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// How the operations ended so far.
    pub(super) fn operations(&self) -> Operations {
        let mut count = Operations::default();
        for record in self.records.iter().filter(|record| record.request.op().is_operation()) {
            match record.outcome {
                Outcome::Ok => count.ok += 1,
                Outcome::Fail => count.fail += 1,
                Outcome::Unknown => count.unknown += 1,
            }
        }
        count
    }

    /// Hands the records over.
    pub(super) fn take(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }
}

//! A row: one record as text, with its times and its revision.

use std::collections::BTreeMap;

use crate::history::{History, Op, Outcome, Record, Response, makes_revision};
use crate::words;

/// One operation or watch record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The record's id; for a log the line.
    pub id: u64,
    /// The client.
    pub process: u64,
    /// The member that was asked; 0 if unknown.
    pub member: u64,
    /// The kind of the request.
    pub op: Op,
    /// The time of the call: nanoseconds, or the number of the event in a log without times.
    pub call: u64,
    /// The time of the return.
    pub returned: Option<u64>,
    /// The outcome.
    pub outcome: Outcome,
    /// Whether the client waited until its deadline.
    pub ran_out: bool,
    /// The request as text.
    pub ask: String,
    /// The answer as text, without the revision.
    pub say: String,
    /// The answer's revision; for a placed write the revision that it made.
    pub revision: Option<i64>,
    /// Whether the operation made this revision.
    pub made: bool,
    /// The number of watch events in the response.
    pub events: usize,
}

impl Row {
    /// `revision 41: /a=v7 @40`
    pub fn answer(&self) -> String {
        match (self.revision, self.outcome) {
            (Some(revision), Outcome::Unknown) => {
                format!("{}; placed at revision {revision}", self.say)
            }
            (Some(revision), _) => format!("revision {revision}: {}", self.say),
            (None, _) => self.say.clone(),
        }
    }
}

/// The rows of a history.
pub fn of_history(history: &History, placed: &[(i64, u64)]) -> Vec<Row> {
    each_of(history, placed).collect()
}

/// The rows of a history, one by one.
pub fn each_of<'a>(
    history: &'a History,
    placed: &[(i64, u64)],
) -> impl Iterator<Item = Row> + use<'a> {
    let placed: BTreeMap<u64, i64> = placed.iter().map(|(revision, id)| (*id, *revision)).collect();
    let records = history.records.iter().filter(|record| record.request.op() != Op::Quiesced);
    let at = move |record: &Record| placed.get(&record.id).copied().filter(|_| took(record));
    records.map(move |record| of_record(record, at(record)))
}

/// The row of one record; `placed` is the revision that an indeterminate write made.
pub fn of_record(record: &Record, placed: Option<i64>) -> Row {
    let events = match &record.response {
        Some(Response::Watch(watch)) => watch.events.len(),
        _ => 0,
    };
    let ran_out = match &record.response {
        Some(Response::Error(error)) => error.code == "DeadlineExceeded",
        _ => false,
    };
    Row {
        id: record.id,
        process: record.process,
        member: record.member,
        op: record.request.op(),
        call: record.call_ns,
        returned: record.return_ns,
        outcome: record.outcome,
        ran_out,
        ask: words::request(&record.request),
        say: words::describe_answer(record),
        revision: placed.or_else(|| words::revision(record)),
        made: placed.is_some() || makes_revision(record),
        events,
    }
}

/// Whether the record itself made its placed revision. An expiry has no record: its placement names
/// the record that kept the lease alive last.
pub fn took(record: &Record) -> bool {
    match record.request.op() {
        Op::LeaseRevoke => true,
        Op::Put | Op::DeleteRange | Op::Txn => record.outcome == Outcome::Unknown,
        _ => false,
    }
}

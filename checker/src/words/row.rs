//! A record in words, with its place in time and among revisions.

use std::collections::BTreeMap;

use crate::history::{History, Op, Outcome, Record, Response, makes_revision};
use crate::words;

/// One operation or watch record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Of the record; of a log the line.
    pub id: u64,
    /// Who called.
    pub process: u64,
    /// Who was asked; 0 if not known.
    pub member: u64,
    /// What kind it is.
    pub op: Op,
    /// When it was called: ns, or the number of the event in a log without times.
    pub call: u64,
    /// When it returned.
    pub returned: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether its client waited until its deadline.
    pub ran_out: bool,
    /// What was asked.
    pub ask: String,
    /// What came back, without the revision.
    pub say: String,
    /// The answer's revision; of a placed write the one that it took.
    pub revision: Option<i64>,
    /// Whether it made that revision.
    pub made: bool,
    /// How many watch events it brought.
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

/// The same one after another.
pub fn each_of<'a>(
    history: &'a History,
    placed: &[(i64, u64)],
) -> impl Iterator<Item = Row> + use<'a> {
    let placed: BTreeMap<u64, i64> = placed.iter().map(|(revision, id)| (*id, *revision)).collect();
    let records = history.records.iter().filter(|record| record.request.op() != Op::Quiesced);
    let at = move |record: &Record| placed.get(&record.id).copied().filter(|_| took(record));
    records.map(move |record| of_record(record, at(record)))
}

/// One record; `placed` is the revision that a write of unknown outcome took.
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

/// Whether a record that is named with a placed revision took it itself: the end of a lease, which
/// has no record, is named by what kept the lease alive last.
pub fn took(record: &Record) -> bool {
    match record.request.op() {
        Op::LeaseRevoke => true,
        Op::Put | Op::DeleteRange | Op::Txn => record.outcome == Outcome::Unknown,
        _ => false,
    }
}

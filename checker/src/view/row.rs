//! A record or a logged operation in words, with its place in time and among revisions.

use std::collections::BTreeMap;

use super::changes::took;
use crate::history::{History, Op, Outcome, Record, Response};
use crate::import::{Input, Logged};
use crate::revision::ops::makes_revision;
use crate::search::Call;
use crate::search::append::AppendOp;
use crate::search::register::RegisterOp;
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

/// The rows of whatever was read, in no particular order; `placed` says which revisions writes of
/// unknown outcome took, by id.
pub fn rows(input: &Input, placed: &[(i64, u64)]) -> Vec<Row> {
    each(input, placed).collect()
}

/// The same one after another.
pub(super) fn each<'a>(
    input: &'a Input,
    placed: &[(i64, u64)],
) -> Box<dyn Iterator<Item = Row> + 'a> {
    match input {
        Input::KeySpace(history) => Box::new(each_of(history, placed)),
        Input::Register(operations) => Box::new(operations.iter().map(register)),
        Input::Registers(operations) => {
            Box::new(operations.iter().map(|(key, logged)| registers(key, logged)))
        }
        Input::Strings(operations) => {
            Box::new(operations.iter().map(|(key, logged)| strings(key, logged)))
        }
    }
}

/// The rows of some ids alone.
pub fn rows_of(input: &Input, placed: &[(i64, u64)], ids: &[u64]) -> Vec<Row> {
    let at = |id: u64| placed.iter().find(|(_, placed)| *placed == id).map(|(at, _)| *at);
    match input {
        Input::KeySpace(history) => {
            let records = history.records.iter().filter(|record| ids.contains(&record.id));
            records
                .map(|record| of_record(record, at(record.id).filter(|_| took(record))))
                .collect()
        }
        Input::Register(operations) => {
            let own = operations.iter().filter(|logged| ids.contains(&logged.line));
            own.map(register).collect()
        }
        Input::Registers(operations) => {
            let own = operations.iter().filter(|(_, logged)| ids.contains(&logged.line));
            own.map(|(key, logged)| registers(key, logged)).collect()
        }
        Input::Strings(operations) => {
            let own = operations.iter().filter(|(_, logged)| ids.contains(&logged.line));
            own.map(|(key, logged)| strings(key, logged)).collect()
        }
    }
}

/// The rows of a history.
pub fn of_history(history: &History, placed: &[(i64, u64)]) -> Vec<Row> {
    each_of(history, placed).collect()
}

fn each_of<'a>(history: &'a History, placed: &[(i64, u64)]) -> impl Iterator<Item = Row> + use<'a> {
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
        say: words::told(record),
        revision: placed.or_else(|| words::revision(record)),
        made: placed.is_some() || makes_revision(record),
        events,
    }
}

pub(crate) fn register(logged: &Logged<RegisterOp>) -> Row {
    let number =
        |value: &Option<u64>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
    let (op, ask, say) = match &logged.call.op {
        RegisterOp::Read(seen) => (Op::Range, "read".to_owned(), number(seen)),
        RegisterOp::Write(value) => (Op::Put, format!("write {value}"), "done".to_owned()),
        RegisterOp::Cas(from, to) => {
            (Op::Txn, format!("cas {from} to {to}"), "succeeded".to_owned())
        }
        RegisterOp::FailedCas(from) => {
            (Op::Txn, format!("cas from {from}"), "failed: something else was there".to_owned())
        }
    };
    logged_row(logged, &logged.call, op, (ask, say))
}

pub(crate) fn registers(key: &str, logged: &Logged<RegisterOp>) -> Row {
    let row = register(logged);
    Row { ask: format!("{} of key {key}", row.ask), ..row }
}

pub(crate) fn strings(key: &str, logged: &Logged<AppendOp>) -> Row {
    let text = logged.text.as_deref().unwrap_or("");
    let (op, ask, say) = match &logged.call.op {
        AppendOp::Get(_) => (Op::Range, format!("get {key}"), format!("\"{text}\"")),
        AppendOp::Put(_) => (Op::Put, format!("put {key}=\"{text}\""), "done".to_owned()),
        AppendOp::Append(_) => (Op::Txn, format!("append {key} \"{text}\""), "done".to_owned()),
    };
    logged_row(logged, &logged.call, op, (ask, say))
}

fn logged_row<T>(logged: &Logged<T>, call: &Call<T>, op: Op, (ask, say): (String, String)) -> Row {
    let known = call.returned.is_some();
    Row {
        id: logged.line,
        process: logged.process,
        member: 0,
        op,
        call: call.call,
        returned: call.returned,
        outcome: if known { Outcome::Ok } else { Outcome::Unknown },
        ran_out: false,
        ask,
        say: if known { say } else { "no answer".to_owned() },
        revision: None,
        made: false,
        events: 0,
    }
}

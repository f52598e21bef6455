//! The rows of a history of any format.

use crate::import::{Input, Logged};
use mettle_checker::history::{Op, Outcome};
use mettle_checker::words::row::{Row, each_of, of_record, took};
use mettle_search::append::AppendOp;
use mettle_search::register::RegisterOp;

/// The rows of a history, in no particular order; `placed` gives the revisions of placed
/// indeterminate writes, by id.
pub fn rows(input: &Input, placed: &[(i64, u64)]) -> Vec<Row> {
    each(input, placed).collect()
}

/// The rows, one by one.
pub(crate) fn each<'a>(
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

/// The rows with the given ids.
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
    logged_row(logged, op, ask, say)
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
    logged_row(logged, op, ask, say)
}

fn logged_row<T>(logged: &Logged<T>, op: Op, ask: String, say: String) -> Row {
    let call = &logged.call;
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

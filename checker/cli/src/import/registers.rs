//! Pairs calls with their returns, and converts them to operations of a register, of registers by
//! key, or of strings.

use std::collections::BTreeMap;

use super::log::{Event, Kind, Value};
use super::{Input, Logged, bad};
use mettle_checker::history::ReadError;
use mettle_search::Call;
use mettle_search::append::{AppendOp, Seen, Text};
use mettle_search::register::RegisterOp;

/// A call, with its end if the log has one.
struct Pair<'a> {
    call: &'a Event,
    at: u64,
    end: Option<(&'a Event, u64)>,
}

fn pairs<'a>(file: &str, events: &'a [Event]) -> Result<Vec<Pair<'a>>, ReadError> {
    let mut open: BTreeMap<i64, usize> = BTreeMap::new();
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let at = at as u64;
        let wrong = |cause| bad(file, Some(event.line), cause, "a process is sequential");
        match (event.kind, open.remove(&event.process)) {
            (Kind::Invoke, None) => {
                open.insert(event.process, pairs.len());
                pairs.push(Pair { call: event, at, end: None });
            }
            (Kind::Invoke, Some(_)) => {
                return Err(wrong("a call while the last one is open"));
            }
            (Kind::Info, None) => {} // of something that is no operation
            (_, Some(place)) if pairs[place].call.name == event.name => {
                pairs[place].end = Some((event, at));
            }
            (_, Some(_)) => return Err(wrong("the end of another operation than was called")),
            (_, None) => return Err(wrong("an end without a call")),
        }
    }
    Ok(pairs)
}

/// Splits a value into key and value, according to the operation: two numbers are the old and the
/// new value of a compare-and-set, and otherwise key (of jepsen.independent) and value.
fn apart(event: &Event) -> (Option<String>, Value) {
    match &event.value {
        Value::Pair(key, value) if event.name != "cas" => {
            (Some(key.to_string()), Value::Number(*value))
        }
        Value::Keyed(key, value) => (Some(key.clone()), (**value).clone()),
        value => (None, value.clone()),
    }
}

/// The register operation of a call.
fn asked(name: &str, value: &Value) -> Option<RegisterOp> {
    match (name, value) {
        ("read", _) => Some(RegisterOp::Read(None)),
        ("write", Value::Number(value)) => Some(RegisterOp::Write(*value as u64)),
        ("cas", Value::Pair(from, to)) => Some(RegisterOp::Cas(*from as u64, *to as u64)),
        _ => None,
    }
}

/// Operations on a register, or on registers by key. If `observed`, a failed compare-and-set read
/// another value; otherwise it did not take effect.
pub(super) fn register(file: &str, events: &[Event], observed: bool) -> Result<Input, ReadError> {
    let mut all: Vec<(String, Logged<RegisterOp>)> = Vec::new();
    let mut have_keys = None;
    for Pair { call, at, end } in pairs(file, events)? {
        let wrong = |line: u64, cause: &str| {
            let remedy = "known are read, write N and cas [N M]; of keys [KEY nil], [KEY N] and \
                          [KEY [N M]]";
            bad(file, Some(line), cause.to_owned(), remedy)
        };
        let mixed = |line: u64, cause: &str| {
            let remedy = "either every value is [KEY VALUE], as of jepsen.independent, or none is; \
                          take out what belongs to another test";
            bad(file, Some(line), cause.to_owned(), remedy)
        };
        let (key, value) = apart(call);
        let asked = asked(&call.name, &value)
            .ok_or_else(|| wrong(call.line, "the operation is not understood"))?;
        if *have_keys.get_or_insert(key.is_some()) != key.is_some() {
            let which = if key.is_some() {
                "with a key among those without"
            } else {
                "without a key among those with one"
            };
            return Err(mixed(call.line, &format!("an operation {which}")));
        }
        let ended = end.map(|(event, _)| (event.kind, event.line, apart(event)));
        let ended = match ended {
            Some((_, line, (Some(other), _))) if key.as_ref().is_some_and(|key| *key != other) => {
                return Err(mixed(line, "the end of an operation on another key than was called"));
            }
            Some((Kind::Ok, line, (other, _))) if other.is_some() != key.is_some() => {
                let which = if key.is_some() {
                    "no key, and its call has one"
                } else {
                    "a key, and its call has none"
                };
                return Err(mixed(line, &format!("an answer with {which}")));
            }
            // A word in the place of the value is the reason for its absence.
            Some((kind, line, (other, _))) if other != key => Some((kind, line, Value::Other)),
            Some((kind, line, (_, value))) => Some((kind, line, value)),
            None => None,
        };
        let mut returned = end.map(|(_, at)| at);
        let op = match (ended, asked) {
            (Some((Kind::Ok, line, value)), RegisterOp::Read(_)) => match value {
                Value::Nil => RegisterOp::Read(None),
                Value::Number(value) => RegisterOp::Read(Some(value as u64)),
                _ => return Err(wrong(line, "the value read is not a number")),
            },
            (_, RegisterOp::Read(_)) => continue,
            (Some((Kind::Ok, ..)), op) => op,
            (Some((Kind::Fail, _, Value::Pair(..))), RegisterOp::Cas(from, _)) if observed => {
                RegisterOp::FailedCas(from)
            }
            (Some((Kind::Fail, ..)), _) => continue,
            (_, op) => {
                returned = None;
                op
            }
        };
        let process = call.process.unsigned_abs();
        let (line, call) = (call.line, Call { op, call: at, returned });
        all.push((key.unwrap_or_default(), Logged { line, process, call, text: None }));
    }
    if have_keys == Some(true) {
        return Ok(Input::Registers(all));
    }
    Ok(Input::Register(all.into_iter().map(|(_, logged)| logged).collect()))
}

/// The operations on strings, by key.
pub(super) fn strings(
    file: &str,
    events: &[Event],
) -> Result<Vec<(String, Logged<AppendOp>)>, ReadError> {
    let mut all = Vec::new();
    for Pair { call, at, end } in pairs(file, events)? {
        let wrong = |line: u64, cause: &str| {
            bad(file, Some(line), cause.to_owned(), "known are get, put and append of a :key")
        };
        let key = call.key.clone().ok_or_else(|| wrong(call.line, ":key is missing"))?;
        let mut returned = end.map(|(_, at)| at);
        let ended = end.map(|(event, _)| (event.kind, &event.value));
        let op = match (call.name.as_str(), &call.value, ended) {
            ("get", _, Some((Kind::Ok, Value::Text(seen)))) => AppendOp::Get(Seen::of(seen)),
            ("get", _, Some((Kind::Ok, Value::Nil))) => AppendOp::Get(Seen::of("")),
            ("get", _, Some((Kind::Ok, _))) => {
                return Err(wrong(call.line, "the value read is not a string"));
            }
            ("get", ..) | (_, _, Some((Kind::Fail, _))) => continue,
            ("put", Value::Text(value), _) => AppendOp::Put(Text::of(value)),
            ("append", Value::Text(value), _) => AppendOp::Append(Text::of(value)),
            _ => return Err(wrong(call.line, "the operation is not understood")),
        };
        if !matches!(ended, Some((Kind::Ok, _))) {
            returned = None;
        }
        let text = match (ended, &call.value) {
            (Some((_, Value::Text(seen))), _) if call.name == "get" => Some(tail(seen)),
            (_, Value::Text(value)) => Some(tail(value)),
            _ => None,
        };
        let process = call.process.unsigned_abs();
        let (line, call) = (call.line, Call { op, call: at, returned });
        let logged = Logged { line, process, call, text };
        all.push((key, logged));
    }
    Ok(all)
}

/// The end of a string, for messages.
fn tail(text: &str) -> Box<str> {
    const MOST: usize = 24;
    match text.char_indices().rev().nth(MOST) {
        Some((from, last)) => format!("…{}", &text[from + last.len_utf8()..]).into(),
        None => text.into(),
    }
}

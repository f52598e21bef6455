//! Reads logs of Jepsen's etcd tests.

use mettle_checker::history::ReadError;

use super::format::{About, Head, Importer, Opened, some};
use super::log::{Event, Kind, Value};
use super::{Input, bad, edn, registers};

pub(super) struct Jepsen;

impl Importer for Jepsen {
    fn about(&self) -> About {
        About {
            name: "jepsen",
            help: "A log of Jepsen's etcd tests",
            what: "logs of Jepsen's etcd tests (`INFO  jepsen.util - 0 :invoke :read nil`, or as later \
                   versions write it)",
            judged_as: "one register, or one for each key of `jepsen.independent` (values `[KEY VALUE]`, \
                        of a compare-and-set `[KEY [OLD NEW]]`)",
        }
    }

    fn shows(&self, head: &Head<'_>) -> bool {
        !head.first.is_empty() && head.text.contains("jepsen.util")
    }

    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError> {
        let name = from.name;
        let events = some(name, events(name, &from.text()?)?)?;
        registers::register(name, &events, true)
    }
}

/// Parses lines `INFO  jepsen.util - PROC :TYPE :F VALUE`; later versions of Jepsen write
/// `jepsen.util: `, and a reason behind the value. The nemesis and other loggers are skipped.
fn events(file: &str, text: &str) -> Result<Vec<Event>, ReadError> {
    let mut events = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let at = number as u64 + 1;
        let Some((_, rest)) = line.split_once("jepsen.util") else { continue };
        let rest = rest.trim_start().trim_start_matches([':', '-']);
        let mut words = rest.split_ascii_whitespace();
        let Some(process) = words.next() else { continue };
        let Ok(process) = process.parse() else { continue };
        let wrong = |cause: &str| {
            let remedy = "a line is: INFO jepsen.util - PROCESS :TYPE :F VALUE";
            bad(file, Some(at), cause.to_owned(), remedy)
        };
        let kind = words.next().and_then(|word| Kind::named(word.strip_prefix(':')?));
        let kind = kind.ok_or_else(|| wrong("the type is not :invoke, :ok, :fail or :info"))?;
        let name = words.next().and_then(|word| word.strip_prefix(':'));
        let name = name.ok_or_else(|| wrong("the operation is missing"))?.to_owned();
        let rest: Vec<&str> = words.collect();
        let value = match value(&rest.join(" ")) {
            // The operation failed for another reason than the comparison.
            Some((_, true)) if kind == Kind::Fail => Value::Other,
            Some((value, _)) => value,
            None => return Err(wrong("the value is not understood")),
        };
        events.push(Event { line: at, process, kind, name, key: None, value });
    }
    Ok(events)
}

/// The value at the start of a text, and whether a reason follows.
fn value(text: &str) -> Option<(Value, bool)> {
    if text.starts_with(':') {
        return Some((Value::Other, false));
    }
    if text.starts_with('[') {
        let (list, rest) = edn::first(text)?;
        let known = matches!(list, Value::Pair(..) | Value::Keyed(..));
        return known.then(|| (list, !rest.trim().is_empty()));
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let value = match word {
        "" | "nil" => Value::Nil,
        number => Value::Number(number.parse().ok()?),
    };
    Some((value, !rest.is_empty()))
}

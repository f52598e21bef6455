//! The words of stories: requests as they are written, answers as they are told.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use goldenscript::{Argument, Command, Runner};

use super::{put, range};
use crate::command::*;
use crate::mvcc::{Changes, Event, EventKind};

pub(crate) type Said<T> = Result<T, Box<dyn Error>>;

/// A command's arguments as plain words, `key=value` for named ones.
pub(crate) fn words(command: &Command) -> Vec<String> {
    let mut words = vec![command.name.clone()];
    words.extend(command.args.iter().map(|argument| match argument {
        Argument::KeyValue(name, value) => format!("{name}={value}"),
        Argument::Positional(word) => word.clone(),
        other => other.to_string(),
    }));
    words
}

/// What a command told, ending its last line if there is one.
pub(crate) fn in_lines(told: String) -> String {
    if told.is_empty() { told } else { format!("{}\n", told.trim_end()) }
}

/// Tells every story of a folder below the crate, each to a new teller.
pub(crate) fn tell_all<S: Runner<Command = Command>>(folder: &str, teller: impl Fn() -> S) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut scripts: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    scripts.sort();
    assert!(scripts.len() >= 10, "only {} stories in {}", scripts.len(), folder.display());
    for script in scripts {
        goldenscript::run(&mut teller(), &script)
            .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    }
}

/// `a` one key, `a..c` up to another, `a..` from one on, `all`.
pub(crate) fn to_range(text: &str) -> KeyRange {
    match text.split_once("..") {
        _ if text == "all" => range("\0", "\0"),
        None => range(text, ""),
        Some((key, "")) => range(key, "\0"),
        Some((key, end)) => range(key, end),
    }
}

/// The number or text after `name=`.
pub(crate) fn named<'w>(words: &'w [String], name: &str) -> Option<&'w str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

pub(crate) fn number(words: &[String], name: &str) -> Said<i64> {
    Ok(named(words, name).map_or(Ok(0), str::parse)?)
}

pub(crate) fn has(words: &[String], flag: &str) -> bool {
    words.iter().any(|word| word == flag)
}

fn word(words: &[String], place: usize) -> Said<&str> {
    Ok(words.get(place).ok_or("a word is missing")?)
}

pub(crate) fn to_put(words: &[String]) -> Said<PutRequest> {
    let value = words.get(2).filter(|value| !value.starts_with("keep-"));
    Ok(PutRequest {
        lease: number(words, "lease")?,
        prev_kv: has(words, "prev"),
        ignore_value: has(words, "keep-value"),
        ignore_lease: has(words, "keep-lease"),
        ..put(word(words, 1)?, value.map_or("", String::as_str))
    })
}

pub(crate) fn to_delete(words: &[String]) -> Said<DeleteRangeRequest> {
    Ok(DeleteRangeRequest { range: to_range(word(words, 1)?), prev_kv: has(words, "prev") })
}

pub(crate) fn to_read(words: &[String]) -> Said<RangeRequest> {
    let sort = named(words, "sort").map(|sort| {
        let (target, order) = match sort.split_once('-') {
            Some((target, "down")) => (target, SortOrder::Descend),
            Some((target, "unsaid")) => (target, SortOrder::None),
            _ => (sort, SortOrder::Ascend),
        };
        let target = match target {
            "version" => SortTarget::Version,
            "create" => SortTarget::Create,
            "mod" => SortTarget::Mod,
            "value" => SortTarget::Value,
            _ => SortTarget::Key,
        };
        (target, order)
    });
    Ok(RangeRequest {
        range: to_range(word(words, 1)?),
        limit: number(words, "limit")?,
        revision: number(words, "rev")?,
        sort,
        serializable: false,
        keys_only: has(words, "keys"),
        count_only: has(words, "count"),
        min_mod_revision: number(words, "min-mod")?,
        max_mod_revision: number(words, "max-mod")?,
        min_create_revision: number(words, "min-create")?,
        max_create_revision: number(words, "max-create")?,
    })
}

/// `version a = 0`: target, range, comparison, operand.
pub(crate) fn to_compare(text: &str) -> Said<Compare> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [target, range, result, operand] = words[..] else {
        return Err(format!("not a comparison: {text}").into());
    };
    Ok(Compare {
        range: to_range(range),
        result: match result {
            "=" => CompareResult::Equal,
            ">" => CompareResult::Greater,
            "<" => CompareResult::Less,
            "!=" => CompareResult::NotEqual,
            other => return Err(format!("not a comparison: {other}").into()),
        },
        target: match target {
            "version" => CompareTarget::Version(operand.parse()?),
            "create" => CompareTarget::Create(operand.parse()?),
            "mod" => CompareTarget::Mod(operand.parse()?),
            "lease" => CompareTarget::Lease(operand.parse()?),
            "value" => CompareTarget::Value(Bytes::copy_from_slice(operand.as_bytes())),
            other => return Err(format!("nothing to compare: {other}").into()),
        },
    })
}

pub(crate) fn tell_kv(kv: &KeyValue) -> String {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let (created, changed, version) = (kv.create_revision, kv.mod_revision, kv.version);
    let key = text(&kv.key);
    format!("{key}={} created {created} changed {changed} version {version}", text(&kv.value))
}

fn tell_kvs(kvs: &[KeyValue]) -> String {
    kvs.iter().fold(String::new(), |told, kv| told + "\n  " + &tell_kv(kv))
}

pub(crate) fn tell_range(response: &RangeResponse) -> String {
    let more = if response.more { ", more" } else { "" };
    let (revision, count) = (response.revision, response.count);
    format!("at {revision}: count {count}{more}{}", tell_kvs(&response.kvs))
}

pub(crate) fn tell_txn(response: &TxnResponse) -> String {
    let branch = if response.succeeded { "then" } else { "else" };
    let mut told = format!("at {}: {branch}", response.revision);
    for response in &response.responses {
        let line = match response {
            ResponseOp::Range(response) => format!("get {}", tell_range(response)),
            ResponseOp::Put(response) => format!("put {}", tell_put(response)),
            ResponseOp::DeleteRange(response) => format!("delete {}", tell_delete(response)),
            ResponseOp::Txn(response) => format!("txn {}", tell_txn(response)),
        };
        write!(told, "\n  {}", line.replace('\n', "\n  ")).unwrap();
    }
    told
}

fn tell_put(response: &PutResponse) -> String {
    format!("at {}{}", response.revision, tell_kvs(response.prev_kv.as_slice()))
}

fn tell_delete(response: &DeleteRangeResponse) -> String {
    let (revision, deleted) = (response.revision, response.deleted);
    format!("at {revision}: {deleted} deleted{}", tell_kvs(&response.prev_kvs))
}

pub(crate) fn tell_applied(applied: Result<Applied, Rejected>) -> String {
    match applied {
        Ok(Applied::Put(response)) => tell_put(&response),
        Ok(Applied::DeleteRange(response)) => tell_delete(&response),
        Ok(Applied::Txn(response)) => tell_txn(&response),
        Ok(Applied::Compact(revision)) => format!("at {revision}: compacted"),
        Ok(Applied::Publish(())) => "published".to_owned(),
        Err(rejected) => format!("refused: {rejected}"),
    }
}

pub(crate) fn tell_event(event: &Event) -> String {
    let before = event.prev_kv.as_ref();
    let before = before.map_or(String::new(), |kv| format!(" before {}", tell_kv(kv)));
    match event.kind {
        EventKind::Put => format!("put {}{before}", tell_kv(&event.kv)),
        EventKind::Delete => {
            let key = String::from_utf8_lossy(&event.kv.key).into_owned();
            format!("delete {key} changed {}{before}", event.kv.mod_revision)
        }
    }
}

pub(crate) fn tell_changes(changes: &[Changes]) -> String {
    let mut told = String::new();
    for (revision, events) in changes {
        for event in events {
            writeln!(told, "{revision}: {}", tell_event(event)).unwrap();
        }
    }
    told
}

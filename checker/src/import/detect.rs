//! Which format a file has, by its content.

use std::fs;
use std::path::Path;

use super::log::Event;
use super::{Input, bad, edn, etcd, log, registers};
use crate::history::{Limits, ReadError, read_file};

/// The formats that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own, newline-delimited JSON.
    V1,
    /// A report folder of etcd's robustness tests.
    Etcd,
    /// A log of Jepsen's etcd tests.
    Jepsen,
    /// porcupine's key-value histories.
    Porcupine,
    /// Knossos' register histories.
    Knossos,
}

/// Text formats are read whole; larger files are refused.
const MOST_TEXT_BYTES: u64 = 256 << 20;

/// Reads a history in a format, or in the one that its content shows.
pub fn read(path: &Path, format: Option<Format>, limits: Limits) -> Result<Input, ReadError> {
    let name = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| {
        bad(&name, None, format!("cannot be opened: {error}"), "check the path")
    })?;
    if metadata.is_dir() {
        return match format {
            None | Some(Format::Etcd) => etcd::read(path, limits).map(Input::KeySpace),
            Some(_) => Err(bad(&name, None, "is a folder", "name the history file inside it")),
        };
    }
    if format == Some(Format::V1) || format.is_none() && begins_as_v1(path) {
        return read_file(path, limits).map(Input::KeySpace);
    }
    if metadata.len() > limits.total_bytes.min(MOST_TEXT_BYTES) {
        return Err(bad(&name, None, "is too long", "split the recording"));
    }
    let bytes = fs::read(path)
        .map_err(|error| bad(&name, None, format!("cannot be read: {error}"), "check the disk"))?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(bad(&name, None, "is not a text", "known formats are listed in the README"));
    };
    let Some(format) = format.or_else(|| detect(&text)) else {
        // The usual reader says best what is wrong with the first line.
        return read_file(path, limits).map(Input::KeySpace);
    };
    let some = |events: Vec<Event>| {
        if events.is_empty() {
            return Err(bad(&name, None, "holds no operation", "is it of another format?"));
        }
        Ok(events)
    };
    match format {
        Format::Jepsen => {
            let events = some(log::jepsen(&name, &text)?)?;
            registers::register(&name, &events, true).map(Input::Register)
        }
        Format::Porcupine => {
            let events = some(edn::events(&name, &text)?)?;
            registers::strings(&name, &events).map(Input::Strings)
        }
        Format::Knossos => {
            let events = some(edn::events(&name, &text)?)?;
            registers::register(&name, &events, false).map(Input::Register)
        }
        Format::V1 | Format::Etcd => Err(bad(&name, None, "is a file", "etcd's is a folder")),
    }
}

fn begins_as_v1(path: &Path) -> bool {
    use std::io::Read;
    let mut start = Vec::new();
    let opened = fs::File::open(path).map(|file| file.take(4096).read_to_end(&mut start));
    opened.is_ok() && start.trim_ascii_start().starts_with(b"{\"")
}

fn detect(text: &str) -> Option<Format> {
    let is_text = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(';');
    let first = text.lines().find(is_text)?;
    if first.contains("jepsen.util") {
        return Some(Format::Jepsen);
    }
    if !first.trim_start().starts_with(['{', '[']) || !first.contains(":process") {
        return None;
    }
    Some(if first.contains(":key") { Format::Porcupine } else { Format::Knossos })
}

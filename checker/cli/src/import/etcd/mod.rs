//! Reads the report folder of etcd's robustness tests: the operations and watches of each client.
//!
//! `client-*/operations.json` holds a sequence of objects `{ClientId, Input, Call, Output,
//! Return}`, and `client-*/watch.json` a sequence of `{Request, Responses}`. Fields that reports
//! leave out (leases of keys, create revisions, whether a limit cut the answer, in older reports
//! versions) are not judged. Reports keep long values as hashes in requests and answers, so hashes
//! are compared.
//!
//! Other files beside the clients (`server-*`, `history.html`, `traffic.json`) are skipped. A
//! folder without clients may contain one such report at a lower level.

pub(crate) mod convert;
pub(crate) mod wire;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::format::{About, Folder, Head, Importer, Opened};
use super::read::consistent;
use super::{Input, bad};
use convert::Report;
use mettle_checker::history::weight::{MOST_OBJECTS, too_many_objects};
use mettle_checker::history::{History, Limits, ReadError};

/// The most bytes of all files; the objects of a file are in memory together.
const MOST_BYTES: u64 = 512 << 20;
/// The memory charged for one byte of a report, itself included, until it is read.
const TEXT_WEIGHT: u64 = 8;

/// The greatest depth of the report below the folder named: results, test, time.
const DEEPEST: u32 = 3;

/// The file and line of each record.
#[derive(Default)]
struct Places {
    files: Vec<String>,
    places: Vec<(u32, u64)>,
}

impl Places {
    /// The file and line of one record.
    fn of(&self, place: usize) -> Option<(String, u64)> {
        let (file, line) = self.places.get(place)?;
        Some((self.files[*file as usize].clone(), *line))
    }

    fn file(&mut self, name: String) {
        self.files.push(name);
    }

    /// Notes the records that came from one object.
    fn note(&mut self, records: usize, line: u64) {
        self.places.resize(records, (self.files.len() as u32 - 1, line));
    }
}

pub(crate) struct Etcd;

impl Importer for Etcd {
    fn about(&self) -> About {
        About {
            name: "etcd",
            help: "A report folder of etcd's robustness tests",
            what: "a report folder of etcd's robustness tests (`client-*/operations.json`, `watch.json`), \
                   or one somewhere below the folder named",
            judged_as: "the same; what such a report leaves out (the leases of keys in answers, times to \
                        live, revisions of creation, `more`, in old ones versions) is not judged; \
                        grants, revocations and puts with a lease are",
        }
    }

    fn shows(&self, head: &Head<'_>) -> bool {
        let begins =
            |rest: &str| rest.starts_with("\"ClientId\"") || rest.starts_with("\"Request\"");
        head.object().is_some_and(begins)
    }

    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError> {
        let cause = "is a file, at most one client's part of a report of etcd's";
        Err(bad(from.name, None, cause, "name the folder of the client-* folders"))
    }

    fn read_folder(&self, folder: &Folder<'_>) -> Option<Result<Input, ReadError>> {
        let name = folder.path.display().to_string();
        let read = whole(folder.path, folder.limits);
        Some(read.and_then(|(history, places)| report(&name, history, &places)))
    }
}

/// Reads the two files of one client of etcd's robustness tests.
pub fn read_report(operations: &[u8], watches: &[u8]) -> Result<Input, ReadError> {
    let (history, places) = of_one(operations, watches)?;
    report("the report", history, &places)
}

fn report(name: &str, history: History, places: &Places) -> Result<Input, ReadError> {
    let place = |place| places.of(place).map(|(file, line)| (Some(file), line));
    consistent(name, history, place)
}

/// Reads a whole report folder.
fn whole(folder: &Path, limits: Limits) -> Result<(History, Places), ReadError> {
    let clients = clients(folder)?;
    let mut left = limits.total_bytes.min(MOST_BYTES).min(limits.memory_bytes / TEXT_WEIGHT);
    let mut report = Report::default();
    let mut places = Places::default();
    for client in &clients {
        let path = client.join("operations.json");
        operations(&mut report, &mut places, (&path, &content(&path, &mut left)?))?;
        let path = client.join("watch.json");
        watches(&mut report, &mut places, (&path, &content(&path, &mut left)?))?;
    }
    if report.len() == 0 {
        let cause = "has no operation in any of its clients";
        return Err(bad(&folder.display().to_string(), None, cause, "is it the whole report?"));
    }
    Ok((report.history(), places))
}

/// Reads a report of one client from memory.
fn of_one(told: &[u8], watched: &[u8]) -> Result<(History, Places), ReadError> {
    let mut report = Report::default();
    let mut places = Places::default();
    operations(&mut report, &mut places, ("operations.json".as_ref(), told))?;
    watches(&mut report, &mut places, ("watch.json".as_ref(), watched))?;
    Ok((report.history(), places))
}

type Content<'a> = (&'a Path, &'a [u8]);

fn operations(
    report: &mut Report,
    places: &mut Places,
    (path, bytes): Content<'_>,
) -> Result<(), ReadError> {
    places.file(path.display().to_string());
    objects((path, bytes), |line, wrong, at| {
        report.operation(line).map_err(wrong)?;
        places.note(report.len(), at);
        Ok(())
    })
}

fn watches(
    report: &mut Report,
    places: &mut Places,
    (path, bytes): Content<'_>,
) -> Result<(), ReadError> {
    places.file(path.display().to_string());
    objects((path, bytes), |watch, _, at| {
        report.watch(watch);
        places.note(report.len(), at);
        Ok(())
    })
}

/// The client folders of the one report in a folder.
fn clients(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let name = folder.display().to_string();
    let mut reports = Vec::new();
    reports_below(folder, DEEPEST, &mut reports).map_err(|error| {
        bad(&name, None, format!("cannot be listed: {error}"), "check the path")
    })?;
    match reports.len() {
        1 => Ok(reports.swap_remove(0).1),
        0 => {
            let remedy = "a report of etcd's robustness tests has client-1, client-2 and so on";
            Err(bad(&name, None, "has no client-* folder", remedy))
        }
        count => {
            let (one, other) = (reports[0].0.display(), reports[1].0.display());
            let cause = format!("holds {count} reports, such as {one} and {other}");
            Err(bad(&name, None, cause, "name each by itself"))
        }
    }
}

/// The folders that contain clients, with their clients, in the order of names.
fn reports_below(
    folder: &Path,
    deeper: u32,
    found: &mut Vec<(PathBuf, Vec<PathBuf>)>,
) -> std::io::Result<()> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    let begins = |path: &PathBuf, with: &str| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(with))
    };
    let clients: Vec<_> = folders.iter().filter(|path| begins(path, "client-")).cloned().collect();
    if !clients.is_empty() {
        found.push((folder.to_owned(), clients));
        return Ok(());
    }
    if deeper > 0 {
        for below in folders.iter().filter(|path| !begins(path, "server-")) {
            reports_below(below, deeper - 1, found)?;
        }
    }
    Ok(())
}

/// The content of a file; empty if the client has no such file.
fn content(path: &Path, left: &mut u64) -> Result<Vec<u8>, ReadError> {
    let name = path.display().to_string();
    let cannot =
        |error: std::io::Error| bad(&name, None, format!("cannot be read: {error}"), "check it");
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        file => file.map_err(cannot)?,
    };
    let mut bytes = Vec::new();
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    if length <= *left {
        file.take(*left + 1).read_to_end(&mut bytes).map_err(cannot)?;
    }
    if length > *left || bytes.len() as u64 > *left {
        return Err(bad(&name, None, "is too long", "split the recording"));
    }
    *left -= bytes.len() as u64;
    Ok(bytes)
}

/// Hands over the objects of a file one by one, each with its line and with a function that makes
/// an error of a cause.
fn objects<T: DeserializeOwned>(
    (path, bytes): Content<'_>,
    mut with: impl FnMut(T, &dyn Fn(String) -> ReadError, u64) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let name = path.display().to_string();
    if too_many_objects(bytes, MOST_OBJECTS) {
        return Err(bad(&name, None, "holds too many objects", "split the recording"));
    }
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<T>();
    let (mut line, mut counted) = (1, 0);
    loop {
        let blank = |byte: &&u8| byte.is_ascii_whitespace();
        let from = stream.byte_offset();
        let begins = from + bytes[from..].iter().take_while(blank).count();
        let lines = bytes[counted..begins].split(|byte| *byte == b'\n').count() - 1;
        line += lines as u64;
        counted = begins;
        let Some(object) = stream.next() else { return Ok(()) };
        let wrong = |cause: String| {
            bad(&name, Some(line), cause, "objects of etcd's robustness report are expected")
        };
        let object = object.map_err(|error| {
            let mut wrong = wrong(error.to_string());
            wrong.line = Some(error.line() as u64);
            wrong
        })?;
        with(object, &wrong, line)?;
    }
}

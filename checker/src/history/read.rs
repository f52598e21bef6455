//! Reads a history file line by line in bounded memory; errors name the line.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::binary;
use super::parse::{Wire, describe, parse};
use super::weight::{most_objects, too_many_objects, weight_read};
use super::{History, Origin, Record};

/// What a reader accepts before it refuses.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of one line.
    pub line_bytes: u64,
    /// The most bytes of all lines.
    pub total_bytes: u64,
    /// The most memory for all records, approximately.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { line_bytes: 64 << 20, total_bytes: 2 << 30, memory_bytes: 4 << 30 }
    }
}

/// Why a history cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// The file.
    pub file: String,
    /// The line, from 1; None if the defect is not in one line.
    pub line: Option<u64>,
    /// The defect.
    pub cause: String,
    /// The remedy.
    pub remedy: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}; {}", self.cause, self.remedy)
    }
}

/// The remedy for a history that is too large for its memory.
pub(super) const ALLOW_MORE: &str = "split the recording, or allow more memory (--memory)";

/// Yields the records of a file one by one; the first error ends the sequence.
pub struct Reader<R> {
    file: String,
    lines: R,
    limits: Limits,
    line: u64,
    consumed: u64,
    weight: u64,
    buffer: Vec<u8>,
    origin: Origin,
    ended: bool,
}

/// A line of a history after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are records")]
pub enum Line {
    /// A record.
    Record(Record),
    /// Every record called before this moment stands above.
    CalledBefore(u64),
    /// No line follows.
    End,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalledBefore {
    called_before_ns: u64,
}

/// Reads a whole file.
pub fn read_file(path: &Path, limits: Limits) -> Result<History, ReadError> {
    let name = path.display().to_string();
    let problem = |cause: String, remedy: &str| ReadError {
        file: name.clone(),
        line: None,
        cause,
        remedy: remedy.to_owned(),
    };
    let file = File::open(path)
        .map_err(|error| problem(format!("cannot be opened: {error}"), "check the path"))?;
    let is_folder = file.metadata().is_ok_and(|metadata| metadata.is_dir());
    if is_folder {
        return Err(problem("is a folder".to_owned(), "name the history file inside it"));
    }
    read_stream(name, BufReader::with_capacity(1 << 20, file), limits).map(|(history, _)| history)
}

/// Reads a whole stream in either form and remembers the line of each record; `name` is for errors.
pub fn read_stream<R: BufRead>(
    name: String,
    mut stream: R,
    limits: Limits,
) -> Result<(History, Lines), ReadError> {
    // An error of the stream surfaces again below.
    if stream.fill_buf().is_ok_and(|head| head.starts_with(&binary::MAGIC)) {
        let mut reader = binary::Reader::new(name, stream, limits)?;
        let mut history = History { origin: reader.origin().clone(), records: Vec::new() };
        for record in &mut reader {
            history.records.push(record?);
        }
        history.records.shrink_to_fit();
        return Ok((history, Lines::default()));
    }
    let mut reader = Reader::new(name, stream, limits)?;
    let mut history = History { origin: reader.origin().clone(), records: Vec::new() };
    let mut lines = Lines::default();
    while let Some(record) = reader.next() {
        lines.note(history.records.len(), reader.line());
        history.records.push(record?);
    }
    history.records.shrink_to_fit();
    Ok((history, lines))
}

/// The line of each record. Only lines that follow a gap are kept, since blank lines are rare.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    jumps: Vec<(usize, u64)>,
}

impl Lines {
    /// The line of a record, from 1; None for the compact form.
    pub fn line(&self, place: usize) -> Option<u64> {
        let (from, line) =
            self.jumps[..self.jumps.partition_point(|jump| jump.0 <= place)].last()?;
        Some(line + (place - from) as u64)
    }

    fn note(&mut self, place: usize, line: u64) {
        let follows = place.checked_sub(1).and_then(|before| self.line(before));
        if follows != Some(line - 1) {
            self.jumps.push((place, line));
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line; `file` is the name used in errors.
    pub fn new(file: String, lines: R, limits: Limits) -> Result<Self, ReadError> {
        let mut reader = Reader {
            file,
            lines,
            limits,
            line: 0,
            consumed: 0,
            weight: 0,
            buffer: Vec::new(),
            origin: Origin::default(),
            ended: false,
        };
        if !reader.fill()? {
            return Err(reader.error("is empty".to_owned(), "record a history into it"));
        }
        let first = reader.buffer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&reader.buffer);
        let first: Result<Origin, _> = serde_json::from_slice(first);
        reader.origin = first.map_err(|error| {
            reader.error(
                format!("is not the first line of a history ({})", describe(&error)),
                "the first line must be like {\"version\":1}",
            )
        })?;
        if reader.origin.version != 1 {
            let version = reader.origin.version;
            return Err(reader.error(
                format!("history version {version} is not known here"),
                "version 1 is; use a newer mettle-check",
            ));
        }
        Ok(reader)
    }

    /// The first line of the file.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The number of the line read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn error(&self, cause: String, remedy: &str) -> ReadError {
        ReadError {
            file: self.file.clone(),
            line: Some(self.line.max(1)),
            cause,
            remedy: remedy.to_owned(),
        }
    }

    /// Reads the next line that is not blank into the buffer; false at the end.
    fn fill(&mut self) -> Result<bool, ReadError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let most = self.limits.line_bytes.saturating_add(1);
            let read = (&mut self.lines).take(most).read_until(b'\n', &mut self.buffer);
            let read = match read {
                Ok(read) => read as u64,
                Err(error) => {
                    let cause = format!("cannot be read: {error}");
                    return Err(self.error(cause, "check the disk and the file"));
                }
            };
            if read == 0 {
                return Ok(false);
            }
            if read > self.limits.line_bytes {
                let cause = format!("a line is longer than {} bytes", self.limits.line_bytes);
                return Err(self.error(cause, "is this a history? each record is a line"));
            }
            self.consumed += read;
            if self.consumed > self.limits.total_bytes {
                let cause = format!("longer than {} bytes in all", self.limits.total_bytes);
                return Err(self.error(cause, "split the recording, or raise the limit"));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads the next line; the first error ends the sequence.
    pub fn next_line(&mut self) -> Option<Result<Line, ReadError>> {
        if self.ended {
            return None;
        }
        let next = match self.fill() {
            Ok(true) => self.parse(),
            Ok(false) => {
                self.ended = true;
                return None;
            }
            Err(error) => Err(error),
        };
        self.ended = next.is_err();
        Some(next)
    }

    fn parse(&mut self) -> Result<Line, ReadError> {
        if self.buffer.trim_ascii_start().starts_with(b"{\"called_before_ns\"") {
            let said: CalledBefore = serde_json::from_slice(&self.buffer).map_err(|error| {
                self.error(describe(&error), "it must be like {\"called_before_ns\":5}")
            })?;
            return Ok(Line::CalledBefore(said.called_before_ns));
        }
        if self.buffer.trim_ascii_start().starts_with(b"{\"end\"")
            && serde_json::from_slice::<EndLine>(&self.buffer).is_ok_and(|said| said.end)
        {
            return Ok(Line::End);
        }
        self.record().map(Line::Record)
    }

    fn record(&mut self) -> Result<Record, ReadError> {
        let most = most_objects(self.limits.memory_bytes.saturating_sub(self.weight));
        if too_many_objects(&self.buffer, most) {
            let cause = format!("a line holds more than {most} objects");
            return Err(self.error(cause, "is this a history? each record is a line"));
        }
        let record = self.parsed()?;
        self.weight += weight_read(&record);
        if self.weight > self.limits.memory_bytes {
            let cause = format!("takes more than {} bytes of memory", self.limits.memory_bytes);
            return Err(self.error(cause, ALLOW_MORE));
        }
        Ok(record)
    }

    fn parsed(&self) -> Result<Record, ReadError> {
        let wire: Wire<'_> = serde_json::from_slice(&self.buffer).map_err(|error| {
            if error.is_eof() {
                self.error(
                    "the line stops in the middle".to_owned(),
                    "the file was cut off: record it again, or remove this line if it is the last",
                )
            } else {
                self.error(describe(&error), "see checker/README.md for the format of a record")
            }
        })?;
        parse(&wire).map_err(|problem| self.error(problem.cause, problem.remedy))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_line()? {
                Ok(Line::Record(record)) => return Some(Ok(record)),
                Ok(Line::CalledBefore(_) | Line::End) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

//! What a format of histories is to the rest: one [`Importer`], which is a row of the table in the
//! head of this room.

use std::fmt;

use mettle_checker::history::{Limits, ReadError};

use super::source::Stream;
use super::{FORMATS, Input, bad};

/// What people are told of a format.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The word for `--format`.
    pub name: &'static str,
    /// Its line in `--help`.
    pub help: &'static str,
    /// What it is, for README.
    pub what: &'static str,
    /// What its histories are judged as, for README.
    pub judged_as: &'static str,
}

/// A format in which histories are recorded.
pub(super) trait Importer: Sync {
    /// What people are told of it.
    fn about(&self) -> About;

    /// Whether the first bytes of a stream are of this format.
    fn shows(&self, head: &Head<'_>) -> bool;

    /// Reads a stream that is said to be of this format, or that shows it.
    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError>;

    /// Reads a folder; None if no history of this format is one.
    fn read_folder(&self, folder: &Folder<'_>) -> Option<Result<Input, ReadError>> {
        let _ = folder;
        None
    }
}

/// The first bytes of a stream.
pub(super) struct Head<'a> {
    pub(super) bytes: &'a [u8],
    /// What of them is text.
    pub(super) text: &'a str,
    /// Its first line that is neither blank nor a comment; empty if there is none.
    pub(super) first: &'a str,
}

impl<'a> Head<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        // The head may end inside a character; and what is no text behind the first lines gets an
        // error with its line later.
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let text = text.trim_start_matches('\u{feff}');
        let is_text = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(';');
        let first = text.lines().find(is_text).unwrap_or_default().trim_start();
        Head { bytes, text, first }
    }

    /// The rest of the first line if that begins an object.
    pub(super) fn object(&self) -> Option<&'a str> {
        self.first.strip_prefix('{').map(str::trim_start)
    }
}

/// A stream to be read.
pub(super) struct Opened<'a> {
    /// Its name, for errors.
    pub(super) name: &'a str,
    pub(super) stream: Stream,
    pub(super) limits: Limits,
    /// Whether somebody named the format; else its first bytes showed it.
    pub(super) named: bool,
}

/// A folder to be read.
pub(super) struct Folder<'a> {
    pub(super) path: &'a std::path::Path,
    pub(super) limits: Limits,
}

/// Text formats are read whole; larger files are refused.
const MOST_TEXT_BYTES: u64 = 128 << 20;
/// So many bytes are taken for a byte of such a text, itself included, until it is read.
const TEXT_WEIGHT: u64 = 24;

impl Opened<'_> {
    /// The whole of it as text.
    pub(super) fn text(self) -> Result<String, ReadError> {
        let room = self.limits.memory_bytes / TEXT_WEIGHT;
        let most = self.limits.total_bytes.min(MOST_TEXT_BYTES).min(room);
        self.stream.text(self.name, most)
    }
}

/// The calls and returns of a log, of which there must be some.
pub(super) fn some<Event>(name: &str, events: Vec<Event>) -> Result<Vec<Event>, ReadError> {
    if events.is_empty() {
        return Err(bad(name, None, "holds no operation", "is it of another format?"));
    }
    Ok(events)
}

/// One of the formats that are understood.
#[derive(Clone, Copy)]
pub struct Format(pub(super) &'static dyn Importer);

impl Format {
    /// All of them, in the order in which they are tried on first bytes.
    pub fn all() -> impl Iterator<Item = Format> {
        FORMATS.into_iter().map(Format)
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Format> {
        Format::all().find(|format| format.name() == name)
    }

    /// The one that first bytes show.
    pub(super) fn shown_by(head: &[u8]) -> Option<Format> {
        let head = Head::new(head);
        Format::all().find(|format| format.0.shows(&head))
    }

    /// The word for `--format`.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// What people are told of it.
    pub fn about(self) -> About {
        self.0.about()
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

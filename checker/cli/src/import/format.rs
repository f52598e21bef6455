//! A format of histories: one [`Importer`], and one row of the table at the head of this room.

use std::fmt;

use mettle_checker::history::{Limits, ReadError};

use super::source::Stream;
use super::{FORMATS, Input, bad};

/// The description of a format for users.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The word for `--format`.
    pub name: &'static str,
    /// Its line in `--help`.
    pub help: &'static str,
    /// The description of the format in README.
    pub what: &'static str,
    /// The model that judges the format's histories, for README.
    pub judged_as: &'static str,
}

/// A format in which histories are recorded.
pub(super) trait Importer: Sync {
    /// The description for users.
    fn about(&self) -> About;

    /// Whether the first bytes of a stream show this format.
    fn shows(&self, head: &Head<'_>) -> bool;

    /// Reads a stream that shows this format or was named as this format.
    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError>;

    /// Reads a folder; None if histories of this format are never folders.
    fn read_folder(&self, folder: &Folder<'_>) -> Option<Result<Input, ReadError>> {
        let _ = folder;
        None
    }
}

/// The first bytes of a stream.
pub(super) struct Head<'a> {
    pub(super) bytes: &'a [u8],
    /// The part of the bytes that is text.
    pub(super) text: &'a str,
    /// The first line that is neither blank nor a comment; empty if there is none.
    pub(super) first: &'a str,
}

impl<'a> Head<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        // The head may end inside a character. Bytes that are no text behind the first lines get an
        // error with their line later.
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let text = text.trim_start_matches('\u{feff}');
        let is_text = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(';');
        let first = text.lines().find(is_text).unwrap_or_default().trim_start();
        Head { bytes, text, first }
    }

    /// The rest of the first line, if the line begins an object.
    pub(super) fn object(&self) -> Option<&'a str> {
        self.first.strip_prefix('{').map(str::trim_start)
    }
}

/// A stream to read.
pub(super) struct Opened<'a> {
    /// The name for errors.
    pub(super) name: &'a str,
    pub(super) stream: Stream,
    pub(super) limits: Limits,
    /// Whether the user named the format; otherwise the first bytes showed it.
    pub(super) named: bool,
}

/// A folder to read.
pub(super) struct Folder<'a> {
    pub(super) path: &'a std::path::Path,
    pub(super) limits: Limits,
}

/// The greatest length of a text format, which is read whole.
const MOST_TEXT_BYTES: u64 = 128 << 20;
/// The memory charged for one byte of such a text, itself included, until it is read.
const TEXT_WEIGHT: u64 = 24;

impl Opened<'_> {
    /// The whole stream as text.
    pub(super) fn text(self) -> Result<String, ReadError> {
        let room = self.limits.memory_bytes / TEXT_WEIGHT;
        let most = self.limits.total_bytes.min(MOST_TEXT_BYTES).min(room);
        self.stream.text(self.name, most)
    }
}

/// The calls and returns of a log; an empty log is an error.
pub(super) fn some<Event>(name: &str, events: Vec<Event>) -> Result<Vec<Event>, ReadError> {
    if events.is_empty() {
        return Err(bad(name, None, "holds no operation", "is it of another format?"));
    }
    Ok(events)
}

/// One of the known formats.
#[derive(Clone, Copy)]
pub struct Format(pub(super) &'static dyn Importer);

impl Format {
    /// All formats, in the order in which they are tried on first bytes.
    pub fn all() -> impl Iterator<Item = Format> {
        FORMATS.into_iter().map(Format)
    }

    /// The format of a name.
    pub fn named(name: &str) -> Option<Format> {
        Format::all().find(|format| format.name() == name)
    }

    /// The format that first bytes show.
    pub(super) fn shown_by(head: &[u8]) -> Option<Format> {
        let head = Head::new(head);
        Format::all().find(|format| format.0.shows(&head))
    }

    /// The word for `--format`.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// The description for users.
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

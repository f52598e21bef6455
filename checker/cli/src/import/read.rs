//! Reads a path or a stream, in the format named or the one that its content shows.

use std::io::Read;
use std::path::Path;

use mettle_checker::assumptions;
use mettle_checker::history::{History, Limits, ReadError, read_stream};

use super::format::{Folder, Format, Opened};
use super::source::{Source, Stream};
use super::{Input, NO_HISTORY, bad};

/// Reads a history in the format named, or in the format that its content shows. The path `-` is
/// standard input. A history of etcd that contradicts itself (see
/// [`assumptions`](mettle_checker::assumptions)) is refused.
pub fn read(path: &Path, format: Option<Format>, limits: Limits) -> Result<Input, ReadError> {
    let name = path.display().to_string();
    match Source::open(path)? {
        Source::Folder => {
            let mut able = Format::all().filter(|one| format.is_none_or(|format| format == *one));
            let read = able.find_map(|one| one.0.read_folder(&Folder { path, limits }));
            read.unwrap_or_else(|| {
                Err(bad(&name, None, "is a folder", "name the history file inside it"))
            })
        }
        Source::Stream(stream) => content(&name, stream, format, limits),
    }
}

/// Like [`read`], from any source of bytes; `name` is for errors.
pub fn read_from(
    name: &str,
    from: Box<dyn Read>,
    format: Option<Format>,
    limits: Limits,
) -> Result<Input, ReadError> {
    content(name, Stream::new(name, from, None)?, format, limits)
}

fn content(
    name: &str,
    stream: Stream,
    format: Option<Format>,
    limits: Limits,
) -> Result<Input, ReadError> {
    let named = format.is_some();
    match format.or_else(|| Format::shown_by(stream.head())) {
        None if is_compressed(stream.head()) => {
            Err(bad(name, None, "is not a text, but compressed", "unpack it, or pipe it in with -"))
        }
        None if !looks_like_text(stream.head()) => {
            Err(bad(name, None, "is not a text", NO_HISTORY))
        }
        // For unknown content our own reader gives the best error about the first line.
        None => own(Opened { name, stream, limits, named }),
        Some(format) => format.0.read(Opened { name, stream, limits, named }),
    }
}

/// Reads our own format in either form.
pub(super) fn own(from: Opened<'_>) -> Result<Input, ReadError> {
    let Opened { name, stream, limits, .. } = from;
    let (history, lines) = read_stream(name.to_owned(), stream.whole(), limits)?;
    let line = |place| lines.line(place).map(|line| (None, line));
    consistent(name, history, line)
}

/// Refuses a recording that contradicts itself; the error names the line, and the file in a folder.
pub(super) fn consistent(
    name: &str,
    history: History,
    place: impl Fn(usize) -> Option<(Option<String>, u64)>,
) -> Result<Input, ReadError> {
    match assumptions(&history) {
        Ok(()) => Ok(Input::KeySpace(history)),
        Err(contradiction) => {
            let mut cause = format!("{}: {}", contradiction.what, contradiction.cause);
            let (file, line) = place(contradiction.place).unzip();
            if line.is_none() {
                cause = format!("record {}, {cause}", contradiction.place + 1);
            }
            Err(ReadError {
                file: file.flatten().unwrap_or_else(|| name.to_owned()),
                line,
                cause,
                remedy: contradiction.remedy.to_owned(),
            })
        }
    }
}

/// Whether the head is that of gzip, zstd, bzip2, xz or zip.
fn is_compressed(head: &[u8]) -> bool {
    const MARKS: [&[u8]; 5] =
        [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"];
    MARKS.iter().any(|mark| head.starts_with(mark))
}

fn looks_like_text(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(text) => !text.contains('\0'),
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    }
}

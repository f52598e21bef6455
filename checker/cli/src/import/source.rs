//! The sources of histories: a folder, a file, standard input or a pipe. A stream is opened once,
//! and its head can be inspected without losing bytes.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::{NO_HISTORY, bad};
use mettle_checker::history::ReadError;

/// The number of bytes that are inspected to find the format.
const HEAD_BYTES: usize = 64 << 10;
/// The time to wait for a writer of a pipe.
const PIPE_WAIT: Duration = Duration::from_secs(5);

/// The kind of a path.
pub(super) enum Source {
    Folder,
    Stream(Stream),
}

/// A stream of bytes with its head.
pub(super) struct Stream {
    head: Vec<u8>,
    rest: Box<dyn Read>,
    /// The length of the stream, if it is known.
    pub(super) length: Option<u64>,
}

/// The whole stream, from its head on.
pub(super) type Whole = BufReader<Chain<Cursor<Vec<u8>>, Box<dyn Read>>>;

impl Source {
    /// Opens a path; `-` is standard input.
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        if path.as_os_str() == "-" {
            return Stream::new(&name, Box::new(io::stdin()), None).map(Source::Stream);
        }
        let cannot = |error: io::Error| {
            bad(&name, None, format!("cannot be opened: {error}"), "check the path")
        };
        let metadata = std::fs::metadata(path).map_err(cannot)?;
        if metadata.is_dir() {
            return Ok(Source::Folder);
        }
        let file = if is_pipe(&metadata) {
            open_pipe(path).ok_or_else(|| {
                let cause = format!("nobody writes into this pipe (waited {PIPE_WAIT:?})");
                bad(&name, None, cause, "start the writer first")
            })?
        } else {
            File::open(path)
        };
        let file = file.map_err(cannot)?;
        let length = metadata.is_file().then_some(metadata.len());
        Stream::new(&name, Box::new(file), length).map(Source::Stream)
    }
}

impl Stream {
    pub(super) fn new(
        name: &str,
        mut rest: Box<dyn Read>,
        length: Option<u64>,
    ) -> Result<Self, ReadError> {
        let mut head = Vec::new();
        (&mut rest).take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(|error| {
            bad(name, None, format!("cannot be read: {error}"), "check the disk and the file")
        })?;
        Ok(Stream { head, rest, length })
    }

    /// The first bytes of the stream, or all bytes of a short one.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The whole stream.
    pub(super) fn whole(self) -> Whole {
        BufReader::with_capacity(1 << 20, Cursor::new(self.head).chain(self.rest))
    }

    /// The whole stream as text, if it has at most `most` bytes and is UTF-8.
    pub(super) fn text(self, name: &str, most: u64) -> Result<String, ReadError> {
        let long = || {
            let remedy = "split the recording, or allow more memory (--memory)";
            bad(name, None, format!("is longer than {most} bytes"), remedy)
        };
        if self.length.is_some_and(|length| length > most) {
            return Err(long());
        }
        let mut bytes = Vec::new();
        self.whole().take(most + 1).read_to_end(&mut bytes).map_err(|error| {
            bad(name, None, format!("cannot be read: {error}"), "check the disk and the file")
        })?;
        if bytes.len() as u64 > most {
            return Err(long());
        }
        String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = error.as_bytes().iter().take(valid);
            let line = before.filter(|byte| **byte == b'\n').count() as u64 + 1;
            bad(name, Some(line), "is not a text", NO_HISTORY)
        })
    }
}

#[cfg(unix)]
fn is_pipe(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &std::fs::Metadata) -> bool {
    false
}

#[expect(clippy::disallowed_methods, reason = "no judgement runs here: a file is being opened")]
/// Opens a pipe in a thread of its own, since opening blocks until a writer comes; None if no
/// writer came.
fn open_pipe(path: &Path) -> Option<io::Result<File>> {
    let (sender, opened) = mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || sender.send(File::open(path)));
    opened.recv_timeout(PIPE_WAIT).ok()
}

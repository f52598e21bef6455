//! Reads histories in every known format. A format is one file with one [`Importer`], and one row
//! of [`FORMATS`]: how to recognise the format, how to read it, and its description for users.

mod binary;
mod edn;
pub(crate) mod etcd;
mod format;
mod jepsen;
mod knossos;
mod log;
mod porcupine;
mod read;
mod registers;
mod source;
mod v1;

pub use etcd::read_report;
pub use format::{About, Format};
pub use read::{read, read_from};

use format::Importer;
use mettle_checker::history::{History, ReadError};
use mettle_search::Call;
use mettle_search::append::AppendOp;
use mettle_search::register::RegisterOp;

/// The formats, in the order in which they are tried on first bytes.
const FORMATS: [&dyn Importer; 6] = [
    &v1::V1,
    &binary::Binary,
    &etcd::Etcd,
    &jepsen::Jepsen,
    &porcupine::Porcupine,
    &knossos::Knossos,
];

/// A history that was read, ready to be judged.
#[derive(Clone, Debug)]
pub enum Input {
    /// Operations and watches of etcd.
    KeySpace(History),
    /// Operations on one register.
    Register(Vec<Logged<RegisterOp>>),
    /// Operations on registers, each with its key.
    Registers(Vec<(String, Logged<RegisterOp>)>),
    /// Operations on strings, each with its key.
    Strings(Vec<(String, Logged<AppendOp>)>),
}

impl Input {
    /// The number of records or operations.
    pub fn len(&self) -> usize {
        match self {
            Input::KeySpace(history) => history.records.len(),
            Input::Register(operations) => operations.len(),
            Input::Registers(operations) => operations.len(),
            Input::Strings(operations) => operations.len(),
        }
    }

    /// Whether there are no records or operations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An operation and the line of its call.
#[derive(Clone, Debug)]
pub struct Logged<Op> {
    /// The line in the file, from 1.
    pub line: u64,
    /// The process.
    pub process: u64,
    /// The operation and its interval.
    pub call: Call<Op>,
    /// The string that was read or written, or the end of a long one; None for numbers.
    pub text: Option<Box<str>>,
}

/// The remedy for bytes in no known format.
const NO_HISTORY: &str = "give it a recorded history; --help lists the formats (--format)";

/// An error about a file or one of its lines.
pub(crate) fn bad(
    file: &str,
    line: Option<u64>,
    cause: impl Into<String>,
    remedy: &str,
) -> ReadError {
    ReadError { file: file.to_owned(), line, cause: cause.into(), remedy: remedy.to_owned() }
}

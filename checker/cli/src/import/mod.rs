//! Histories that others recorded, in their own formats.
//!
//! | format | recognised by | judged as |
//! |---|---|---|
//! | `v1` | a first line `{"version":1}` | etcd's key space ([`check`](mettle_checker::check())) |
//! | `binary` | its first eight bytes ([`binary`](mettle_checker::history::binary)) | the same |
//! | `etcd` | a folder, with `client-*/operations.json` | the same; fields that etcd's robustness tests leave out are not judged |
//! | `jepsen` | lines with `jepsen.util` | one register, or one for each key of `jepsen.independent` |
//! | `porcupine` | EDN maps with `:key` | a map of strings with get, put and append |
//! | `knossos` | EDN maps without | the same |

mod detect;
mod edn;
pub(crate) mod etcd;
mod log;
mod registers;
mod source;

pub use detect::{Format, read, read_from, read_report};

use mettle_checker::history::{History, ReadError};
use mettle_search::Call;
use mettle_search::append::AppendOp;
use mettle_search::register::RegisterOp;

/// What was read, ready to be judged.
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
    /// How many records or operations there are.
    pub fn len(&self) -> usize {
        match self {
            Input::KeySpace(history) => history.records.len(),
            Input::Register(operations) => operations.len(),
            Input::Registers(operations) => operations.len(),
            Input::Strings(operations) => operations.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An operation and the line on which it was called.
#[derive(Clone, Debug)]
pub struct Logged<Op> {
    /// Its line in the file, from 1.
    pub line: u64,
    /// Who called.
    pub process: u64,
    /// What, and when.
    pub call: Call<Op>,
    /// The string that was read or written, its end where it is long; None for numbers.
    pub text: Option<Box<str>>,
}

/// What to do about bytes that are in no format.
const NO_HISTORY: &str = "give it a recorded history; --help lists the formats (--format)";

/// An error of a file, or of one of its lines.
pub(crate) fn bad(
    file: &str,
    line: Option<u64>,
    cause: impl Into<String>,
    remedy: &str,
) -> ReadError {
    ReadError { file: file.to_owned(), line, cause: cause.into(), remedy: remedy.to_owned() }
}

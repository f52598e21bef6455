//! `--export FORM PATH`: writes a history in another form.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use mettle_check::export;
use mettle_check::import::Input;
use mettle_checker::history::{History, ReadError};

/// The forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    V1,
    Binary,
    Etcd,
}

impl Form {
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "v1" => Some(Form::V1),
            "binary" => Some(Form::Binary),
            "etcd" => Some(Form::Etcd),
            _ => None,
        }
    }
}

/// The history of an input, if the input is a history of etcd's key space.
pub(crate) fn history(file: &Path, input: Input) -> Result<History, ReadError> {
    match input {
        Input::KeySpace(history) => Ok(history),
        Input::Register(_) | Input::Registers(_) | Input::Strings(_) => Err(ReadError {
            file: file.display().to_string(),
            line: None,
            cause: "is no history of etcd's key space".to_owned(),
            remedy: "only such ones can be exported".to_owned(),
        }),
    }
}

/// Writes the history, and prints how many records the form cannot carry.
pub(crate) fn export(
    history: &History,
    form: Form,
    to: &Path,
) -> Result<export::LeftOut, export::ExportError> {
    let lines = |write: fn(&History, BufWriter<File>) -> io::Result<BufWriter<File>>| {
        let done = File::create(to)
            .and_then(|file| write(history, BufWriter::with_capacity(1 << 20, file)));
        done.map(|_| export::LeftOut::default())
            .map_err(|error| export::ExportError::File(to.display().to_string(), error))
    };
    match form {
        Form::V1 => lines(History::write_to),
        Form::Binary => lines(History::write_binary_to),
        Form::Etcd => export::etcd(history, to),
    }
}

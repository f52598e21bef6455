//! `--export FORM PATH`: the same history in another form.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use mettle_checker::history::{History, ReadError};
use mettle_checker::import::Input;

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    V1,
    Binary,
}

impl Form {
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "v1" => Some(Form::V1),
            "binary" => Some(Form::Binary),
            _ => None,
        }
    }
}

/// The history of an input that is one of etcd's.
pub(crate) fn history(file: &Path, input: Input) -> Result<History, ReadError> {
    match input {
        Input::KeySpace(history) => Ok(history),
        Input::Register(_) | Input::Strings(_) => Err(ReadError {
            file: file.display().to_string(),
            line: None,
            cause: "is no history of etcd's key space".to_owned(),
            remedy: "only such ones can be exported".to_owned(),
        }),
    }
}

/// Writes it.
pub(crate) fn export(history: &History, form: Form, to: &Path) -> io::Result<()> {
    let out = BufWriter::with_capacity(1 << 20, File::create(to)?);
    match form {
        Form::V1 => history.write_to(out).map(drop),
        Form::Binary => history.write_binary_to(out).map(drop),
    }
}

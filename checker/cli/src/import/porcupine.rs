//! porcupine's key-value histories, in EDN.

use mettle_checker::history::ReadError;

use super::format::{About, Head, Importer, Opened, some};
use super::log::Event;
use super::{Input, edn, registers};

pub(super) struct Porcupine;

impl Importer for Porcupine {
    fn about(&self) -> About {
        About {
            name: "porcupine",
            help: "porcupine's key-value histories",
            what: "porcupine's key-value EDN",
            judged_as: "a map of strings with put and append",
        }
    }

    /// The first bytes do not tell whether operations have keys: see `knossos`.
    fn shows(&self, _: &Head<'_>) -> bool {
        false
    }

    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError> {
        let name = from.name;
        let events = some(name, edn::events(name, &from.text()?)?)?;
        strings(name, &events)
    }
}

/// The operations on strings, by key.
pub(super) fn strings(name: &str, events: &[Event]) -> Result<Input, ReadError> {
    registers::strings(name, events).map(Input::Strings)
}

//! Reads Knossos' register histories in EDN. It also recognises any history in EDN by its content;
//! if the operations have keys, the history is porcupine's.

use mettle_checker::history::ReadError;

use super::format::{About, Head, Importer, Opened, some};
use super::{Input, edn, porcupine, registers};

pub(super) struct Knossos;

impl Importer for Knossos {
    fn about(&self) -> About {
        About {
            name: "knossos",
            help: "Knossos' register histories",
            what: "Knossos' EDN registers: maps or `[process type f value]`, in a vector, a list or one \
                   after another, tags read over; Jepsen's `history.edn` of registers is such a file",
            judged_as: "one register, or one for each key of `jepsen.independent`",
        }
    }

    fn shows(&self, head: &Head<'_>) -> bool {
        let operations = head.text.contains(":process") || head.text.contains(":invoke");
        head.first.starts_with(['{', '[', '(', '#']) && operations
    }

    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError> {
        let (name, named) = (from.name, from.named);
        let events = some(name, edn::events(name, &from.text()?)?)?;
        if !named && events.iter().any(|event| event.key.is_some()) {
            return porcupine::strings(name, &events);
        }
        registers::register(name, &events, false)
    }
}

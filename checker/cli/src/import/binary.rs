//! Our own format in its compact form: [`mettle_checker::history::binary`].

use mettle_checker::history::ReadError;
use mettle_checker::history::binary::MAGIC;

use super::format::{About, Head, Importer, Opened};
use super::{Input, read};

pub(super) struct Binary;

impl Importer for Binary {
    fn about(&self) -> About {
        About {
            name: "binary",
            help: "The compact form of the same",
            what: "the compact form of the same, below",
            judged_as: "the same",
        }
    }

    fn shows(&self, head: &Head<'_>) -> bool {
        head.bytes.starts_with(&MAGIC)
    }

    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError> {
        read::own(from)
    }
}

//! Our own format, newline-delimited JSON: [`mettle_checker::history`].

use mettle_checker::history::ReadError;

use super::format::{About, Head, Importer, Opened};
use super::{Input, etcd, read};

pub(super) struct V1;

impl Importer for V1 {
    fn about(&self) -> About {
        About {
            name: "v1",
            help: "Newline-delimited JSON, as in checker/README.md",
            what: "our own NDJSON, below",
            judged_as: "etcd's key space and watches",
        }
    }

    fn shows(&self, head: &Head<'_>) -> bool {
        head.object().is_some_and(|rest| rest.starts_with('"')) && !etcd::Etcd.shows(head)
    }

    fn read(&self, from: Opened<'_>) -> Result<Input, ReadError> {
        read::own(from)
    }
}

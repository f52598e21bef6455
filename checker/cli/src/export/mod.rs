//! Histories for others: the report folder of etcd's robustness tests, so that etcd's own checker can
//! be asked as well.
//!
//! Such a report cannot carry everything. What asks for something that it has no words for is
//! **refused** if it may have changed a key, since without it the rest would be another history, and
//! **left out** if it cannot have: reads with options (serializable, sorted, keys or counts only,
//! bounds of revisions), transactions of such reads, renewals of leases and questions about them, watchers of ranges that are no prefix or with
//! filters, definite errors (but those of compactions), quiet times. Of what is carried these fields
//! are not: clusters, members and terms; revisions of creation, leases of keys, `more`, previous
//! values of puts and deletions; times to live (a history in which a lease may have expired is
//! refused); that watchers were created and cancelled. Values of 20 bytes or
//! more, and those that are no text, become hashes of 32 bits.

mod etcd;
mod watch;

use std::collections::BTreeMap;
use std::fmt;

pub use etcd::etcd;

use mettle_checker::history::Blob;

/// How many of what the format cannot carry, and the history can do without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeMap<&'static str, u64>);

impl LeftOut {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Whether all of the history was carried.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (what, count)) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{count} {what}")?;
        }
        Ok(())
    }
}

/// Why a history cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The format has no words for something that may have changed keys.
    #[error("record {id} ({what}): {cause}, which the format cannot carry")]
    Words {
        /// The record's id.
        id: u64,
        /// What it asked.
        what: String,
        /// What cannot be said.
        cause: &'static str,
    },
    /// The history as a whole is not of the format's kind.
    #[error("{0}")]
    History(&'static str),
    /// A file cannot be written.
    #[error("{0}: cannot be written: {1}; check the path")]
    File(String, std::io::Error),
}

/// A key as text, which a report has no other way to name.
fn text(blob: &Blob) -> Result<String, &'static str> {
    let text = std::str::from_utf8(blob).map_err(|_| "keys that are no text")?;
    Ok(text.to_owned())
}

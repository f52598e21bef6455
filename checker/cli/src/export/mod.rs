//! Exports histories to the report folder of etcd's robustness tests, so that etcd's own checker
//! can judge them too.
//!
//! The format cannot carry every record. A record that it cannot express is **refused** if the
//! operation may have changed a key, since the history would be another one without it. It is
//! **left out** otherwise: reads with options (serializable, sorted, keys or counts only, bounds of
//! revisions), transactions of such reads, renewals of leases and questions about them, watchers
//! with filters or of ranges that are no prefix, definite errors (except those of compactions),
//! quiet periods. Some fields are lost: clusters, members and terms; create revisions, leases of
//! keys, `more`, previous values of puts and deletions; times to live (a history in which a lease
//! may have expired is refused); creation and cancellation of watchers. Values of 20 bytes or more,
//! and values that are no text, become 32-bit hashes.

mod etcd;
mod watch;

use std::collections::BTreeMap;
use std::fmt;

pub use etcd::etcd;

use mettle_checker::history::Blob;

/// The number of records of each kind that were left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeMap<&'static str, u64>);

impl LeftOut {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Whether no record was left out.
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

/// Why a history cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The format cannot express an operation that may have changed keys.
    #[error("record {id} ({what}): {cause}, which the format cannot carry")]
    Words {
        /// The record's id.
        id: u64,
        /// The request as text.
        what: String,
        /// The part that cannot be expressed.
        cause: &'static str,
    },
    /// The whole history is not of the format's kind.
    #[error("{0}")]
    History(&'static str),
    /// A file cannot be written.
    #[error("{0}: cannot be written: {1}; check the path")]
    File(String, std::io::Error),
}

/// A key as text; a report cannot name other keys.
fn text(blob: &Blob) -> Result<String, &'static str> {
    let text = std::str::from_utf8(blob).map_err(|_| "keys that are no text")?;
    Ok(text.to_owned())
}

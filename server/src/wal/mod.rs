//! The log on disk: the promises of this member, in order.
//!
//! # Layout
//! A directory of segments `<16 hex digits>.wal`, numbered from 1 without gaps. A segment begins
//! with a header {magic, format version, cluster id, member id, segment, first index, first
//! sequence, previous batch's CRC, own CRC} and goes on with batches. A batch is {magic, body
//! length, segment, sequence, durable_to, previous batch's CRC, own CRC} and a body: a postcard
//! record of hard state, snapshot mark, life and entries. The CRC covers header and body and is salted
//! with the identity, so a batch is verifiable alone. All numbers are little-endian.
//!
//! # Writing
//! [`Wal::append`] adds a batch to a buffer, [`Wal::sync`] writes the buffer and calls `fdatasync`:
//! several appends share one sync. Before the first append of a process, [`Wal::begin_life`] says
//! which disk this is and how many processes have used it. Every write begins on a page of its own and fills it with zeros,
//! so no sector that holds acknowledged batches is ever written again. A full segment is synced
//! before the next one is created, and the next one begins with a batch that repeats hard state,
//! snapshot mark and life, so [`Wal::cut`] may remove whole old segments and loses none of them.
//!
//! # Recovery
//! `durable_to` says how far the log was known synced when a batch was written. At the first batch
//! that does not verify, recovery looks ahead: a later valid batch whose `durable_to` reaches the
//! bad one proves that the bad one had been durable, so the disk has damaged it, and the log
//! refuses. Otherwise it is the torn tail of a crash, and is cut off.
//! What was written after the last recorded `durable_to` is undecidable: damage there looks like a
//! torn tail. [`Wal::seal`] narrows that window when the log goes idle.
//!
//! What recovery read may sit in the page cache only: the process was killed before its
//! `fdatasync`, or that failed, which leaves the pages clean but not durable, so that a second one
//! reports success. The last segment is therefore replaced by a synced copy of its valid part
//! before anybody hears of it. (Not mended in place: a power loss in the middle could tear sectors
//! that hold acknowledged batches.)
//!
//! # Invariants
//! - A later segment exists only if the one before it is wholly durable.
//! - After an error of a write or a sync the log is poisoned: nobody knows what the disk holds.
//! - Recovery returns a prefix of what was appended, and at least what `sync` acknowledged, or it
//!   refuses.

mod error;
mod layout;
mod log;
mod record;
mod recover;
mod scan;
mod segment;
#[cfg(test)]
mod tests;

pub use error::{Damage, WalError};
pub use log::{Options, Wal};
pub use recover::Recovered;
pub use scan::Scan;

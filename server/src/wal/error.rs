//! The errors of the log: the place, the damage, and the remedy.

use std::io;

use crate::consensus::types::Index;
use crate::identity::Identity;

/// An error of the log; final for this run of the member.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// The disk failed.
    #[error(
        "log: cannot {action} {path}: {source}; the member stops, check the disk and its free space"
    )]
    Io {
        /// What was tried: `write`, `sync`, …
        action: &'static str,
        /// On which file or directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write or sync failed, so nobody knows what the disk holds.
    #[error("log: not usable after an earlier write or sync error; restart the member to recover")]
    Poisoned,
    /// Durable bytes are damaged: not a torn tail.
    #[error(
        "log: {path} is corrupt at byte {offset}: {damage}; \
         keep the files and restore this member's disk (replacing a member is not built yet)"
    )]
    Corrupt {
        /// The segment.
        path: String,
        /// Where in the segment.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// The directory belongs to somebody else.
    #[error(
        "log: {path} belongs to {found}, but this is {expected}; \
         check the data directory, the initial cluster and its token"
    )]
    WrongIdentity {
        /// The segment.
        path: String,
        /// Who wrote it.
        found: Identity,
        /// Who reads it.
        expected: Identity,
    },
    /// Written by another version of the format.
    #[error(
        "log: {path} has format version {found}, this server reads {expected}; \
         start the server that wrote it, or give this one an empty data directory in a new cluster \
         and copy the keys over"
    )]
    WrongVersion {
        /// The segment.
        path: String,
        /// Its version.
        found: u32,
        /// The version of this server.
        expected: u32,
    },
}

/// An error of the operating system at `path`.
pub(super) fn io_error(action: &'static str, path: &str, source: io::Error) -> WalError {
    WalError::Io { action, path: path.to_owned(), source }
}

/// What is wrong with durable bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The header of a segment does not verify.
    #[error("the segment header does not verify, yet what follows it had been synced")]
    SegmentHeader,
    /// The header of a segment verifies and carries another number than the file's name.
    #[error("the segment header says segment {found}")]
    SegmentNumber {
        /// The number in the header.
        found: u64,
    },
    /// A segment does not follow from the one before.
    #[error(
        "the segment does not continue the one before: it wants batch {wants}, \
         the log ends at {ends}"
    )]
    SegmentChain {
        /// The header's first batch.
        wants: u64,
        /// The last batch read before it.
        ends: u64,
    },
    /// A segment is absent between two others.
    #[error("the segment is missing")]
    SegmentMissing,
    /// A batch does not verify, and a later batch or segment proves that it was durable.
    #[error("batch {sequence} does not verify, and batch {witness} proves that it had been synced")]
    Batch {
        /// The batch that should be here.
        sequence: u64,
        /// A later batch that knew it to be durable.
        witness: u64,
    },
    /// A batch does not verify in a segment that another one follows.
    #[error(
        "batch {sequence} does not verify, and the next segment proves that it had been synced"
    )]
    BatchBeforeSegment {
        /// The batch that should be here.
        sequence: u64,
    },
    /// A batch verifies and its body does not decode.
    #[error("batch {sequence} verifies but does not decode")]
    Body {
        /// The batch.
        sequence: u64,
    },
    /// The entries do not join.
    #[error("entry {wants} is missing, the next one is {found}")]
    Gap {
        /// The index that should come next.
        wants: Index,
        /// The index that does.
        found: Index,
    },
    /// The commit index points beyond the log.
    #[error("commit index {commit} lies beyond the last entry {last}")]
    Commit {
        /// The hard state's commit index.
        commit: Index,
        /// The last index of the log.
        last: Index,
    },
}

//! Why the store cannot go on. Every one of these stops the member.

use crate::command::Rejected;
use crate::identity::Identity;

/// What went wrong with the store. None of these is an answer for a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A checksum does not match its bytes, or two parts of the file contradict each other.
    #[error(
        "the state file is corrupt: {0}; keep the files, and restore this member's disk or replace \
         the member"
    )]
    Corrupt(String),
    /// The file belongs to somebody else.
    #[error("the state file belongs to {found}, this is {expected}")]
    Identity {
        /// Who opens it.
        expected: Identity,
        /// Who wrote it.
        found: Identity,
    },
    /// A snapshot of another cluster.
    #[error("the snapshot belongs to cluster {found:x}, this member to cluster {expected:x}")]
    Cluster {
        /// The importing member's cluster.
        expected: u64,
        /// The snapshot's cluster.
        found: u64,
    },
    /// Written by a program with another format.
    #[error(
        "format version {found}, this program reads {expected}; start the program that wrote it, or \
         give this one an empty data directory in a new cluster and copy the keys over"
    )]
    Format {
        /// What this program reads.
        expected: u32,
        /// What was found.
        found: u32,
    },
    /// A snapshot with a part that this program does not know.
    #[error(
        "the snapshot has section {section} of version {version}, which this program does not read; \
         let all members run the program of the one that sends it"
    )]
    Section {
        /// The section's number.
        section: u8,
        /// Its version.
        version: u8,
    },
    /// An import was cut short; the file is of no use and may be removed.
    #[error("an import of a snapshot into the state file was not finished")]
    UnfinishedImport,
    /// A snapshot's chunks are damaged, missing or out of order.
    #[error("the snapshot is damaged: {0}")]
    Snapshot(String),
    /// Entries to apply do not follow on what is applied.
    #[error("entry {found} cannot be applied after entry {applied}")]
    Gap {
        /// The last applied index.
        applied: u64,
        /// The entry's index.
        found: u64,
    },
    /// A command that this program cannot read.
    #[error("entry {index} carries a command this program cannot read: {reason}")]
    Command {
        /// The entry's index.
        index: u64,
        /// What the decoder said.
        reason: String,
    },
    /// An earlier error left memory and file apart; the store must be opened again.
    #[error("the store failed before and must be opened again")]
    Failed,
    /// The disk, through redb.
    #[error(
        "the state file cannot be read or written: {0}; the member stops, check the disk and its \
         free space"
    )]
    Storage(#[from] redb::Error),
}

/// What a request to the store comes to: an answer, a refusal (an answer too, for it depends on the
/// log alone), or an error that stops the member.
pub type Applies<T> = Result<Result<T, Rejected>, StoreError>;

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                StoreError::from_redb(error.into())
            }
        })*
    };
}

from_redb!(
    StorageError,
    TableError,
    TransactionError,
    CommitError,
    DatabaseError,
    SetDurabilityError
);

impl StoreError {
    /// Whether starting again cannot help: what lies on the disk, or came from there, is not to be
    /// trusted.
    pub fn is_corruption(&self) -> bool {
        match self {
            StoreError::Failed
            | StoreError::Storage(_)
            | StoreError::Snapshot(_)
            | StoreError::Section { .. } => false,
            StoreError::Corrupt(_)
            | StoreError::Identity { .. }
            | StoreError::Cluster { .. }
            | StoreError::Format { .. }
            | StoreError::UnfinishedImport
            | StoreError::Gap { .. }
            | StoreError::Command { .. } => true,
        }
    }

    /// Whether the snapshot that came from another member is at fault, and nothing of this member.
    pub fn is_of_snapshot(&self) -> bool {
        matches!(
            self,
            StoreError::Snapshot(_)
                | StoreError::Section { .. }
                | StoreError::Cluster { .. }
                | StoreError::Format { .. }
        )
    }

    fn from_redb(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(reason) => StoreError::Corrupt(reason),
            other => StoreError::Storage(other),
        }
    }
}

//! Why a member stops by itself.

use crate::consensus::types::Broken;
use crate::identity::Life;
use crate::mvcc::StoreError;
use crate::wal::WalError;

/// Why a member stops by itself.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The configuration cannot be run.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The log cannot be trusted.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The state cannot be trusted.
    #[error("state: {0}")]
    Store(#[from] StoreError),
    /// The operating system refused something else.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Entries between state and log are gone: the state file is older than the log says it may be.
    #[error(
        "the state stands at index {applied}, but the log begins after {start}: the state file was \
         lost or replaced by an older one; put the right files back (replacing a member is not \
         built yet)"
    )]
    StateBehindLog {
        /// Where the state stands.
        applied: u64,
        /// After which the log begins.
        start: u64,
    },
    /// The log has lost entries from which the state grew, and with them what this member voted.
    #[error(
        "the log ends at index {last}, but the state has applied {applied}: the log was lost, cut \
         or replaced, and writes and votes with it; put the right files back (replacing a member is \
         not built yet)"
    )]
    LogBehindState {
        /// Where the state stands.
        applied: u64,
        /// Where the log ends.
        last: u64,
    },
    /// The log is new, and a peer knows this member: its disk was lost.
    #[error(
        "the data directory is empty, but member {peer:x} knows this member ({life}): what it had \
         promised is gone with its disk; put the right data directory back (replacing a member is \
         not built yet)"
    )]
    DiskLost {
        /// Who knows it.
        peer: u64,
        /// As what.
        life: Life,
    },
    /// The state remembers a later life of this member than its log.
    #[error(
        "the state knows this member's {state}, but the log says {log}: the log was replaced by an \
         older copy; put the right files back (replacing a member is not built yet)"
    )]
    LogOfAnotherLife {
        /// What the member published last.
        state: Life,
        /// What the log says.
        log: Life,
    },
    /// A peer takes this member's disk for another one.
    #[error("member {by:x} does not listen to this member: {why}")]
    Disowned {
        /// The peer.
        by: u64,
        /// What it said.
        why: String,
    },
    /// A task of the member is gone, by a panic: without it the member would vote and not answer.
    #[error("the {task} is gone: it panicked; the member stops, please report what stands above")]
    TaskLost {
        /// Which task.
        task: &'static str,
    },
    /// The member was asked to stop and could not.
    #[error(
        "not stopped within {0:?}: the disk does not answer, or a task hangs; what was acknowledged \
         is in the log"
    )]
    NotStopped(std::time::Duration),
    /// A promise of consensus was broken, by a disk or by a bug.
    #[error("consensus: {0}")]
    Broken(#[from] Broken),
}

impl Fatal {
    /// Wraps an error of the operating system.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Fatal {
        let what = what.into();
        move |source| Fatal::Io { what, source }
    }

    /// Whether starting again cannot help: what is on the disk is not to be trusted.
    pub fn is_corruption(&self) -> bool {
        match self {
            Fatal::Wal(error) => !matches!(error, WalError::Io { .. } | WalError::Poisoned),
            Fatal::Store(error) => error.is_corruption(),
            Fatal::Broken(_)
            | Fatal::StateBehindLog { .. }
            | Fatal::LogBehindState { .. }
            | Fatal::DiskLost { .. }
            | Fatal::LogOfAnotherLife { .. }
            | Fatal::Disowned { .. } => true,
            Fatal::Config(_) | Fatal::Io { .. } | Fatal::TaskLost { .. } | Fatal::NotStopped(_) => {
                false
            }
        }
    }
}

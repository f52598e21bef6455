//! Why a member stops by itself.

use crate::consensus::types::Broken;
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
            Fatal::Broken(_) | Fatal::StateBehindLog { .. } | Fatal::LogBehindState { .. } => true,
            Fatal::Config(_) | Fatal::Io { .. } => false,
        }
    }
}

//! The pure Raft core.

mod core;
mod election;
mod log;
mod message;
mod progress;
mod quorum;
mod random;
mod read_index;
mod ready;
mod replication;
mod snapshot;
mod stored;
pub mod types;

pub use self::core::{Core, ProposeError};
pub use self::types::*;

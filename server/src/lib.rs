//! The etcd-compatible server: the rooms of a member, and the seam to the world they run in.

pub mod api;
pub mod apply;
pub mod command;
pub mod config;
pub mod consensus;
pub mod flags;
pub mod identity;
pub mod limits;
pub mod mvcc;
pub mod node;
pub mod peer;
pub mod platform;
pub mod probe;
pub mod server;
pub mod transport;
pub mod wal;
pub mod watch;

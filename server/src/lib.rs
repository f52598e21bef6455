//! The etcd-compatible server: the rooms of a member, and the seam to the world they run in.

pub mod apply;
pub mod command;
pub mod consensus;
pub mod identity;
pub mod mvcc;
pub mod platform;
pub mod probe;
pub mod transport;
pub mod watch;
pub mod wal;

//! The etcd-compatible server: the rooms of a member, and the seam to the world they run in.

pub mod command;
pub mod identity;
pub mod platform;
pub mod probe;
pub mod transport;

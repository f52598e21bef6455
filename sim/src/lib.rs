//! The simulated world.

pub mod client;
pub mod clock;
#[cfg(madsim)]
pub mod cluster;
#[cfg(madsim)]
pub mod converge;
pub mod disk;
pub mod fault;
pub mod net;
pub mod observe;
pub mod planner;
#[cfg(madsim)]
pub mod platform;
pub mod stream;
pub mod trace;
pub mod traffic;
pub mod world;

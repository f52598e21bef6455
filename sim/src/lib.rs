//! The simulated world.

mod child;
pub mod cli;
pub mod client;
pub mod clock;
#[cfg(madsim)]
pub mod cluster;
mod console;
#[cfg(madsim)]
pub mod converge;
pub mod disk;
pub mod fault;
mod list;
pub mod net;
pub mod observe;
mod parent;
pub mod planner;
mod planted;
#[cfg(madsim)]
pub mod platform;
mod replay;
mod repro;
mod run;
mod same;
pub mod stream;
mod sweep;
pub mod trace;
pub mod traffic;
pub mod world;

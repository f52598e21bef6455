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
pub mod effects;
#[cfg(madsim)]
pub mod fault;
pub mod host;
mod list;
pub mod net;
pub mod observe;
pub mod outcome;
mod parent;
pub mod planner;
mod planted;
#[cfg(madsim)]
pub mod platform;
pub mod recorder;
mod replay;
mod repro;
mod run;
#[cfg(madsim)]
pub mod run_context;
mod same;
pub mod stream;
mod sweep;
pub mod target;
pub mod trace;
pub mod traffic;
#[cfg(madsim)]
pub mod world;

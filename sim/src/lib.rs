//! The simulated world.

mod args;
pub mod atlas;
mod child;
pub mod cli;
pub mod client;
pub mod clock;
#[cfg(madsim)]
pub mod cluster;
mod command;
mod console;
#[cfg(madsim)]
pub mod converge;
pub mod disk;
pub mod effects;
#[cfg(madsim)]
pub mod environment;
pub mod error;
#[cfg(madsim)]
pub mod fault;
pub mod host;
pub mod member;
pub mod net;
pub mod observe;
pub mod outcome;
mod parent;
pub mod planner;
pub mod recorder;
#[cfg(madsim)]
pub mod run;
#[cfg(madsim)]
pub mod run_context;
mod seen;
mod share;
pub mod stream;
pub mod target;
pub mod trace;
pub mod traffic;

//! The simulated world.

pub mod net;
pub mod planner;
pub mod stream;
pub mod trace;

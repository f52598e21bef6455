//! Scenarios: the TOML a person writes, its schema, and the plan drawn from it.
//!
//! A [`Scenario`] is what a person means; a [`Plan`] is what a run
//! does, with every choice made. The simulator's planner draws one from the other.

pub mod catalog;
pub mod fault;
pub mod number;
pub mod plan;
pub mod planted;
pub mod scenario;
pub mod settings;
pub mod swarm;
pub mod time;

mod error;
mod reader;

pub use error::{Complaint, LoadError, nearest};
pub use plan::Plan;
pub use scenario::{FIXED_SEEDS, Scenario, load, name_of, parse};

#[cfg(test)]
mod tests;

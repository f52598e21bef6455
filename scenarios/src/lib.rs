//! Scenarios: the TOML a person writes, its schema, and the plan drawn from it.

pub mod fault;
pub mod plan;

//! Scenarios and plans.

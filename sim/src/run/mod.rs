//! Runs one plan from its first member's start to convergence, and hands back plain values.
//!
//! A run has a process of its own, and the runtime a thread of its own: thread-local state left by
//! other code would change the order of events.
//!
//! 1. Members boot, clients and watchers begin, each fault waits for its time.
//! 2. When the plan's duration is over, clients stop and faults are undone.
//! 3. The converge phase asks whether the cluster is whole again (`converge`).
//! 4. Every member is ended, and the outcome leaves the thread.
//!
//! A panic in a member's code ends the run; the outcome then holds everything up to the panic.

mod choices;
mod clients;
mod deeds;
mod operate;
mod questions;
#[cfg(test)]
mod tests;
mod thread;
mod watchers;

pub use thread::{RunOptions, run};

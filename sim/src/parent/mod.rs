//! The parent's side of a run: one process for each seed, its times, and its answer.
//!
//! Nothing here is simulated: real processes, real threads, real clocks. Static counters, the order
//! of `select!` and hash seeds leak between two simulations in one process; so a process runs one
//! simulation.

mod answer;
mod interrupt;
mod pool;
mod process;

pub(crate) use answer::Answer;
pub(crate) use interrupt::Interrupt;
pub(crate) use pool::{cores, each};
pub(crate) use process::{Cost, RunEnd, RunJob, run};

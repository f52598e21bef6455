//! Runs one plan from its first member's start to convergence, and hands back plain values.

mod outcome;

pub use outcome::{
    Convergence, EventHash, Exit, FaultCount, FaultSpan, Leaders, Leadership, OperationCount,
    Outcome, Panic, RunOptions, Violation,
};

//! What can be done with a register.

/// An operation with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterOp {
    /// A read and what it saw.
    Read(Option<u64>),
    /// A write.
    Write(u64),
    /// A compare-and-set that succeeded (or may have).
    Cas(u64, u64),
    /// A compare-and-set that failed.
    FailedCas(u64),
}

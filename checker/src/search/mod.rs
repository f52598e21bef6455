//! A search for an order of operations, for any sequential model: Wing and Gong's algorithm with
//! Lowe's memory of what was tried.
//!
//! An operation may come next if no other one returned before it was called. The search takes such
//! operations one by one, does them on the model, and goes back when the answer is not the
//! recorded one. Four things keep it small:
//!
//! * **Memory.** A pair (set of operations done, state) that was reached before need not be
//!   continued again. The set's key is the exclusive or of a random 128-bit number for each
//!   operation, so that a step costs the same however long the history is. The memory is bounded;
//!   when it is full, old pairs are forgotten, which costs time and nothing else.
//! * **Pure operations.** An operation that, with its recorded answer, changes no state in which it
//!   is legal (a read; not a write of the value that happens to be there) is done at once when it
//!   is legal, without trying the others first: whatever order fits also fits with it moved here.
//! * **Equal operations.** Of operations that do the same ([`Model::effect`]) only the one that
//!   returns first is tried.
//! * **Looking ahead.** A model may know ([`Lookahead`]) that after a step some answer can never be
//!   given; then the step is not done. For a register that is nearly everything.
//!
//! A model may also know how to decide some histories without a search: a register does when no
//! value is written twice, however many processes there are.
//!
//! **Memory** is counted, never measured: [`Limits::memory_bytes`] bounds all that a search holds.
//! What it cannot do within that is [`Outcome::Unknown`], and [`Found::memory`] says so.
//!
//! Operations of unknown outcome have no return: they may be done any time, or never. Where whatever
//! was there is overwritten ([`Model::is_overwritten`]), one is tried only if something can come right
//! after it that could not come before.
//!
//! ```
//! use mettle_checker::search::{Call, Limits, Outcome, register::*, search};
//! let write = Call { op: RegisterOp::Write(1), call: 0, returned: Some(10) };
//! let read = Call { op: RegisterOp::Read(Some(1)), call: 5, returned: Some(20) };
//! let found = search(&Register::default(), &[write, read], &Limits::default());
//! assert_eq!(found.outcome, Outcome::Linearizable(vec![0, 1]));
//! ```

use std::fmt::Display;

pub mod append;
mod engine;
mod list;
mod memory;
pub mod register;
mod register_op;
pub mod shrink;
mod sources;
#[cfg(test)]
mod tests;
mod zones;

pub use engine::search;

/// A sequential thing that operations are done on.
pub trait Model {
    /// One operation with its recorded answer.
    type Op;
    /// What it is done on.
    type State: Clone;
    /// Why an answer cannot be the recorded one. A search sees many and tells few, so it should be
    /// cheap to make; it is put in words when it is told.
    type Mismatch: Display;

    /// Before anything was done.
    fn initial(&self) -> Self::State;

    /// Does an operation. Of a completed one the answer must be the recorded one, or the reason
    /// why it is not is returned.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Result<Self::State, Self::Mismatch>;

    /// A number for the state, different for states that answer differently.
    fn digest(&self, state: &Self::State) -> u128;

    /// What a state takes beside itself, in bytes; the search holds one for each operation done.
    fn heap_bytes(&self, state: &Self::State) -> usize {
        let _ = state;
        0
    }

    /// Whether the operation, with its recorded answer, changes no state in which it is legal.
    fn is_pure(&self, op: &Self::Op) -> bool {
        let _ = op;
        false
    }

    /// Where the operation probably belongs, if its answer says so: lower ones are tried first.
    fn order_hint(&self, op: &Self::Op) -> Option<u64> {
        let _ = op;
        None
    }

    /// Numbers for what an operation does: those of equal numbers have right answers in the same
    /// states, and do the same to each. One of them stands for all that may come next.
    fn effect(&self, op: &Self::Op) -> Option<[u64; 3]> {
        let _ = op;
        None
    }

    /// Whether no operation builds on a state that it does not demand: from any two states in which
    /// it is legal it leads to the same one, or it changes neither. So it is with a register, not
    /// with a string that is appended to.
    fn is_overwritten(&self) -> bool {
        false
    }

    /// What is known ahead of these operations, where the model can tell from a state that some
    /// operation will not be legal any more.
    fn lookahead(&self, calls: &[Call<Self::Op>]) -> Option<Box<dyn Lookahead<Self::State>>> {
        let _ = calls;
        None
    }

    /// What that knowledge takes in bytes at most, beyond 320 for each operation.
    fn lookahead_bytes(&self, calls: &[Call<Self::Op>]) -> usize {
        let _ = calls;
        0
    }

    /// Decides without a search, where the model knows how to.
    fn directly(&self, calls: &[Call<Self::Op>]) -> Option<Outcome> {
        let _ = calls;
        None
    }
}

/// Tells early that a search has gone astray. Operations are named by their places in the list of
/// calls. At first all of them are left.
pub trait Lookahead<State> {
    /// An operation is done, and not left any more.
    fn take(&mut self, op: usize);

    /// It was not done after all: the last one that was.
    fn give_back(&mut self, op: usize);

    /// An operation that cannot be done any more after `op`, which is still left, has led from one
    /// state to another: there is no legal order of what is left then. Its answer is not that of the
    /// state after.
    fn lost(&mut self, before: &State, after: &State, op: usize) -> Option<usize>;
}

/// An operation and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<Op> {
    /// What was done.
    pub op: Op,
    /// When it was called.
    pub call: u64,
    /// When it returned; None if its outcome is unknown.
    pub returned: Option<u64>,
}

/// What a search may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps on the model.
    pub steps: u64,
    /// Bytes for all that the search builds. What it remembers of what was tried takes at most 32
    /// MiB of them.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 50_000_000, memory_bytes: 1 << 30 }
    }
}

/// What a search found, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The answer.
    pub outcome: Outcome,
    /// Steps on the model.
    pub steps: u64,
    /// If the outcome is unknown because memory ran out before the steps did: what was needed at
    /// least.
    pub memory: Option<usize>,
}

/// Whether there is an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is: the places of the operations in it. Operations of unknown outcome that are not
    /// in it need not have happened.
    Linearizable(Vec<usize>),
    /// There is none.
    Illegal(Stuck),
    /// The limits were reached first.
    Unknown(Stuck),
}

/// The furthest that a search came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stuck {
    /// The longest order found.
    pub order: Vec<usize>,
    /// What could have come next, and why it could not.
    pub rejected: Vec<(usize, String)>,
    /// The operations that contradict each other, where those are known and the rest were not
    /// looked at: order and rejected are of them alone.
    pub among: Option<Vec<usize>>,
}

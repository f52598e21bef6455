//! What is searched: a sequential model, the calls on it, and what may come out.

use std::fmt::Display;

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

//! The vocabulary of a search: a sequential model, the calls on it, the limits and the outcome.

use std::fmt::Display;

/// A sequential object that operations are applied to.
pub trait Model {
    /// One operation with its recorded answer.
    type Op;
    /// The state that operations are applied to.
    type State: Clone;
    /// Why an answer is not the recorded one. A search meets many mismatches and reports few, so
    /// making one should be cheap; it is put into words only when it is reported.
    type Mismatch: Display;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Applies an operation. If the operation completed and the model's answer is not the recorded
    /// one, the result is the mismatch.
    fn step(&self, state: &Self::State, op: &Self::Op) -> Result<Self::State, Self::Mismatch>;

    /// A number for the state: states that answer differently have different numbers.
    fn digest(&self, state: &Self::State) -> u128;

    /// The heap bytes of a state; the search holds a state for each linearized operation.
    fn heap_bytes(&self, state: &Self::State) -> usize {
        let _ = state;
        0
    }

    /// Whether the operation is pure: with its recorded answer it changes no state in which it is
    /// legal.
    fn is_pure(&self, op: &Self::Op) -> bool {
        let _ = op;
        false
    }

    /// Where the operation probably belongs, if its answer says so: the search tries low hints
    /// first.
    fn order_hint(&self, op: &Self::Op) -> Option<u64> {
        let _ = op;
        None
    }

    /// A key for what an operation does. Operations with equal keys are legal in the same states
    /// and change a state in the same way, so one of them stands for all among the candidates.
    fn effect(&self, op: &Self::Op) -> Option<[u64; 3]> {
        let _ = op;
        None
    }

    /// Whether every operation either overwrites the whole state or leaves it alone: from any two
    /// states in which it is legal, an operation leads to one and the same state, or it changes
    /// neither. A register is overwritten, a string with appends is not.
    fn is_overwritten(&self) -> bool {
        false
    }

    /// Knowledge about all calls that tells from a state whether some operation can never be legal
    /// again.
    fn lookahead(&self, calls: &[Call<Self::Op>]) -> Option<Box<dyn Lookahead<Self::State>>> {
        let _ = calls;
        None
    }

    /// The most bytes that the lookahead takes, beyond 320 for each operation.
    fn lookahead_bytes(&self, calls: &[Call<Self::Op>]) -> usize {
        let _ = calls;
        0
    }

    /// Decides the history without a search, if the model can.
    fn directly(&self, calls: &[Call<Self::Op>]) -> Option<Outcome> {
        let _ = calls;
        None
    }
}

/// Tells early that a search has gone astray. Operations are named by their places in the list of
/// calls. At first no operation is linearized.
pub trait Lookahead<State> {
    /// Notes that an operation was linearized.
    fn linearize(&mut self, op: usize);

    /// Notes that the search took back the operation linearized last.
    fn take_back(&mut self, op: usize);

    /// An operation still to be linearized that can never become legal once `op` has led from
    /// `before` to `after`. No order of the remaining operations exists then. The answer of the
    /// returned operation is not the answer that `after` gives.
    fn impossible_after(&mut self, before: &State, after: &State, op: usize) -> Option<usize>;
}

/// An operation and its interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<Op> {
    /// The operation.
    pub op: Op,
    /// The time of its call.
    pub call: u64,
    /// The time of its return; None if the operation is indeterminate.
    pub returned: Option<u64>,
}

/// What a search may spend.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the model.
    pub steps: u64,
    /// Bytes for everything that the search builds. The cache takes at most 32 MiB of them.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 50_000_000, memory_bytes: 1 << 30 }
    }
}

/// The outcome of a search and its cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchResult {
    /// The outcome.
    pub outcome: Outcome,
    /// Steps of the model that were taken.
    pub steps: u64,
    /// The bytes needed at least, if the outcome is unknown because memory ran out before the steps
    /// did.
    pub memory: Option<usize>,
}

/// Whether the history is linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is: the places of the operations, in order. An indeterminate operation that is missing
    /// need not have taken effect.
    Linearizable(Vec<usize>),
    /// It is not.
    Illegal(Stuck),
    /// A limit was reached first.
    Unknown(Stuck),
}

/// The longest order that a search found before it failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stuck {
    /// The order.
    pub order: Vec<usize>,
    /// The candidates at its end, and why the model rejects each.
    pub rejected: Vec<(usize, String)>,
    /// The contradicting operations, if the model found them without a search. The order and
    /// the rejections are then about these operations alone.
    pub among: Option<Vec<usize>>,
}

//! The model of a register with reads, writes and compare-and-set.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::engine::by_search;
pub use super::register_op::RegisterOp;
use super::sources::Sources;
use super::zones;
use crate::model::{Call, Limits, Lookahead, Model, Outcome, Stuck};

/// The model; the register starts empty unless a value is given.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// The value before the first write.
    pub initial: Option<u64>,
}

/// Why an operation's answer does not fit the register's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterMismatch {
    /// A read saw a value that the register does not hold.
    Read {
        /// The value that was read.
        seen: Option<u64>,
        /// The value in the register.
        there: Option<u64>,
    },
    /// A compare-and-set succeeded against a value that the register does not hold.
    Cas {
        /// The value compared with.
        from: u64,
        /// The value in the register.
        there: Option<u64>,
    },
    /// A compare-and-set failed although the register holds the value compared with.
    FailedCas(u64),
}

impl Display for RegisterMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = |value: Option<u64>| {
            value.map_or_else(|| "nothing".to_owned(), |value| value.to_string())
        };
        match *self {
            RegisterMismatch::Read { seen, there } => {
                write!(f, "it read {}, while {} is there", is(seen), is(there))
            }
            RegisterMismatch::Cas { from, there } => {
                write!(f, "it compared with {from} and succeeded, while {} is there", is(there))
            }
            RegisterMismatch::FailedCas(from) => {
                write!(f, "it compared with {from} and failed, while {from} is there")
            }
        }
    }
}

impl Model for Register {
    type Op = RegisterOp;
    type State = Option<u64>;
    type Mismatch = RegisterMismatch;

    fn initial(&self) -> Option<u64> {
        self.initial
    }

    fn step(&self, state: &Option<u64>, op: &RegisterOp) -> Result<Option<u64>, RegisterMismatch> {
        let there = *state;
        match *op {
            RegisterOp::Read(seen) if seen == there => Ok(there),
            RegisterOp::Read(seen) => Err(RegisterMismatch::Read { seen, there }),
            RegisterOp::Write(value) => Ok(Some(value)),
            RegisterOp::Cas(from, to) if there == Some(from) => Ok(Some(to)),
            RegisterOp::Cas(from, _) => Err(RegisterMismatch::Cas { from, there }),
            RegisterOp::FailedCas(from) if there == Some(from) => {
                Err(RegisterMismatch::FailedCas(from))
            }
            RegisterOp::FailedCas(_) => Ok(there),
        }
    }

    fn digest(&self, state: &Option<u64>) -> u128 {
        state.map_or(0, |value| u128::from(value) + 1)
    }

    fn is_pure(&self, op: &RegisterOp) -> bool {
        match op {
            RegisterOp::Read(_) | RegisterOp::FailedCas(_) => true,
            RegisterOp::Cas(from, to) => from == to,
            RegisterOp::Write(_) => false,
        }
    }

    fn effect(&self, op: &RegisterOp) -> Option<[u64; 3]> {
        match op {
            RegisterOp::Write(value) => Some([0, 0, *value]),
            RegisterOp::Cas(from, to) => Some([1, *from, *to]),
            RegisterOp::Read(_) | RegisterOp::FailedCas(_) => None,
        }
    }

    fn is_overwritten(&self) -> bool {
        true
    }

    fn directly(&self, calls: &[Call<RegisterOp>]) -> Option<Outcome> {
        Some(match zones::order(self.initial, calls) {
            Some(Ok(order)) => Outcome::Linearizable(order),
            Some(Err(zones::Conflict(ops))) => Outcome::Illegal(self.explain(calls, ops)),
            None => {
                let missing = Sources::new(calls).missing(self.initial)?;
                Outcome::Illegal(self.explain(calls, BTreeSet::from([missing])))
            }
        })
    }

    fn lookahead(&self, calls: &[Call<RegisterOp>]) -> Option<Box<dyn Lookahead<Option<u64>>>> {
        Some(Box::new(Sources::new(calls)))
    }
}

impl Register {
    /// The empty register and, if there are few values, one register for each initial value.
    pub fn everywhere(calls: &[Call<RegisterOp>]) -> Vec<Register> {
        const FEW: usize = 16;
        let values = calls.iter().flat_map(|call| match call.op {
            RegisterOp::Read(value) => [value, None],
            RegisterOp::Write(value) | RegisterOp::FailedCas(value) => [Some(value), None],
            RegisterOp::Cas(from, to) => [Some(from), Some(to)],
        });
        let mut few: BTreeSet<Option<u64>> = BTreeSet::new();
        for value in values {
            few.insert(value);
            if few.len() > FEW {
                return vec![Register::default()];
            }
        }
        // The list is complete: a value that was not there at first was written.
        let all = few.into_iter().map(|initial| Register { initial });
        [Register::default()].into_iter().chain(all).collect()
    }

    /// How far an order of a few contradicting operations comes.
    fn explain(&self, calls: &[Call<RegisterOp>], ops: BTreeSet<usize>) -> Stuck {
        let ops: Vec<usize> = ops.into_iter().collect();
        let few: Vec<_> = ops.iter().map(|op| calls[*op].clone()).collect();
        let limits = Limits { steps: 10_000 + 4 * ops.len() as u64, ..Limits::default() };
        let stuck = match by_search(self, &few, &limits).outcome {
            Outcome::Illegal(stuck) | Outcome::Unknown(stuck) => stuck,
            Outcome::Linearizable(_) => Stuck::default(),
        };
        let mut rejected: Vec<_> =
            stuck.rejected.into_iter().map(|(place, why)| (ops[place], why)).collect();
        if rejected.is_empty() {
            rejected.extend(ops.last().map(|op| (*op, "no place is left for it".to_owned())));
        }
        let order = stuck.order.into_iter().map(|place| ops[place]).collect();
        Stuck { order, rejected, among: Some(ops) }
    }
}

//! Lookahead for a register whose values are written more than once: a value that is still to be
//! read needs a writer that is still to come.
//!
//! A step replaces the register's value. The step leads nowhere if a remaining operation needs the
//! old value (a read, or a compare-and-set that succeeded) and no remaining write of that value was
//! called before this operation returned. Among the operations that need a value only the one that
//! returns first must be checked: a write in time for it is in time for the rest. Other values need
//! no check: no write of theirs was used since the register last held them. [`Sources::missing`]
//! checks all values once, before the first step.
//!
//! If every value is written once, this lookahead alone keeps the search on its way: a write that
//! comes too early is noticed one step later. The number of compare-and-sets that may take a value
//! is not counted.

use std::collections::BTreeMap;

use super::register_op::RegisterOp;
use crate::model::{Call, Lookahead};

/// The number that stands for no value or no operation.
const NONE: u32 = u32::MAX;

/// Readers and writers by value.
pub(crate) struct Sources {
    /// For each value: the operations that need it, ordered by return, and the operations that
    /// write it, ordered by call.
    needs: Vec<Queue>,
    writes: Vec<Queue>,
    numbers: BTreeMap<Option<u64>, u32>,
    /// For each operation: the value it needs and the value it writes, each with the operation's
    /// place in the queue of that value.
    of_op: Vec<[(u32, u32); 2]>,
    left: Vec<bool>,
}

/// Operations ordered by a time.
#[derive(Default)]
struct Queue {
    ops: Vec<(u64, u32)>,
    /// Every operation before this place is linearized.
    next: u32,
}

impl Queue {
    /// The first operation still to be linearized, leaving out the operation `but`.
    fn first(&mut self, left: &[bool], but: u32) -> Option<(u64, u32)> {
        while self.ops.get(self.next as usize).is_some_and(|(_, op)| !left[*op as usize]) {
            self.next += 1;
        }
        let rest = self.ops.get(self.next as usize..).unwrap_or(&[]);
        rest.iter().copied().find(|(_, op)| *op != but && left[*op as usize])
    }
}

impl Sources {
    pub(crate) fn new(calls: &[Call<RegisterOp>]) -> Self {
        let mut sources = Sources {
            needs: Vec::new(),
            writes: Vec::new(),
            numbers: BTreeMap::new(),
            of_op: vec![[(NONE, 0); 2]; calls.len()],
            left: vec![true; calls.len()],
        };
        for (op, call) in calls.iter().enumerate() {
            let (needs, writes) = match call.op {
                RegisterOp::Read(value) => (Some(value), None),
                RegisterOp::Write(value) => (None, Some(value)),
                // A compare-and-set to the same value writes nothing.
                RegisterOp::Cas(from, to) => (Some(Some(from)), Some(to).filter(|to| *to != from)),
                RegisterOp::FailedCas(_) => (None, None),
            };
            // An indeterminate operation may not have happened, so it needs no value.
            if let (Some(value), Some(returned)) = (needs, call.returned) {
                let number = sources.number(value);
                sources.needs[number as usize].ops.push((returned, op as u32));
                sources.of_op[op][0].0 = number;
            }
            if let Some(value) = writes {
                let number = sources.number(Some(value));
                sources.writes[number as usize].ops.push((call.call, op as u32));
                sources.of_op[op][1].0 = number;
            }
        }
        for (side, queues) in [(0, &mut sources.needs), (1, &mut sources.writes)] {
            for queue in queues {
                queue.ops.sort_unstable();
                for (place, (_, op)) in queue.ops.iter().enumerate() {
                    sources.of_op[*op as usize][side].1 = place as u32;
                }
            }
        }
        sources
    }

    fn number(&mut self, value: Option<u64>) -> u32 {
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.needs.push(Queue::default());
            self.writes.push(Queue::default());
        }
        number
    }

    /// An operation that needs a value which the register does not start with and which no write
    /// can have stored in time.
    pub(crate) fn missing(&mut self, initial: Option<u64>) -> Option<usize> {
        let values: Vec<(Option<u64>, u32)> =
            self.numbers.iter().map(|(value, number)| (*value, *number)).collect();
        let mut all = values.into_iter().filter(|(value, _)| *value != initial);
        all.find_map(|(_, number)| self.lacks(number, NONE))
    }

    /// A remaining operation that needs a value without a remaining writer, leaving out the
    /// operation `but`.
    fn lacks(&mut self, number: u32, but: u32) -> Option<usize> {
        let (returned, op) = self.needs[number as usize].first(&self.left, but)?;
        let written = self.writes[number as usize].first(&self.left, but);
        written.is_none_or(|(called, _)| called > returned).then_some(op as usize)
    }
}

impl Lookahead<Option<u64>> for Sources {
    fn linearize(&mut self, op: usize) {
        self.left[op] = false;
    }

    fn take_back(&mut self, op: usize) {
        self.left[op] = true;
        for (queues, (number, place)) in
            [&mut self.needs, &mut self.writes].into_iter().zip(self.of_op[op])
        {
            if number != NONE {
                let queue = &mut queues[number as usize];
                queue.next = queue.next.min(place);
            }
        }
    }

    fn impossible_after(
        &mut self,
        before: &Option<u64>,
        after: &Option<u64>,
        op: usize,
    ) -> Option<usize> {
        if before == after {
            return None;
        }
        let number = self.numbers.get(before).copied()?;
        self.lacks(number, op as u32)
    }
}

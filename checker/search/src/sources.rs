//! Looks ahead for a register whose values are written again and again: what needs a value that is
//! left needs somebody to write it once more.
//!
//! A step that leaves a value leads nowhere if an operation that is left needs the value (a read, a
//! compare-and-set that succeeded), and nobody is left who could write it and was called before
//! that operation returned. Of those that need a value only the one that returns first has to be
//! asked for: whoever writes the value in time for it does so for all. Other values need not be
//! looked at: nobody has used up a write of theirs since they were last left, or they were there
//! since; and before the first step [`Sources::missing`] looks at all of them.
//!
//! Where every value is written once, that alone keeps the search on its way: a write that comes too
//! early is found out one step later. How often a compare-and-set may take a value is not counted.

use std::collections::BTreeMap;

use super::register_op::RegisterOp;
use crate::model::{Call, Lookahead};

/// No value, or no operation.
const NONE: u32 = u32::MAX;

/// Who needs and who writes each value.
pub(crate) struct Sources {
    /// By value: operations that need it, in the order of their returns, and that write it, in the
    /// order of their calls.
    needs: Vec<Queue>,
    writes: Vec<Queue>,
    numbers: BTreeMap<Option<u64>, u32>,
    /// By operation: which value it needs and its place there; which it writes and its place.
    of_op: Vec<[(u32, u32); 2]>,
    left: Vec<bool>,
}

/// Operations with their times.
#[derive(Default)]
struct Queue {
    ops: Vec<(u64, u32)>,
    /// All before it are done.
    next: u32,
}

impl Queue {
    /// The first that is left, other than one.
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
                // What leaves the value as it is helps nobody to it.
                RegisterOp::Cas(from, to) => (Some(Some(from)), Some(to).filter(|to| *to != from)),
                RegisterOp::FailedCas(_) => (None, None),
            };
            // What perhaps did not happen needs nothing.
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

    /// An operation that needs a value which is not there at first, and which nobody can have
    /// written in time.
    pub(crate) fn missing(&mut self, initial: Option<u64>) -> Option<usize> {
        let values: Vec<(Option<u64>, u32)> =
            self.numbers.iter().map(|(value, number)| (*value, *number)).collect();
        let mut all = values.into_iter().filter(|(value, _)| *value != initial);
        all.find_map(|(_, number)| self.lacks(number, NONE))
    }

    /// Who is left and needs a value that nobody is left to write, one operation aside.
    fn lacks(&mut self, number: u32, but: u32) -> Option<usize> {
        let (returned, op) = self.needs[number as usize].first(&self.left, but)?;
        let written = self.writes[number as usize].first(&self.left, but);
        written.is_none_or(|(called, _)| called > returned).then_some(op as usize)
    }
}

impl Lookahead<Option<u64>> for Sources {
    fn take(&mut self, op: usize) {
        self.left[op] = false;
    }

    fn give_back(&mut self, op: usize) {
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

    fn lost(&mut self, before: &Option<u64>, after: &Option<u64>, op: usize) -> Option<usize> {
        if before == after {
            return None;
        }
        let number = self.numbers.get(before).copied()?;
        self.lacks(number, op as u32)
    }
}

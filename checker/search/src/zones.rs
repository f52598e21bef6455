//! Decides histories of a register without a search if every value is written at most once.
//!
//! (After Gibbons and Korach, "Testing shared memories"; here with compare-and-set.)
//!
//! A value that is written once is in the register during one stretch of any order: from its write
//! to the next one. So an order is a sequence of **blocks**. A block starts with a write and the
//! reads of its value. If a compare-and-set took that value, the block goes on with this
//! compare-and-set and the reads of the value it stored, and so on. No other operation fits inside
//! a block, and inside a block only reads of the same value may change places (sorting them by call
//! works if any order does). The initial value has a block of its own, which precedes all others.
//!
//! Block A must come before block B if an operation of A returned before an operation of B was
//! called, that is, if `first_end(A) < last_begin(B)`. An order of blocks that respects this rule,
//! with each block in agreement with real time, is a linearization, and every linearization has
//! this form: two operations lie in one block or in two, and real time asks nothing else of them.
//!
//! * A block X can come first if `last_begin(X) <= first_end(B)` for every other block B. Let P
//!   have the least `first_end`, and A the least `last_begin`. If any X other than P can come
//!   first, A can. Case A is not P: `last_begin(A) <= last_begin(X) <= first_end(P)`. Case A is P:
//!   `last_begin(P) <= last_begin(X) <= first_end(P) <= first_end(B)`. So only A and P need be
//!   tried.
//! * If neither A nor P can come first, let Q have the second least `first_end`. P and Q contradict
//!   each other. `first_end(Q) < last_begin(P)`, or P could come first. `first_end(P) <
//!   last_begin(Q)`: if A is not P, `last_begin(Q) >= last_begin(A) > first_end(P)`; if A is P,
//!   `last_begin(Q) >= last_begin(P) > first_end(P)`.
//!
//! **Indeterminate operations.** An indeterminate write or compare-and-set happened if its value
//! was read, or was taken by a compare-and-set that happened; it has no end then. All other
//! indeterminate operations are left out. An order that contains them stays valid without them:
//! between a read and the write of its value there is no other write.
//!
//! **Failed compare-and-sets** do not belong to blocks. They are left out at first: a history that
//! is illegal without them is illegal with them. Then each is inserted into the order at a place
//! where the register holds another value. If there is no such place, another order might have one,
//! and the search decides. The order is checked once more before it is returned.

use std::collections::{BTreeMap, BTreeSet};

use super::register_op::RegisterOp;
use crate::model::Call;

/// A set of operations that has no order by itself.
pub(crate) struct Conflict(pub(crate) BTreeSet<usize>);

type Calls = [Call<RegisterOp>];
type Value = Option<u64>;

/// An order or a conflict; None if a value is written twice or a failed compare-and-set finds no
/// place.
pub(crate) fn order(initial: Value, calls: &Calls) -> Option<Result<Vec<usize>, Conflict>> {
    let mut clusters = clusters(initial, calls)?;
    let blocks = match clusters.observe(calls).and_then(|()| clusters.blocks(calls)) {
        Ok(blocks) => blocks,
        Err(conflict) => return Some(Err(conflict)),
    };
    match sort(&blocks) {
        Err((one, other)) => {
            let mut ops = BTreeSet::new();
            for block in [&blocks[one], &blocks[other]] {
                for op in [block.first_end.1, block.last_begin.1].into_iter().flatten() {
                    clusters.with_cause(calls, op, &mut ops);
                }
            }
            Some(Err(Conflict(ops)))
        }
        Ok(sorted) => {
            let ops = sorted.into_iter().flat_map(|block| blocks[block].ops.iter().copied());
            let ops = with_failed(initial, calls, &ops.collect::<Vec<_>>())?;
            fits(calls, &ops).then_some(Ok(ops))
        }
    }
}

/// A value, its writer and its readers.
#[derive(Default)]
struct Cluster {
    /// None for the initial value.
    writer: Option<usize>,
    reads: Vec<usize>,
    /// The compare-and-set that replaced the value.
    taken: Option<usize>,
    happened: bool,
}

struct Clusters {
    initial: Value,
    by_value: BTreeMap<Value, Cluster>,
}

/// The writer of each value; None if a value is written twice.
fn clusters(initial: Value, calls: &Calls) -> Option<Clusters> {
    let first = Cluster { happened: true, ..Cluster::default() };
    let mut by_value = BTreeMap::from([(initial, first)]);
    for (place, call) in calls.iter().enumerate() {
        let Some(value) = written(&call.op) else { continue };
        let cluster = Cluster { writer: Some(place), ..Cluster::default() };
        if by_value.insert(Some(value), cluster).is_some() {
            return None;
        }
    }
    Some(Clusters { initial, by_value })
}

fn written(op: &RegisterOp) -> Option<u64> {
    match op {
        RegisterOp::Write(value) => Some(*value),
        RegisterOp::Cas(from, to) if from != to => Some(*to),
        _ => None,
    }
}

/// The value that an operation needs in the register.
fn seen(op: &RegisterOp) -> Option<Value> {
    match op {
        RegisterOp::Read(value) => Some(*value),
        RegisterOp::Cas(from, _) => Some(Some(*from)),
        RegisterOp::Write(_) | RegisterOp::FailedCas(_) => None,
    }
}

fn begin(calls: &Calls, op: usize) -> i128 {
    i128::from(calls[op].call)
}

fn end(calls: &Calls, op: usize) -> i128 {
    calls[op].returned.map_or(i128::MAX, |returned| i128::from(returned.max(calls[op].call)))
}

impl Clusters {
    /// Enters all completed operations: their reads, and the values that they prove.
    fn observe(&mut self, calls: &Calls) -> Result<(), Conflict> {
        for (place, call) in calls.iter().enumerate() {
            if call.returned.is_none() {
                continue;
            }
            if let Some(value) = written(&call.op) {
                self.happened(calls, Some(value), place)?;
            } else if let Some(value) = seen(&call.op) {
                self.happened(calls, value, place)?;
                self.by_value.entry(value).or_default().reads.push(place);
            }
        }
        Ok(())
    }

    /// Marks a value that the operation `why` proves, and the values that it was made from.
    fn happened(&mut self, calls: &Calls, value: Value, why: usize) -> Result<(), Conflict> {
        let (mut value, mut why) = (value, why);
        loop {
            let Some(cluster) = self.by_value.get_mut(&value) else {
                return Err(Conflict(BTreeSet::from([why])));
            };
            if cluster.happened {
                return Ok(());
            }
            cluster.happened = true;
            let Some(writer) = cluster.writer else { return Ok(()) };
            let Some(from) = seen(&calls[writer].op) else { return Ok(()) };
            let Some(source) = self.by_value.get_mut(&from) else {
                return Err(Conflict(BTreeSet::from([writer, why])));
            };
            if let Some(other) = source.taken.replace(writer) {
                let mut ops = BTreeSet::from([why]);
                for op in [other, writer] {
                    self.with_cause(calls, op, &mut ops);
                    let value = written(&calls[op].op);
                    ops.extend(self.by_value[&value].reads.first());
                }
                return Err(Conflict(ops));
            }
            (value, why) = (from, writer);
        }
    }

    /// Adds an operation, all operations that its value was made from, and the operations that
    /// prove that it happened.
    fn with_cause(&self, calls: &Calls, op: usize, ops: &mut BTreeSet<usize>) {
        let mut next = Some(op);
        while let Some(op) = next.filter(|op| ops.insert(*op)) {
            let cluster = seen(&calls[op].op).and_then(|value| self.by_value.get(&value));
            next = cluster.and_then(|cluster| cluster.writer);
        }
        let mut proved = op;
        while calls[proved].returned.is_none() {
            let Some(cluster) = self.by_value.get(&written(&calls[proved].op)) else { break };
            let Some(proof) = cluster.reads.first().copied().or(cluster.taken) else { break };
            if !ops.insert(proof) {
                break;
            }
            proved = proof;
        }
    }

    fn blocks(&self, calls: &Calls) -> Result<Vec<Block>, Conflict> {
        let mut blocks = Vec::new();
        let mut entered = 0;
        for (value, cluster) in &self.by_value {
            let heads = cluster.writer.is_none_or(|writer| seen(&calls[writer].op).is_none());
            if cluster.happened && heads {
                blocks.push(self.block(calls, *value, &mut entered)?);
            }
        }
        if entered < self.by_value.values().filter(|cluster| cluster.happened).count() {
            // A ring of compare-and-sets has no beginning: every value comes from the ring.
            let mut in_block = vec![false; calls.len()];
            for op in blocks.iter().flat_map(|block| &block.ops) {
                in_block[*op] = true;
            }
            let happened = self.by_value.values().filter(|cluster| cluster.happened);
            let ring = happened.filter_map(|cluster| cluster.writer).find(|op| !in_block[*op]);
            let mut ops = BTreeSet::new();
            if let Some(op) = ring {
                self.with_cause(calls, op, &mut ops);
            }
            let seen = ops.iter().filter_map(|op| {
                self.by_value.get(&written(&calls[*op].op)).and_then(|own| own.reads.first())
            });
            let seen: Vec<_> = seen.copied().collect();
            ops.extend(seen);
            return Err(Conflict(ops));
        }
        Ok(blocks)
    }

    fn block(&self, calls: &Calls, head: Value, entered: &mut usize) -> Result<Block, Conflict> {
        let mut block = Block {
            ops: Vec::new(),
            first_end: (if head == self.initial { -1 } else { i128::MAX }, None),
            last_begin: (-1, None),
        };
        let mut next = Some(head);
        while let Some(cluster) = next.and_then(|value| self.by_value.get(&value)) {
            *entered += 1;
            let mut reads = cluster.reads.clone();
            reads.sort_unstable_by_key(|op| calls[*op].call);
            for op in cluster.writer.into_iter().chain(reads) {
                if end(calls, op) < block.last_begin.0 {
                    let mut ops = BTreeSet::new();
                    for op in block.last_begin.1.into_iter().chain([op]) {
                        self.with_cause(calls, op, &mut ops);
                    }
                    return Err(Conflict(ops));
                }
                block.ops.push(op);
                if end(calls, op) < block.first_end.0 {
                    block.first_end = (end(calls, op), Some(op));
                }
                if begin(calls, op) > block.last_begin.0 {
                    block.last_begin = (begin(calls, op), Some(op));
                }
            }
            next = cluster.taken.map(|op| written(&calls[op].op));
        }
        Ok(block)
    }
}

/// Operations that must follow each other directly.
struct Block {
    ops: Vec<usize>,
    /// The first return, and the operation it belongs to.
    first_end: (i128, Option<usize>),
    /// The last call, and the operation it belongs to.
    last_begin: (i128, Option<usize>),
}

/// Places of blocks ordered by a key; blocks that are taken are skipped.
struct Queue {
    sorted: Vec<usize>,
    at: usize,
}

impl Queue {
    fn new(blocks: &[Block], key: impl Fn(&Block) -> i128) -> Self {
        let mut sorted: Vec<usize> = (0..blocks.len()).collect();
        sorted.sort_by_key(|place| key(&blocks[*place]));
        Queue { sorted, at: 0 }
    }

    fn first(&mut self, taken: &[bool]) -> Option<usize> {
        while self.at < self.sorted.len() && taken[self.sorted[self.at]] {
            self.at += 1;
        }
        self.sorted.get(self.at).copied()
    }

    /// The second block not taken. The blocks skipped here are skipped only once more if the first
    /// block is taken next.
    fn second(&self, taken: &[bool]) -> Option<usize> {
        self.sorted.iter().skip(self.at + 1).copied().find(|place| !taken[*place])
    }
}

/// An order of the blocks, or two blocks that must each come before the other.
fn sort(blocks: &[Block]) -> Result<Vec<usize>, (usize, usize)> {
    let mut by_end = Queue::new(blocks, |block| block.first_end.0);
    let mut by_begin = Queue::new(blocks, |block| block.last_begin.0);
    let mut taken = vec![false; blocks.len()];
    let mut sorted = Vec::with_capacity(blocks.len());
    while let (Some(least), Some(early)) = (by_end.first(&taken), by_begin.first(&taken)) {
        let fits_before =
            |block: usize, other: usize| blocks[block].last_begin.0 <= blocks[other].first_end.0;
        let next = if early != least && fits_before(early, least) {
            early
        } else {
            if let Some(second) = by_end.second(&taken)
                && !fits_before(least, second)
            {
                return Err((least, second));
            }
            least
        };
        taken[next] = true;
        sorted.push(next);
    }
    Ok(sorted)
}

/// Inserts failed compare-and-sets into an order, each at the earliest place that real time allows
/// and where the register does not hold the value compared with; None if one has no such place.
fn with_failed(initial: Value, calls: &Calls, order: &[usize]) -> Option<Vec<usize>> {
    let mut failed: Vec<usize> = (0..calls.len())
        .filter(|op| matches!(calls[*op].op, RegisterOp::FailedCas(_)))
        .filter(|op| calls[*op].returned.is_some())
        .collect();
    failed.sort_unstable_by_key(|op| std::cmp::Reverse(calls[*op].call));
    // For each place of the order: the first return among the operations from that place on.
    let mut ends = vec![i128::MAX; order.len() + 1];
    for (place, op) in order.iter().enumerate().rev() {
        ends[place] = end(calls, *op).min(ends[place + 1]);
    }
    let mut all = Vec::with_capacity(order.len() + failed.len());
    let mut state = initial;
    // Failed compare-and-sets with the value that the register holds at this place.
    let mut waiting: Vec<usize> = Vec::new();
    for (place, first_end) in ends.into_iter().enumerate() {
        while let Some(op) = failed.pop_if(|op| begin(calls, *op) <= first_end) {
            match calls[op].op {
                RegisterOp::FailedCas(from) if Some(from) == state => waiting.push(op),
                _ => all.push(op),
            }
        }
        let Some(op) = order.get(place) else { break };
        all.push(*op);
        if let Some(value) = written(&calls[*op].op) {
            state = Some(value);
            all.append(&mut waiting);
        }
    }
    waiting.is_empty().then_some(all)
}

/// Whether an order respects real time.
fn fits(calls: &Calls, order: &[usize]) -> bool {
    let mut latest = -1;
    order.iter().all(|op| {
        latest = begin(calls, *op).max(latest);
        end(calls, *op) >= latest
    })
}

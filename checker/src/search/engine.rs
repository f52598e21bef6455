//! The search itself: a list of calls and returns from which operations are taken out and put back.

use super::memory::{Memory, combine, scatter};
use super::{Call, Found, Limits, Model, Outcome, Stuck};

/// Searches an order of the operations that real time allows and the model explains.
pub fn search<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits) -> Found {
    let mut first = Search::new(model, calls, limits, 0);
    let outcome = first.run();
    let steps = first.steps;
    let Outcome::Illegal(_) = outcome else { return Found { outcome, steps } };
    if !first.pruned {
        return Found { outcome, steps };
    }
    // Keys of 128 bits may collide, at odds that never happen; a verdict of "illegal" is worth a
    // second look with other keys.
    let mut second = Search::new(model, calls, limits, 0x6a09_e667_f3bc_c908);
    let again = second.run();
    let outcome = if matches!(again, Outcome::Unknown(_)) { outcome } else { again };
    Found { outcome, steps: steps + second.steps }
}

const END: usize = usize::MAX;

/// An entry of the list: the call or the return of an operation.
#[derive(Clone, Copy)]
struct Entry {
    op: usize,
    /// For a call: its return's entry, END if it has none. For a return: END.
    back: usize,
    is_call: bool,
    before: usize,
    after: usize,
}

struct Done<S> {
    entry: usize,
    state: S,
    /// A pure operation, done without alternatives.
    forced: bool,
}

struct Search<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    limits: Limits,
    seed: u64,
    /// The first one is a sentinel.
    list: Vec<Entry>,
    memory: Memory,
    pruned: bool,
    steps: u64,
    stuck: Stuck,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, calls: &'a [Call<M::Op>], limits: &Limits, seed: u64) -> Self {
        Search {
            model,
            calls,
            limits: *limits,
            seed,
            list: list(model, calls),
            memory: Memory::new(limits.memory_bytes),
            pruned: false,
            steps: 0,
            stuck: Stuck::default(),
        }
    }

    fn run(&mut self) -> Outcome {
        let mut state = self.model.initial();
        let mut set = 0u128;
        let mut left = self.calls.iter().filter(|call| call.returned.is_some()).count();
        let mut done: Vec<Done<M::State>> = Vec::new();
        let mut at = self.list[0].after;
        let mut fresh = true;
        loop {
            if left == 0 {
                let order = done.iter().map(|done| self.list[done.entry].op).collect();
                return Outcome::Linearizable(order);
            }
            if self.steps > self.limits.steps {
                return Outcome::Unknown(std::mem::take(&mut self.stuck));
            }
            if fresh {
                fresh = false;
                if let Some((entry, next)) = self.pure(&state) {
                    set ^= scatter(self.list[entry].op as u64, self.seed);
                    left -= 1;
                    done.push(Done {
                        entry,
                        state: std::mem::replace(&mut state, next),
                        forced: true,
                    });
                    self.lift(entry);
                    at = self.list[0].after;
                    fresh = true;
                    continue;
                }
            }
            if at != END && self.list[at].is_call {
                let op = self.list[at].op;
                let ended = self.calls[op].returned.is_some();
                if let Some(next) = self.step(&state, op) {
                    let digest = self.model.digest(&next);
                    let useless = !ended && digest == self.model.digest(&state);
                    let larger = set ^ scatter(op as u64, self.seed);
                    if !useless && self.memory.insert(combine(larger, digest)) {
                        set = larger;
                        left -= usize::from(ended);
                        let state = std::mem::replace(&mut state, next);
                        done.push(Done { entry: at, state, forced: false });
                        self.lift(at);
                        at = self.list[0].after;
                        fresh = true;
                        continue;
                    }
                    self.pruned |= !useless;
                }
                at = self.list[at].after;
                continue;
            }
            self.note(&state, &done);
            at = loop {
                let Some(last) = done.pop() else {
                    return Outcome::Illegal(std::mem::take(&mut self.stuck));
                };
                let op = self.list[last.entry].op;
                set ^= scatter(op as u64, self.seed);
                left += usize::from(self.calls[op].returned.is_some());
                state = last.state;
                self.unlift(last.entry);
                if !last.forced {
                    break self.list[last.entry].after;
                }
            };
        }
    }

    fn step(&mut self, state: &M::State, op: usize) -> Option<M::State> {
        self.steps += 1;
        self.model.step(state, &self.calls[op].op).ok()
    }

    /// A completed pure operation that may come next and is legal now.
    fn pure(&mut self, state: &M::State) -> Option<(usize, M::State)> {
        let mut at = self.list[0].after;
        while at != END && self.list[at].is_call {
            let op = self.list[at].op;
            let call = &self.calls[op];
            if call.returned.is_some()
                && self.model.is_pure(&call.op)
                && let Some(next) = self.step(state, op)
            {
                return Some((at, next));
            }
            at = self.list[at].after;
        }
        None
    }

    /// Keeps the furthest failure.
    fn note(&mut self, state: &M::State, done: &[Done<M::State>]) {
        if done.len() < self.stuck.order.len()
            || done.len() == self.stuck.order.len() && !done.is_empty()
        {
            return;
        }
        self.stuck.order = done.iter().map(|done| self.list[done.entry].op).collect();
        self.stuck.rejected.clear();
        let mut at = self.list[0].after;
        while at != END && self.list[at].is_call {
            let op = self.list[at].op;
            if let Err(reason) = self.model.step(state, &self.calls[op].op) {
                self.stuck.rejected.push((op, reason));
            }
            at = self.list[at].after;
        }
    }

    /// Takes a call and its return out of the list.
    fn lift(&mut self, entry: usize) {
        self.unlink(entry);
        if self.list[entry].back != END {
            self.unlink(self.list[entry].back);
        }
    }

    fn unlift(&mut self, entry: usize) {
        if self.list[entry].back != END {
            self.relink(self.list[entry].back);
        }
        self.relink(entry);
    }

    fn unlink(&mut self, entry: usize) {
        let Entry { before, after, .. } = self.list[entry];
        self.list[before].after = after;
        if after != END {
            self.list[after].before = before;
        }
    }

    fn relink(&mut self, entry: usize) {
        let Entry { before, after, .. } = self.list[entry];
        self.list[before].after = entry;
        if after != END {
            self.list[after].before = entry;
        }
    }
}

/// Calls and returns by time; at equal times calls come first, since such operations overlap.
fn list<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Vec<Entry> {
    let mut events: Vec<(u64, bool, u64, usize)> = Vec::with_capacity(calls.len() * 2);
    for (op, call) in calls.iter().enumerate() {
        let hint = model.order_hint(&call.op).unwrap_or(0);
        events.push((call.call, false, hint, op));
        events.extend(call.returned.map(|returned| (returned.max(call.call), true, 0, op)));
    }
    events.sort_unstable();
    let mut list = vec![Entry { op: END, back: END, is_call: false, before: END, after: END }];
    let mut call_entry = vec![0; calls.len()];
    for (_, is_return, _, op) in events {
        let own = list.len();
        if is_return {
            let call: usize = call_entry[op];
            list[call].back = own;
        } else {
            call_entry[op] = own;
        }
        list[own - 1].after = own;
        list.push(Entry { op, back: END, is_call: !is_return, before: own - 1, after: END });
    }
    list
}

//! The search itself: it lifts operations out of the list of calls and returns, and puts them back.

use super::cache::{Cache, combine, scatter};
use super::list::{self, END, List};
use crate::model::{Call, Limits, Lookahead, Model, Outcome, SearchResult, Stuck};

/// Decides whether a history is linearizable: directly if the model can, else by search.
pub fn search<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits) -> SearchResult {
    let needed = base_bytes(model, calls);
    if needed > limits.memory_bytes {
        let outcome = Outcome::Unknown(Stuck::default());
        return SearchResult { outcome, steps: 0, memory: Some(needed) };
    }
    match model.directly(calls) {
        Some(outcome) => SearchResult { outcome, steps: calls.len() as u64, memory: None },
        None => by_search(model, calls, limits),
    }
}

/// The most bytes per operation that the model may take to decide directly or to look ahead.
const OF_MODEL: usize = 320;
/// Bytes that a search takes for any history.
const FIXED: usize = 64 << 10;
/// The most bytes of the cache.
const CACHE_MAX: usize = 32 << 20;

/// The bytes without which a search does not begin.
fn base_bytes<M: Model>(model: &M, calls: &[Call<M::Op>]) -> usize {
    // A vector may be half empty.
    let deepest = 2 * (size_of::<Linearized<M::State>>() + size_of::<usize>());
    let each = list::BYTES + deepest + OF_MODEL;
    calls.len() * each + model.lookahead_bytes(calls) + FIXED
}

/// Runs searches with two orders of candidates in turn, with growing budgets. The order in which
/// candidates are tried decides between milliseconds and hours, and neither order is best for every
/// history.
pub(crate) fn by_search<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    limits: &Limits,
) -> SearchResult {
    const FIRST_BUDGET: u64 = 100_000;
    let mut spent = 0;
    let mut budget = FIRST_BUDGET.min(limits.steps);
    let mut furthest = Stuck::default();
    let mut memory = None;
    let mut open = vec![Prefer::Return, Prefer::Call];
    loop {
        let mut decided = None;
        open.retain(|prefer| {
            let left = limits.steps.saturating_sub(spent);
            if decided.is_some() || left == 0 {
                return true;
            }
            let limits = Limits { steps: budget.min(left), ..*limits };
            let found = decide(model, calls, &limits, *prefer);
            spent += found.steps;
            match found.outcome {
                Outcome::Unknown(stuck) => {
                    if stuck.order.len() >= furthest.order.len() {
                        furthest = stuck;
                    }
                }
                outcome => decided = Some(outcome),
            }
            // More steps do not help a search that ran out of memory.
            memory = memory.max(found.memory);
            found.memory.is_none()
        });
        if let Some(outcome) = decided {
            return SearchResult { outcome, steps: spent, memory: None };
        }
        if open.is_empty() || spent >= limits.steps {
            let memory = memory.filter(|_| open.is_empty());
            return SearchResult { outcome: Outcome::Unknown(furthest), steps: spent, memory };
        }
        budget = budget.saturating_mul(8);
    }
}

/// The candidate that is tried first: the one that returns first, or the one called first.
#[derive(Clone, Copy)]
enum Prefer {
    Return,
    Call,
}

/// The variation of one search among several on the same history.
struct Attempt {
    prefer: Prefer,
    /// The seed of the keys of sets of operations.
    seed: u64,
}

fn decide<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    limits: &Limits,
    prefer: Prefer,
) -> SearchResult {
    let one = |seed, limits: &Limits| {
        let mut search = Search::new(model, calls, limits, Attempt { prefer, seed });
        let outcome = search.run();
        let memory = search
            .out_of_memory
            .then(|| search.base_bytes + search.cache_bytes + search.path_bytes);
        (SearchResult { outcome, steps: search.steps, memory }, search.pruned)
    };
    let (first, pruned) = one(0, limits);
    if !pruned || !matches!(first.outcome, Outcome::Illegal(_)) {
        return first;
    }
    // Two sets with the same 128-bit key would prune wrongly, at odds that never occur. A verdict
    // of "illegal" is worth a second search with other keys.
    let (second, _) = one(0x6a09_e667_f3bc_c908, limits);
    let steps = first.steps + second.steps;
    match second.outcome {
        Outcome::Unknown(_) => SearchResult { steps, ..first },
        _ => SearchResult { steps, ..second },
    }
}

struct Linearized<S> {
    entry: u32,
    /// The state before the operation.
    state: S,
    /// The candidates not tried yet; empty for a pure operation.
    rest: Vec<u32>,
}

struct Search<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    limits: Limits,
    prefer: Prefer,
    seed: u64,
    list: List,
    /// Whether each operation is out of the list.
    lifted: Vec<bool>,
    equal: Vec<Equal>,
    /// For each class of equal operations: the last round of collecting candidates that met one of
    /// them, and its place among the candidates.
    met: Vec<(u64, u32)>,
    round: u64,
    cache: Cache,
    pruned: bool,
    steps: u64,
    path: Vec<Linearized<M::State>>,
    furthest: Furthest<M::State>,
    lookahead: Option<Box<dyn Lookahead<M::State>>>,
    /// Bytes for any search of these operations, for the cache, and for the states on the present
    /// path.
    base_bytes: usize,
    cache_bytes: usize,
    path_bytes: usize,
    /// Whether the search would need more memory than is allowed.
    out_of_memory: bool,
}

/// The longest order that failed. It is put into words only at the end of the search.
struct Furthest<S> {
    order: Vec<usize>,
    /// The length of the prefix that this order shares with the present path.
    shared: usize,
    state: Option<S>,
    /// The candidates at the end of the order; with each, the operation that the lookahead finds
    /// impossible after it.
    next: Vec<(usize, Option<usize>)>,
}

/// Reasons for more candidates than this are not reported.
const MOST_REJECTED: usize = 1_000;

impl<'a, M: Model> Search<'a, M> {
    fn new(
        model: &'a M,
        calls: &'a [Call<M::Op>],
        limits: &Limits,
        Attempt { prefer, seed }: Attempt,
    ) -> Self {
        let base_bytes = base_bytes(model, calls);
        let spare = limits.memory_bytes.saturating_sub(base_bytes);
        let cache = Cache::new((spare / 2).min(CACHE_MAX));
        let (equal, classes) = equal(model, calls);
        Search {
            model,
            calls,
            limits: *limits,
            prefer,
            seed,
            list: List::new(calls),
            lifted: vec![false; calls.len()],
            equal,
            met: vec![(0, 0); classes],
            round: 0,
            // The smallest table is already part of `base_bytes`.
            cache_bytes: cache.most_bytes().saturating_sub(FIXED / 2),
            cache,
            pruned: false,
            steps: 0,
            path: Vec::new(),
            furthest: Furthest { order: Vec::new(), shared: 0, state: None, next: Vec::new() },
            lookahead: model.lookahead(calls),
            base_bytes,
            path_bytes: 0,
            out_of_memory: false,
        }
    }

    fn run(&mut self) -> Outcome {
        let mut state = self.model.initial();
        let mut set = 0u128;
        let mut left = self.calls.iter().filter(|call| call.returned.is_some()).count();
        // The best candidate is the last.
        let mut candidates: Option<Vec<u32>> = None;
        while left > 0 {
            self.out_of_memory =
                self.base_bytes + self.cache_bytes + self.path_bytes > self.limits.memory_bytes;
            if self.out_of_memory || self.steps > self.limits.steps {
                return Outcome::Unknown(self.stuck());
            }
            let mut rest = match candidates.take() {
                Some(rest) => rest,
                None => match self.legal_pure(&state) {
                    Some((entry, next)) => {
                        set ^= scatter(self.list.op(entry) as u64, self.seed);
                        left -= 1;
                        let state = std::mem::replace(&mut state, next);
                        self.linearize(Linearized { entry, state, rest: Vec::new() });
                        continue;
                    }
                    None => self.candidates(),
                },
            };
            if let Some(entry) = rest.pop() {
                let op = self.list.op(entry);
                let larger = set ^ scatter(op as u64, self.seed);
                if let Some(next) = self.new_state(&state, op, larger) {
                    set = larger;
                    left -= usize::from(self.calls[op].returned.is_some());
                    let state = std::mem::replace(&mut state, next);
                    self.linearize(Linearized { entry, state, rest });
                } else {
                    candidates = Some(rest);
                }
                continue;
            }
            self.record_furthest(&state);
            let Some(last) = self.take_back() else { return Outcome::Illegal(self.stuck()) };
            let op = self.list.op(last.entry);
            set ^= scatter(op as u64, self.seed);
            left += usize::from(self.calls[op].returned.is_some());
            state = last.state;
            candidates = Some(last.rest);
        }
        Outcome::Linearizable(self.path.iter().map(|done| self.list.op(done.entry)).collect())
    }

    fn linearize(&mut self, done: Linearized<M::State>) {
        self.list.lift(done.entry);
        self.lifted[self.list.op(done.entry)] = true;
        if let Some(lookahead) = &mut self.lookahead {
            lookahead.linearize(self.list.op(done.entry));
        }
        self.path_bytes += self.bytes(&done);
        self.path.push(done);
    }

    fn take_back(&mut self) -> Option<Linearized<M::State>> {
        let last = self.path.pop()?;
        self.furthest.shared = self.furthest.shared.min(self.path.len());
        self.path_bytes -= self.bytes(&last);
        if let Some(lookahead) = &mut self.lookahead {
            lookahead.take_back(self.list.op(last.entry));
        }
        self.list.unlift(last.entry);
        self.lifted[self.list.op(last.entry)] = false;
        Some(last)
    }

    /// The heap bytes of an entry of `path`. Candidates already tried count too.
    fn bytes(&self, done: &Linearized<M::State>) -> usize {
        self.model.heap_bytes(&done.state) + done.rest.capacity() * size_of::<u32>()
    }

    /// The state after an operation, if the operation is legal and leads to a new configuration.
    fn new_state(&mut self, state: &M::State, op: usize, set: u128) -> Option<M::State> {
        let next = self.step(state, op)?;
        let lookahead = self.lookahead.as_mut();
        if lookahead.is_some_and(|lookahead| lookahead.impossible_after(state, &next, op).is_some())
        {
            return None;
        }
        let digest = self.model.digest(&next);
        let ended = self.calls[op].returned.is_some();
        if !ended && digest == self.model.digest(state) {
            return None; // an indeterminate operation without effect need not have happened
        }
        if !ended && self.model.is_overwritten() && !self.is_needed(state, &next, op) {
            return None;
        }
        let new = self.cache.insert(combine(set, digest));
        self.pruned |= !new;
        new.then_some(next)
    }

    /// Whether some operation is legal right after an indeterminate operation, and illegal without
    /// it.
    ///
    /// Suppose the next operation is legal without the indeterminate operation too. Either the next
    /// operation leads to the same state in both cases, so the indeterminate operation may be
    /// dropped. Or the next operation changes neither state, so the two may be swapped. An
    /// indeterminate operation at the end of an order may be dropped as well. So if an order
    /// exists, there is an order in which every indeterminate operation makes its successor legal.
    fn is_needed(&mut self, before: &M::State, after: &M::State, op: usize) -> bool {
        let mut next = self.list.first();
        while let Some(entry) = next {
            next = self.list.next(entry);
            let other = self.list.op(entry);
            if other != op
                && self.step(after, other).is_some()
                && self.step(before, other).is_none()
            {
                return true;
            }
        }
        false
    }

    /// The candidates, the best one last. Among operations with the same effect only b, the one
    /// that returns first, is a candidate.
    ///
    /// Any valid order that starts with another one (a) stays valid when a and b are swapped; if b
    /// is indeterminate and missing from the order, b replaces a. The answers stay right, since a
    /// and b are legal in the same states and lead to the same state. Real time is respected: b may
    /// come now, and an operation called after a returned was also called after b returned, so a
    /// may come as late as b did. An operation that needs an indeterminate predecessor is served by
    /// either.
    fn candidates(&mut self) -> Vec<u32> {
        let mut all: Vec<u32> = Vec::new();
        self.round += 1;
        let mut next = self.list.first();
        while let Some(entry) = next {
            next = self.list.next(entry);
            let op = self.list.op(entry);
            let Equal { class, twin } = self.equal[op];
            if twin != END && !self.lifted[twin as usize] {
                continue;
            }
            let Some(met) = self.met.get_mut(class as usize) else {
                all.push(entry);
                continue;
            };
            if met.0 != self.round {
                *met = (self.round, all.len() as u32);
                all.push(entry);
                continue;
            }
            let other = &mut all[met.1 as usize];
            if self.list.back(*other) > self.list.back(entry) {
                *other = entry;
            }
        }
        // Entries are numbered in the order of time.
        let key = |entry: &u32| {
            let hint = self.model.order_hint(&self.calls[self.list.op(*entry)].op);
            let time = match self.prefer {
                Prefer::Return => self.list.back(*entry),
                Prefer::Call => *entry,
            };
            std::cmp::Reverse((hint.unwrap_or(u64::MAX), time))
        };
        all.sort_unstable_by_key(key);
        all
    }

    fn step(&mut self, state: &M::State, op: usize) -> Option<M::State> {
        self.steps += 1;
        self.model.step(state, &self.calls[op].op).ok()
    }

    /// A completed pure candidate that is legal in this state, and the state after it.
    fn legal_pure(&mut self, state: &M::State) -> Option<(u32, M::State)> {
        let mut next = self.list.first();
        while let Some(entry) = next {
            let op = self.list.op(entry);
            if self.list.back(entry) != END
                && self.model.is_pure(&self.calls[op].op)
                && let Some(state) = self.step(state, op)
            {
                return Some((entry, state));
            }
            next = self.list.next(entry);
        }
        None
    }

    /// Records the present path if it is the longest that failed.
    fn record_furthest(&mut self, state: &M::State) {
        let (depth, furthest) = (self.path.len(), &mut self.furthest);
        if depth < furthest.order.len() || depth == furthest.order.len() && depth > 0 {
            return;
        }
        furthest.order.truncate(furthest.shared);
        let more = self.path[furthest.order.len()..].iter();
        furthest.order.extend(more.map(|done| self.list.op(done.entry)));
        furthest.shared = depth;
        furthest.state = Some(state.clone());
        furthest.next.clear();
        let mut next = self.list.first();
        while let Some(entry) = next.filter(|_| self.furthest.next.len() < MOST_REJECTED) {
            next = self.list.next(entry);
            let op = self.list.op(entry);
            let impossible = self.lookahead.as_mut().and_then(|lookahead| {
                let after = self.model.step(state, &self.calls[op].op).ok()?;
                lookahead.impossible_after(state, &after, op)
            });
            self.furthest.next.push((op, impossible));
        }
    }

    /// The longest order that failed, in words. If a candidate is legal and only the lookahead
    /// forbids it, the order goes on with this candidate, and the operation that it makes
    /// impossible is reported.
    fn stuck(&mut self) -> Stuck {
        let Furthest { order, state, next, .. } = &mut self.furthest;
        let (mut order, next) = (std::mem::take(order), std::mem::take(next));
        let Some(state) = state.take() else { return Stuck { order, ..Stuck::default() } };
        let why = |state: &M::State, op: usize| {
            let mismatch = self.model.step(state, &self.calls[op].op).err()?;
            Some((op, mismatch.to_string()))
        };
        let mut rejected: Vec<_> = next.iter().filter_map(|(op, _)| why(&state, *op)).collect();
        let further = next.iter().find_map(|(op, impossible)| {
            let after = self.model.step(&state, &self.calls[*op].op).ok()?;
            Some((*op, why(&after, (*impossible)?)?))
        });
        if let Some((op, impossible)) = further {
            order.push(op);
            rejected = vec![impossible];
        }
        Stuck { order, rejected, among: None }
    }
}

/// The operations with the same effect as an operation.
#[derive(Clone, Copy)]
struct Equal {
    /// The number of the class of equal operations; END for an operation without equals.
    class: u32,
    /// For an indeterminate operation: its predecessor, the last earlier call of an indeterminate
    /// operation with the same effect, or END. The predecessor stands for this operation until the
    /// search linearizes the predecessor.
    twin: u32,
}

/// The equal operations of each operation, and the number of classes.
fn equal<M: Model>(model: &M, calls: &[Call<M::Op>]) -> (Vec<Equal>, usize) {
    let effects = calls.iter().enumerate();
    let effects = effects.filter_map(|(op, call)| Some((model.effect(&call.op)?, call.call, op)));
    let mut effects: Vec<([u64; 3], u64, usize)> = effects.collect();
    effects.sort_unstable();
    let mut all = vec![Equal { class: END, twin: END }; calls.len()];
    let mut classes = 0;
    for same in effects.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        let mut twin = END;
        for (_, _, op) in same {
            all[*op].class = classes;
            if calls[*op].returned.is_none() {
                all[*op].twin = std::mem::replace(&mut twin, *op as u32);
            }
        }
        classes += 1;
    }
    (all, classes as usize)
}

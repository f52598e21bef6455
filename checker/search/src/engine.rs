//! The search itself: operations are taken out of a list of calls and returns, and put back.

use super::list::{self, END, List};
use super::memory::{Memory, combine, scatter};
use crate::model::{Call, Found, Limits, Lookahead, Model, Outcome, Stuck};

/// Decides whether real time allows an order of the operations that the model explains: directly
/// where the model can, else by search.
pub fn search<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits) -> Found {
    let needed = least(model, calls);
    if needed > limits.memory_bytes {
        let outcome = Outcome::Unknown(Stuck::default());
        return Found { outcome, steps: 0, memory: Some(needed) };
    }
    match model.directly(calls) {
        Some(outcome) => Found { outcome, steps: calls.len() as u64, memory: None },
        None => by_search(model, calls, limits),
    }
}

/// What a model may build for each operation besides, to decide directly or to look ahead.
const OF_MODEL: usize = 320;
/// Whatever the operations are.
const FIXED: usize = 64 << 10;
/// The memory of what was tried takes no more than this.
const MOST_TRIED: usize = 32 << 20;

/// The bytes without which a search does not begin.
fn least<M: Model>(model: &M, calls: &[Call<M::Op>]) -> usize {
    // Lists of them may be half empty.
    let deepest = 2 * (size_of::<Done<M::State>>() + size_of::<usize>());
    let each = list::BYTES + deepest + OF_MODEL;
    calls.len() * each + model.lookahead_bytes(calls) + FIXED
}

/// Which operation is tried first decides over milliseconds or hours, and no order is best for
/// all: those that return first, and those called first, take turns with growing budgets.
pub(crate) fn by_search<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits) -> Found {
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
            // More steps are no use to one that ran out of memory.
            memory = memory.max(found.memory);
            found.memory.is_none()
        });
        if let Some(outcome) = decided {
            return Found { outcome, steps: spent, memory: None };
        }
        if open.is_empty() || spent >= limits.steps {
            let memory = memory.filter(|_| open.is_empty());
            return Found { outcome: Outcome::Unknown(furthest), steps: spent, memory };
        }
        budget = budget.saturating_mul(8);
    }
}

/// Which of the operations that may come next is tried first.
#[derive(Clone, Copy)]
enum Prefer {
    Return,
    Call,
}

fn decide<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits, prefer: Prefer) -> Found {
    let one = |seed, limits: &Limits| {
        let mut search = Search::new(model, calls, limits, (prefer, seed));
        let outcome = search.run();
        let memory = search.short.then(|| search.least + search.tried_bytes + search.held);
        (Found { outcome, steps: search.steps, memory }, search.pruned)
    };
    let (first, pruned) = one(0, limits);
    if !pruned || !matches!(first.outcome, Outcome::Illegal(_)) {
        return first;
    }
    // Keys of 128 bits may collide, at odds that never happen; a verdict of "illegal" is worth a
    // second look with other keys.
    let (second, _) = one(0x6a09_e667_f3bc_c908, limits);
    let steps = first.steps + second.steps;
    match second.outcome {
        Outcome::Unknown(_) => Found { steps, ..first },
        _ => Found { steps, ..second },
    }
}

struct Done<S> {
    entry: u32,
    /// Before it was done.
    state: S,
    /// The other candidates there; none for a pure operation.
    rest: Vec<u32>,
}

struct Search<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    limits: Limits,
    prefer: Prefer,
    seed: u64,
    list: List,
    /// Which operations are taken out of the list.
    lifted: Vec<bool>,
    equal: Vec<Equal>,
    /// For each class, in which round of looking for candidates one of it was met last, and its
    /// place among them.
    met: Vec<(u64, u32)>,
    round: u64,
    tried: Memory,
    pruned: bool,
    steps: u64,
    done: Vec<Done<M::State>>,
    furthest: Furthest<M::State>,
    ahead: Option<Box<dyn Lookahead<M::State>>>,
    /// Bytes of all operations, of what was tried at most, and of what lies on the way now.
    least: usize,
    tried_bytes: usize,
    held: usize,
    /// Whether more would have to be held than is allowed.
    short: bool,
}

/// The furthest failure. What it says is put in words only at the end.
struct Furthest<S> {
    order: Vec<usize>,
    /// How much of the order is still that of the operations done.
    common: usize,
    state: Option<S>,
    /// What could have come next; and what could never be done after it, if the model sees that.
    next: Vec<(usize, Option<usize>)>,
}

/// Of more candidates than this nobody wants to hear why they do not fit.
const MOST_REJECTED: usize = 1_000;

impl<'a, M: Model> Search<'a, M> {
    fn new(
        model: &'a M,
        calls: &'a [Call<M::Op>],
        limits: &Limits,
        (prefer, seed): (Prefer, u64),
    ) -> Self {
        let least = least(model, calls);
        let spare = limits.memory_bytes.saturating_sub(least);
        let tried = Memory::new((spare / 2).min(MOST_TRIED));
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
            // The least table is part of what every search takes.
            tried_bytes: tried.most_bytes().saturating_sub(FIXED / 2),
            tried,
            pruned: false,
            steps: 0,
            done: Vec::new(),
            furthest: Furthest { order: Vec::new(), common: 0, state: None, next: Vec::new() },
            ahead: model.lookahead(calls),
            least,
            held: 0,
            short: false,
        }
    }

    fn run(&mut self) -> Outcome {
        let mut state = self.model.initial();
        let mut set = 0u128;
        let mut left = self.calls.iter().filter(|call| call.returned.is_some()).count();
        // Best last.
        let mut candidates: Option<Vec<u32>> = None;
        while left > 0 {
            self.short = self.least + self.tried_bytes + self.held > self.limits.memory_bytes;
            if self.short || self.steps > self.limits.steps {
                return Outcome::Unknown(self.stuck());
            }
            let mut rest = match candidates.take() {
                Some(rest) => rest,
                None => match self.pure(&state) {
                    Some((entry, next)) => {
                        set ^= scatter(self.list.op(entry) as u64, self.seed);
                        left -= 1;
                        let state = std::mem::replace(&mut state, next);
                        self.take(Done { entry, state, rest: Vec::new() });
                        continue;
                    }
                    None => self.candidates(),
                },
            };
            if let Some(entry) = rest.pop() {
                let op = self.list.op(entry);
                let larger = set ^ scatter(op as u64, self.seed);
                if let Some(next) = self.new_state(&state, (op, larger)) {
                    set = larger;
                    left -= usize::from(self.calls[op].returned.is_some());
                    let state = std::mem::replace(&mut state, next);
                    self.take(Done { entry, state, rest });
                } else {
                    candidates = Some(rest);
                }
                continue;
            }
            self.note(&state);
            let Some(last) = self.give_back() else { return Outcome::Illegal(self.stuck()) };
            let op = self.list.op(last.entry);
            set ^= scatter(op as u64, self.seed);
            left += usize::from(self.calls[op].returned.is_some());
            state = last.state;
            candidates = Some(last.rest);
        }
        Outcome::Linearizable(self.done.iter().map(|done| self.list.op(done.entry)).collect())
    }

    fn take(&mut self, done: Done<M::State>) {
        self.list.lift(done.entry);
        self.lifted[self.list.op(done.entry)] = true;
        if let Some(ahead) = &mut self.ahead {
            ahead.take(self.list.op(done.entry));
        }
        self.held += self.bytes(&done);
        self.done.push(done);
    }

    fn give_back(&mut self) -> Option<Done<M::State>> {
        let last = self.done.pop()?;
        self.furthest.common = self.furthest.common.min(self.done.len());
        self.held -= self.bytes(&last);
        if let Some(ahead) = &mut self.ahead {
            ahead.give_back(self.list.op(last.entry));
        }
        self.list.unlift(last.entry);
        self.lifted[self.list.op(last.entry)] = false;
        Some(last)
    }

    /// What lies beside an entry of `done` itself. The candidates are counted as if none was tried.
    fn bytes(&self, done: &Done<M::State>) -> usize {
        self.model.heap_bytes(&done.state) + done.rest.capacity() * size_of::<u32>()
    }

    /// The state after an operation, if that is legal and leads somewhere new.
    fn new_state(&mut self, state: &M::State, (op, set): (usize, u128)) -> Option<M::State> {
        let next = self.step(state, op)?;
        let ahead = self.ahead.as_mut();
        if ahead.is_some_and(|ahead| ahead.lost(state, &next, op).is_some()) {
            return None;
        }
        let digest = self.model.digest(&next);
        let ended = self.calls[op].returned.is_some();
        if !ended && digest == self.model.digest(state) {
            return None; // it need not have happened
        }
        if !ended && self.model.is_overwritten() && !self.is_needed(state, &next, op) {
            return None;
        }
        let new = self.tried.insert(combine(set, digest));
        self.pruned |= !new;
        new.then_some(next)
    }

    /// Whether something may come right after an operation of unknown outcome that could not come
    /// without it. In an order where what follows it is also legal without it, that either leads to
    /// the same state without it, so it need not have happened, or changes neither state, so the two
    /// may change places; and at the end of an order it need not have happened. So if there is an
    /// order, then there is one in which every such operation is needed by what comes right after it.
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

    /// The calls that may come next, the best last. Of those that do the same only the one that
    /// returns first: an order in which another one (a) comes next has that one (b) later, or not at
    /// all if nobody knows whether it happened, and with the two in each other's places it is an
    /// order too. The answers stay right, since each is right wherever the other's is, and leads to
    /// the same state; b may come now, and what was called after a returned was called after b did,
    /// so a may come as late as b. Who needs an operation of unknown outcome needs either.
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

    /// A completed pure operation that may come next and is legal now.
    fn pure(&mut self, state: &M::State) -> Option<(u32, M::State)> {
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

    /// Keeps the furthest failure.
    fn note(&mut self, state: &M::State) {
        let (depth, furthest) = (self.done.len(), &mut self.furthest);
        if depth < furthest.order.len() || depth == furthest.order.len() && depth > 0 {
            return;
        }
        furthest.order.truncate(furthest.common);
        let more = self.done[furthest.order.len()..].iter();
        furthest.order.extend(more.map(|done| self.list.op(done.entry)));
        furthest.common = depth;
        furthest.state = Some(state.clone());
        furthest.next.clear();
        let mut next = self.list.first();
        while let Some(entry) = next.filter(|_| self.furthest.next.len() < MOST_REJECTED) {
            next = self.list.next(entry);
            let op = self.list.op(entry);
            let lost = self.ahead.as_mut().and_then(|ahead| {
                let after = self.model.step(state, &self.calls[op].op).ok()?;
                ahead.lost(state, &after, op)
            });
            self.furthest.next.push((op, lost));
        }
    }

    /// The furthest failure in words. Where something could come next, but for what the model sees
    /// ahead, the order goes on with it, and what is lost by it is what does not fit.
    fn stuck(&mut self) -> Stuck {
        let Furthest { order, state, next, .. } = &mut self.furthest;
        let (mut order, next) = (std::mem::take(order), std::mem::take(next));
        let Some(state) = state.take() else { return Stuck { order, ..Stuck::default() } };
        let why = |state: &M::State, op: usize| {
            let mismatch = self.model.step(state, &self.calls[op].op).err()?;
            Some((op, mismatch.to_string()))
        };
        let mut rejected: Vec<_> = next.iter().filter_map(|(op, _)| why(&state, *op)).collect();
        let further = next.iter().find_map(|(op, lost)| {
            let after = self.model.step(&state, &self.calls[*op].op).ok()?;
            Some((*op, why(&after, (*lost)?)?))
        });
        if let Some((op, lost)) = further {
            order.push(op);
            rejected = vec![lost];
        }
        Stuck { order, rejected, among: None }
    }
}

/// What else does the same as an operation.
#[derive(Clone, Copy)]
struct Equal {
    /// A number for all that do the same; END where nothing else does.
    class: u32,
    /// For an operation of unknown outcome the one before it that does the same: as long as that is
    /// not done it can stand for this one, being called before it. END if there is none.
    twin: u32,
}

/// For each operation, and how many classes there are.
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

//! The search itself: a list of calls and returns from which operations are taken out and put back.

use std::collections::BTreeMap;

use super::memory::{Memory, combine, scatter};
use super::{Call, Found, Limits, Lookahead, Model, Outcome, Stuck};

/// Decides whether real time allows an order of the operations that the model explains: directly
/// where the model can, else by search.
pub fn search<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits) -> Found {
    match model.directly(calls) {
        Some(outcome) => Found { outcome, steps: calls.len() as u64 },
        None => by_search(model, calls, limits),
    }
}

/// Which operation is tried first decides over milliseconds or hours, and no order is best for
/// all: those that return first, and those called first, take turns with growing budgets.
pub(super) fn by_search<M: Model>(model: &M, calls: &[Call<M::Op>], limits: &Limits) -> Found {
    const FIRST_BUDGET: u64 = 100_000;
    let mut spent = 0;
    let mut budget = FIRST_BUDGET.min(limits.steps);
    loop {
        let mut furthest = Stuck::default();
        for prefer in [Prefer::Return, Prefer::Call] {
            let left = limits.steps.saturating_sub(spent);
            let limits = Limits { steps: budget.min(left), ..*limits };
            let found = decide(model, calls, &limits, prefer);
            spent += found.steps;
            match found.outcome {
                Outcome::Unknown(stuck) => {
                    if stuck.order.len() >= furthest.order.len() {
                        furthest = stuck;
                    }
                }
                outcome => return Found { outcome, steps: spent },
            }
        }
        if spent >= limits.steps {
            return Found { outcome: Outcome::Unknown(furthest), steps: spent };
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
    let mut first = Search::new(model, calls, limits, (prefer, 0));
    let outcome = first.run();
    let steps = first.steps;
    let Outcome::Illegal(_) = outcome else { return Found { outcome, steps } };
    if !first.pruned {
        return Found { outcome, steps };
    }
    // Keys of 128 bits may collide, at odds that never happen; a verdict of "illegal" is worth a
    // second look with other keys.
    let mut second = Search::new(model, calls, limits, (prefer, 0x6a09_e667_f3bc_c908));
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
    /// Before it was done.
    state: S,
    /// The other candidates there; none for a pure operation.
    rest: Vec<usize>,
}

struct Search<'a, M: Model> {
    model: &'a M,
    calls: &'a [Call<M::Op>],
    limits: Limits,
    prefer: Prefer,
    seed: u64,
    /// The first one is a sentinel.
    list: Vec<Entry>,
    /// Which operations are taken out of the list.
    lifted: Vec<bool>,
    /// For an operation of unknown outcome the one before it that does the same: as long as that is
    /// not done it can stand for this one, being called before it. END if there is none.
    twins: Vec<usize>,
    memory: Memory,
    pruned: bool,
    steps: u64,
    stuck: Stuck,
    goals: Option<Goals<M::State>>,
}

/// What the model can look ahead to.
struct Goals<S> {
    ahead: Box<dyn Lookahead<S>>,
    /// Completed operations of which it can say something, in the order of their returns.
    sorted: Vec<usize>,
    /// The place of each operation in `sorted`.
    place: Vec<usize>,
    /// All before this place in `sorted` are done.
    next: usize,
    left: Vec<bool>,
}

impl<S> Goals<S> {
    fn new<Op>(ahead: Box<dyn Lookahead<S>>, calls: &[Call<Op>]) -> Self {
        let mut sorted: Vec<usize> = (0..calls.len())
            .filter(|op| calls[*op].returned.is_some() && ahead.is_goal(*op))
            .collect();
        sorted.sort_by_key(|op| calls[*op].returned);
        let mut place = vec![END; calls.len()];
        for (number, op) in sorted.iter().enumerate() {
            place[*op] = number;
        }
        Goals { ahead, sorted, place, next: 0, left: vec![true; calls.len()] }
    }

    fn set_left(&mut self, op: usize, left: bool) {
        self.left[op] = left;
        if left {
            self.next = self.next.min(self.place[op]);
        }
    }

    /// Whether the goal that returns next can still be reached once `op` has led to the state.
    fn reachable(&mut self, state: &S, op: usize) -> bool {
        while self.sorted.get(self.next).is_some_and(|goal| !self.left[*goal]) {
            self.next += 1;
        }
        let goals = self.sorted[self.next..].iter();
        let Some(goal) = goals.copied().find(|goal| *goal != op && self.left[*goal]) else {
            return true;
        };
        self.ahead.leads_to(state, goal, &|other| other != op && self.left[other])
    }
}

impl<'a, M: Model> Search<'a, M> {
    fn new(
        model: &'a M,
        calls: &'a [Call<M::Op>],
        limits: &Limits,
        (prefer, seed): (Prefer, u64),
    ) -> Self {
        Search {
            model,
            calls,
            limits: *limits,
            prefer,
            seed,
            list: list(calls),
            lifted: vec![false; calls.len()],
            twins: twins(model, calls),
            memory: Memory::new(limits.memory_bytes),
            pruned: false,
            steps: 0,
            stuck: Stuck::default(),
            goals: model.lookahead(calls).map(|ahead| Goals::new(ahead, calls)),
        }
    }

    fn run(&mut self) -> Outcome {
        let mut state = self.model.initial();
        let mut set = 0u128;
        let mut left = self.calls.iter().filter(|call| call.returned.is_some()).count();
        let mut done: Vec<Done<M::State>> = Vec::new();
        // Best last.
        let mut candidates: Option<Vec<usize>> = None;
        while left > 0 {
            if self.steps > self.limits.steps {
                return Outcome::Unknown(std::mem::take(&mut self.stuck));
            }
            let mut rest = match candidates.take() {
                Some(rest) => rest,
                None => match self.pure(&state) {
                    Some((entry, next)) => {
                        set ^= scatter(self.list[entry].op as u64, self.seed);
                        left -= 1;
                        let state = std::mem::replace(&mut state, next);
                        done.push(Done { entry, state, rest: Vec::new() });
                        self.lift(entry);
                        continue;
                    }
                    None => self.candidates(),
                },
            };
            if let Some(entry) = rest.pop() {
                let op = self.list[entry].op;
                let larger = set ^ scatter(op as u64, self.seed);
                if let Some(next) = self.new_state(&state, (op, larger)) {
                    set = larger;
                    left -= usize::from(self.calls[op].returned.is_some());
                    let state = std::mem::replace(&mut state, next);
                    done.push(Done { entry, state, rest });
                    self.lift(entry);
                } else {
                    candidates = Some(rest);
                }
                continue;
            }
            self.note(&state, &done);
            let Some(last) = done.pop() else {
                return Outcome::Illegal(std::mem::take(&mut self.stuck));
            };
            let op = self.list[last.entry].op;
            set ^= scatter(op as u64, self.seed);
            left += usize::from(self.calls[op].returned.is_some());
            state = last.state;
            self.unlift(last.entry);
            candidates = Some(last.rest);
        }
        Outcome::Linearizable(done.iter().map(|done| self.list[done.entry].op).collect())
    }

    /// The state after an operation, if that is legal and leads somewhere new.
    fn new_state(&mut self, state: &M::State, (op, set): (usize, u128)) -> Option<M::State> {
        let next = self.step(state, op)?;
        if let Some(goals) = &mut self.goals
            && !goals.reachable(&next, op)
        {
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
        let new = self.memory.insert(combine(set, digest));
        self.pruned |= !new;
        new.then_some(next)
    }

    /// Whether something may come right after an operation of unknown outcome that could not come
    /// without it. In an order where what follows it is also legal without it, that either leads to
    /// the same state without it, so it need not have happened, or changes neither state, so the two
    /// may change places; and at the end of an order it need not have happened. So if there is an
    /// order, then there is one in which every such operation is needed by what comes right after it.
    fn is_needed(&mut self, before: &M::State, after: &M::State, op: usize) -> bool {
        let mut at = self.list[0].after;
        while at != END && self.list[at].is_call {
            let other = self.list[at].op;
            if other != op
                && self.step(after, other).is_some()
                && self.step(before, other).is_none()
            {
                return true;
            }
            at = self.list[at].after;
        }
        false
    }

    /// The calls that may come next, the best last.
    fn candidates(&self) -> Vec<usize> {
        let mut all = Vec::new();
        let mut at = self.list[0].after;
        while at != END && self.list[at].is_call {
            let twin = self.twins[self.list[at].op];
            if twin == END || self.lifted[twin] {
                all.push(at);
            }
            at = self.list[at].after;
        }
        // Entries are numbered in the order of time.
        let key = |at: &usize| {
            let Entry { op, back, .. } = self.list[*at];
            let hint = self.model.order_hint(&self.calls[op].op).unwrap_or(u64::MAX);
            let time = match self.prefer {
                Prefer::Return => back,
                Prefer::Call => *at,
            };
            std::cmp::Reverse((hint, time))
        };
        all.sort_unstable_by_key(key);
        all
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
            match self.model.step(state, &self.calls[op].op) {
                Err(reason) => self.stuck.rejected.push((op, reason.to_string())),
                Ok(next) => {
                    let goals = self.goals.as_mut();
                    if goals.is_some_and(|goals| !goals.reachable(&next, op)) {
                        let reason = "after it the answer that returns next cannot be given";
                        self.stuck.rejected.push((op, reason.to_owned()));
                    }
                }
            }
            at = self.list[at].after;
        }
    }

    /// Takes a call and its return out of the list.
    fn lift(&mut self, entry: usize) {
        self.lifted[self.list[entry].op] = true;
        if let Some(goals) = &mut self.goals {
            goals.set_left(self.list[entry].op, false);
        }
        self.unlink(entry);
        if self.list[entry].back != END {
            self.unlink(self.list[entry].back);
        }
    }

    fn unlift(&mut self, entry: usize) {
        self.lifted[self.list[entry].op] = false;
        if let Some(goals) = &mut self.goals {
            goals.set_left(self.list[entry].op, true);
        }
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

fn twins<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Vec<usize> {
    let mut lost: Vec<usize> =
        (0..calls.len()).filter(|op| calls[*op].returned.is_none()).collect();
    lost.sort_by_key(|op| calls[*op].call);
    let mut last: BTreeMap<[u64; 3], usize> = BTreeMap::new();
    let mut twins = vec![END; calls.len()];
    for op in lost {
        let before = model.effect(&calls[op].op).and_then(|effect| last.insert(effect, op));
        twins[op] = before.unwrap_or(END);
    }
    twins
}

/// Calls and returns by time; at equal times calls come first, since such operations overlap.
fn list<Op>(calls: &[Call<Op>]) -> Vec<Entry> {
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(calls.len() * 2);
    for (op, call) in calls.iter().enumerate() {
        events.push((call.call, false, op));
        events.extend(call.returned.map(|returned| (returned.max(call.call), true, op)));
    }
    events.sort_unstable();
    let mut list = vec![Entry { op: END, back: END, is_call: false, before: END, after: END }];
    let mut call_entry = vec![0; calls.len()];
    for (_, is_return, op) in events {
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

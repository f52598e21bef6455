//! Shrinks a history without a linearization to few operations that contradict each other.
//!
//! Shrinking **forgets** operations: it makes less of each known. A pure operation is left out. A
//! change loses its answer and becomes indeterminate: it may take effect at any time after its
//! call, or never. A linearization of a history is also one after an operation is forgotten. So if
//! what is left has no linearization, the whole history has none, and the operations that are not
//! forgotten prove it.
//!
//! First the history is cut at both ends. Operations after the contradiction are left out.
//! Operations before it are left out if the model can start in every state that is possible then:
//! operations that had returned are part of that state, and operations that were running become
//! indeterminate. Then as many operations as possible are forgotten: halves, quarters and so on
//! down to single operations, until forgetting any single operation leaves a linearizable history.
//! All of this takes a bounded number of steps. If the steps run out, the result may hold more
//! operations than needed, and [`Core::smallest`] is false.

use super::search;
use crate::model::{Call, Limits, Model, Outcome, SearchResult, Stuck};

/// Operations that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// The places of the operations, in the order of their calls.
    pub ops: Vec<usize>,
    /// How far an order of these operations comes, in places of the whole history.
    pub stuck: Stuck,
    /// Whether forgetting any further operation leaves a linearizable history.
    pub smallest: bool,
    /// Whether the operations contradict each other from every initial state.
    pub anywhere: bool,
}

/// Shrinks `calls`, which have no linearization, as far as the limits allow. The limit on steps is
/// for all searches together; the limit on memory is for each search and the operations copied for
/// it. `forget` turns a change into an indeterminate operation; for a model whose operations hold
/// no answer it returns the operation unchanged. `models` is the model, followed by the model in
/// each state that it may be in later, if there are few such states.
pub fn shrink<M: Model>(
    models: &[M],
    calls: &[Call<M::Op>],
    stuck: &Stuck,
    limits: &Limits,
    forget: impl Fn(&M::Op) -> M::Op,
) -> Core
where
    M::Op: Clone,
{
    let mut all: Vec<usize> = (0..calls.len()).collect();
    all.retain(|op| calls[*op].returned.is_some());
    all.sort_by_key(|op| (calls[*op].call, *op));
    let mut shrinking = Shrinking {
        models,
        calls,
        forget,
        left: limits.steps,
        memory_bytes: limits.memory_bytes,
        doubt: false,
        begin: 0,
        end: u64::MAX,
        stuck: stuck.clone(),
    };
    let mut kept = match &stuck.among {
        Some(among) => {
            let among: Vec<usize> = all.iter().copied().filter(|op| among.contains(op)).collect();
            if shrinking.contradict(&among) { among } else { all }
        }
        None => shrinking.near(&all, stuck).unwrap_or(all),
    };
    shrinking.cut(&mut kept);
    if models.len() > 1 {
        shrinking.begin(&mut kept);
    }
    let ended = fewest(&mut kept, |few| match shrinking.left {
        0 => None,
        _ => Some(!few.is_empty() && shrinking.contradict(few)),
    });
    let anywhere = shrinking.begin > 0;
    let smallest = ended && !shrinking.doubt;
    Core { ops: kept, stuck: shrinking.stuck, smallest, anywhere }
}

struct Shrinking<'a, M: Model, F> {
    models: &'a [M],
    calls: &'a [Call<M::Op>],
    forget: F,
    /// Steps that may still be taken.
    left: u64,
    /// Operations that returned earlier are part of the initial state; operations called earlier
    /// are indeterminate.
    begin: u64,
    /// Operations called later are left out; operations that returned later are indeterminate.
    end: u64,
    memory_bytes: usize,
    /// Whether a search ran out since the last contradiction: the operations that it was asked to
    /// forget may not be needed.
    doubt: bool,
    /// The failure of the smallest contradiction found.
    stuck: Stuck,
}

impl<M: Model, F: Fn(&M::Op) -> M::Op> Shrinking<'_, M, F>
where
    M::Op: Clone,
{
    /// Whether the kept operations contradict each other once all others are forgotten; false if
    /// the search ran out.
    fn contradict(&mut self, kept: &[usize]) -> bool {
        let mut places = Vec::new();
        let mut few: Vec<Call<M::Op>> = Vec::new();
        let mut next = kept.iter().copied().collect::<std::collections::BTreeSet<usize>>();
        for (place, call) in self.calls.iter().enumerate() {
            if call.call > self.end {
                continue;
            }
            if call.returned.is_some_and(|at| at < self.begin) {
                continue;
            }
            let inside = call.call >= self.begin && call.returned.is_some_and(|at| at <= self.end);
            let known = next.remove(&place) && inside;
            if known {
                few.push(call.clone());
            } else if call.returned.is_some() && self.models[0].is_pure(&call.op) {
                continue;
            } else if call.returned.is_some() {
                let op = (self.forget)(&call.op);
                few.push(Call { op, call: call.call, returned: None });
            } else {
                few.push(call.clone());
            }
            places.push(place);
        }
        let most = 20_000 + 8 * few.len() as u64;
        let models = if self.begin > 0 { &self.models[1..] } else { &self.models[..1] };
        let mut last = Stuck::default();
        for model in models {
            let copied = few.len() * (size_of::<Call<M::Op>>() + size_of::<usize>());
            let memory_bytes = self.memory_bytes.saturating_sub(copied);
            let limits = Limits { steps: most.min(self.left), memory_bytes };
            let SearchResult { outcome, steps, .. } = search(model, &few, &limits);
            self.left = self.left.saturating_sub(steps + few.len() as u64);
            self.doubt |= matches!(outcome, Outcome::Unknown(_));
            let Outcome::Illegal(stuck) = outcome else { return false };
            last = stuck;
        }
        let stuck = last;
        self.doubt = false;
        let back = |op: usize| places[op];
        self.stuck = Stuck {
            order: stuck.order.into_iter().map(back).collect(),
            rejected: stuck.rejected.into_iter().map(|(op, why)| (back(op), why)).collect(),
            among: None,
        };
        true
    }

    /// The few operations before the search failed, if they contradict each other. In a long
    /// history the contradiction lies there, and few operations are searched quickly.
    fn near(&mut self, all: &[usize], stuck: &Stuck) -> Option<Vec<usize>> {
        const SIZES: [usize; 4] = [32, 128, 512, 2_048];
        if self.models.len() < 2 {
            return None;
        }
        let ends = stuck.rejected.iter().filter_map(|(op, _)| self.calls[*op].returned);
        let end = ends.max()?;
        let until = all.partition_point(|op| self.calls[*op].call <= end);
        for size in SIZES.into_iter().filter(|size| *size < until) {
            let few = all[until - size..until].to_vec();
            (self.begin, self.end) = (self.calls[few[0]].call, end);
            if self.contradict(&few) {
                return Some(few);
            }
        }
        (self.begin, self.end) = (0, u64::MAX);
        None
    }

    /// Leaves out operations after the first moment at which there is a contradiction.
    fn cut(&mut self, kept: &mut Vec<usize>) {
        let mut ends: Vec<u64> = kept.iter().filter_map(|op| self.calls[*op].returned).collect();
        ends.sort_unstable();
        let (mut low, mut high) = (0, ends.len().saturating_sub(1));
        let mut best = self.end;
        while low < high && self.left > 0 {
            let middle = low.midpoint(high);
            self.end = ends[middle];
            if self.contradict(kept) {
                best = self.end;
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        self.end = best;
        kept.retain(|op| self.calls[*op].returned.is_some_and(|at| at <= best));
    }

    /// Leaves out operations before the last moment from which every initial state leads to a
    /// contradiction.
    fn begin(&mut self, kept: &mut Vec<usize>) {
        let mut begins: Vec<u64> = kept.iter().map(|op| self.calls[*op].call).collect();
        begins.sort_unstable();
        let (mut low, mut high) = (0, begins.len());
        let mut best = self.begin;
        while low < high && self.left > 0 {
            let middle = low.midpoint(high);
            self.begin = begins[middle];
            if self.begin > 0 && self.contradict(kept) {
                best = self.begin;
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.begin = best;
        kept.retain(|op| self.calls[*op].call >= best);
    }
}

/// Leaves out as many elements as possible while the rest still contradicts itself: halves,
/// quarters, at last single ones. The oldest go first, since a contradiction lies at the end.
/// `contradict` returns None when it may not be asked again; the result is whether that never
/// happened.
pub fn fewest(kept: &mut Vec<usize>, mut contradict: impl FnMut(&[usize]) -> Option<bool>) -> bool {
    let mut size = kept.len().div_ceil(2);
    while !kept.is_empty() {
        let before = kept.len();
        let mut from = 0;
        while from < kept.len() {
            let mut fewer = kept.clone();
            fewer.drain(from..(from + size).min(kept.len()));
            match contradict(&fewer) {
                None => return false,
                Some(true) => *kept = fewer,
                Some(false) => from += size,
            }
        }
        if size <= 1 && before == kept.len() {
            return true;
        }
        size = size.div_ceil(2).min(kept.len().div_ceil(2)).max(1);
    }
    true
}

//! The smallest contradiction: which few operations have no order, whatever became of the rest.
//!
//! An operation is **forgotten** by making less of it known. One that changes nothing is left out.
//! Of a change the answer goes: its outcome is then unknown, so it may have been done at any time
//! since its call, or never. What has an order keeps it when something is forgotten; so if what is
//! left has none, then neither has the whole, and the operations that are not forgotten prove it.
//!
//! First everything is cut off that happened later than needed; and, where a model can start in every
//! state that there may be, what happened earlier: what had returned by some moment is then in the
//! state, whatever that is, and what was running then may be done later, or not. Then as many as
//! possible are forgotten, in halves, quarters and so on down to single ones, until none can be: then forgetting
//! any one of those left would leave something that has an order. All of it within a number of
//! steps; when they are used up, what is left may be more than needed, and [`Core::smallest`] says
//! so.

use super::search;
use crate::model::{Call, Found, Limits, Model, Outcome, Stuck};

/// Operations that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Core {
    /// The places of the operations, in the order of their calls.
    pub ops: Vec<usize>,
    /// How far an order of them comes, in places of all operations.
    pub stuck: Stuck,
    /// Whether forgetting any one more leaves something that has an order.
    pub smallest: bool,
    /// Whether they contradict each other whatever was there before them.
    pub anywhere: bool,
}

/// Makes the contradiction in `calls`, which have no order, as small as the limits allow: the steps
/// are for all of it, the memory bounds each search together with the operations copied for it. `forget`
/// turns a change into one of unknown outcome; a model whose operations do not hold more of the
/// answer than their return gives back the operation as it is. `models` is the model, and then, if
/// there are few, the model in each state that it may be in later.
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
    /// Steps that may still be spent.
    left: u64,
    /// What returned earlier is in the state, what was called earlier is of unknown outcome.
    begin: u64,
    /// What was called later is left out, what returned later is of unknown outcome.
    end: u64,
    memory_bytes: usize,
    /// Whether a search gave up since the last contradiction: what it was asked to do without may not
    /// be needed.
    doubt: bool,
    /// Of the smallest contradiction found.
    stuck: Stuck,
}

impl<M: Model, F: Fn(&M::Op) -> M::Op> Shrinking<'_, M, F>
where
    M::Op: Clone,
{
    /// Whether some operations contradict each other, all others forgotten. In doubt not.
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
            let Found { outcome, steps, .. } = search(model, &few, &limits);
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

    /// The last few operations before the search was stuck, if they contradict each other: in a long
    /// history what broke lies there, and a few are quickly looked at.
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

    /// Leaves out what happened after the first moment at which there is a contradiction.
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

    /// Leaves out what happened before the last moment after which there is a contradiction, whatever
    /// was there then.
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

/// Leaves out as many as possible while what is left still contradicts itself: halves, quarters, at
/// last single ones, the oldest first, since what broke lies at the end. `contradict` says None when
/// it may not be asked any more; whether that did not happen.
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

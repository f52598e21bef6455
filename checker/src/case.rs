//! One case: a history, or a part of one, with all that its order is decided from. Whoever asks for an
//! order puts a case together, and asks it.

use crate::budget::Budget;
use crate::history::History;
use crate::lease::{Ends, Leases};
use crate::linearizability::ops::Ops;
use crate::linearizability::{JudgedRange, Ordered, order};
use crate::model::Store;
use crate::streams::Streams;
use crate::verdict::Verdict;

/// What is judged.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) history: &'a History,
    pub(crate) streams: &'a Streams<'a>,
    /// Which part of the recording it is.
    pub(crate) range: &'a JudgedRange,
    /// What is known of leases, where they have a part in it.
    pub(crate) leases: Option<&'a Leases<'a>>,
    pub(crate) budget: Budget,
}

impl Case<'_> {
    /// The ends that leases may have come to by themselves, from a store on; without heed of the time
    /// that they were granted for if `tolerance_ns` is None.
    pub(crate) fn ends(&self, store: &Store, tolerance_ns: Option<u64>) -> Ends {
        let Some(leases) = self.leases else { return Ends::default() };
        Ends::new(leases, self.history, (store, self.range), tolerance_ns)
    }

    /// The operations with those ends, by what they are to the order; fails when an answer claims no
    /// place or two claim the same.
    pub(crate) fn ops<'b>(&'b self, ends: &'b Ends) -> Result<Ops<'b>, Verdict> {
        match self.leases {
            Some(leases) => ends.ops(leases, self.history, self.range),
            None => Ops::new(self.history, &[], self.range),
        }
    }

    /// Whether the operations have an order, from a store on.
    pub(crate) fn order(&self, ops: &Ops<'_>, store: Store) -> Ordered {
        order(ops, self.streams, store, self.range, self.budget)
    }
}

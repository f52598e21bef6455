//! A case: a history, or a part of one, with everything that decides its order.

use crate::budget::Budget;
use crate::history::History;
use crate::lease::{Ends, Leases};
use crate::linearizability::ops::Ops;
use crate::linearizability::{JudgedRange, Ordered, order};
use crate::model::Store;
use crate::streams::Streams;
use crate::verdict::Verdict;

/// The inputs of an order.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) history: &'a History,
    pub(crate) streams: &'a Streams<'a>,
    /// The range of revisions that is judged.
    pub(crate) range: &'a JudgedRange,
    /// The leases, if the records name any.
    pub(crate) leases: Option<&'a Leases<'a>>,
    pub(crate) budget: Budget,
}

impl Case<'_> {
    /// The expiries that may have happened, starting from a store. If `tolerance_ns` is None, a
    /// lease may expire at any time.
    pub(crate) fn ends(&self, store: &Store, tolerance_ns: Option<u64>) -> Ends {
        let Some(leases) = self.leases else { return Ends::default() };
        Ends::new(leases, self.history, store, self.range, tolerance_ns)
    }

    /// The operations and expiries by their role in the order; an error if an answer names no
    /// revision or two claim one.
    pub(crate) fn ops<'b>(&'b self, ends: &'b Ends) -> Result<Ops<'b>, Verdict> {
        match self.leases {
            Some(leases) => ends.ops(leases, self.history, self.range),
            None => Ops::new(self.history, &[], self.range),
        }
    }

    /// Searches for an order of the operations, starting from a store.
    pub(crate) fn order(&self, ops: &Ops<'_>, store: Store) -> Ordered {
        order(ops, self.streams, store, self.range, self.budget)
    }
}

//! The slots that real time leaves for an unplaced operation.

use std::collections::BTreeMap;

use crate::history::Record;
use crate::linearizability::judged_range::Bounds;
use crate::linearizability::ops::Ops;

/// Gives the slots that real time leaves for an interval.
pub(super) struct SlotBounds<'a> {
    base: i64,
    /// Slots that earlier parts of the recording found, by record id.
    known: &'a BTreeMap<u64, Bounds>,
    /// By return time: the highest slot that had returned by then.
    returned: Vec<(u64, i64)>,
    /// By call time: the lowest slot that was called from then on.
    called: Vec<(u64, i64)>,
}

impl<'a> SlotBounds<'a> {
    pub(super) fn new(ops: &Ops<'_>, known: &'a BTreeMap<u64, Bounds>) -> Self {
        let mut returned = Vec::new();
        let mut called = Vec::new();
        ops.each_slot(|slot, place| {
            let record = ops.record(place);
            called.push((record.call_ns, slot));
            returned.extend(record.return_ns.map(|return_ns| (return_ns, slot)));
        });
        returned.sort_unstable();
        let mut highest = i64::MIN;
        for (_, slot) in &mut returned {
            highest = highest.max(*slot);
            *slot = highest;
        }
        called.sort_unstable();
        let mut lowest = i64::MAX;
        for (_, slot) in called.iter_mut().rev() {
            lowest = lowest.min(*slot);
            *slot = lowest;
        }
        SlotBounds { base: ops.base, known, returned, called }
    }

    pub(super) fn bounds(&self, record: &Record) -> Bounds {
        let before = self.returned.partition_point(|(at, _)| *at < record.call_ns);
        let first = 2 * self.base + 1;
        let low = before.checked_sub(1).map_or(first, |place| self.returned[place].1 | 1);
        let high = record.return_ns.map_or(i64::MAX, |return_ns| {
            let after = self.called.partition_point(|(at, _)| *at <= return_ns);
            self.called.get(after).map_or(i64::MAX, |(_, slot)| (slot - 1) | 1)
        });
        match self.known.get(&record.id) {
            Some(known) => Bounds { low: known.low, high: high.min(known.high) },
            None => Bounds { low, high },
        }
    }
}

//! The expiries that may have happened in a range of revisions, and the operations with them.

use std::collections::{BTreeMap, BTreeSet};

use super::gather::Leases;
use crate::history::{Blob, History, Record, Request};
use crate::linearizability::JudgedRange;
use crate::linearizability::followed::ambiguity::AmbiguousRevision;
use crate::linearizability::ops::{Ops, attached};
use crate::model::Store;
use crate::verdict::Verdict;

/// The expiries that may have happened in a range of revisions.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    records: Vec<Record>,
    /// The keys attached at the start to leases that may end.
    attached: BTreeMap<i64, Vec<Blob>>,
}

impl Ends {
    /// The expiries that may have happened, starting from a store. If `tolerance_ns` is None, a
    /// lease may expire at any time.
    pub(crate) fn new(
        leases: &Leases<'_>,
        history: &History,
        store: &Store,
        judged: &JudgedRange,
        tolerance_ns: Option<u64>,
    ) -> Self {
        let records = leases.ends(tolerance_ns, judged.until.unwrap_or(i64::MAX));
        let attached = attached(store, &history.records, &records);
        Ends { records, attached }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The operations of the range, with the expiries.
    pub(crate) fn ops<'a>(
        &'a self,
        leases: &Leases<'_>,
        history: &'a History,
        judged: &JudgedRange,
    ) -> Result<Ops<'a>, Verdict> {
        let mut ops = Ops::new(history, &self.records, judged)?;
        ops.lives = leases.lives(&history.records, judged);
        ops.attached = Some(&self.attached);
        ops.ambiguities = self.ambiguities(leases, &ops);
        Ok(ops)
    }

    /// The ambiguous revisions, each with the writers that are still possible. The end of a lease
    /// is impossible if the lease was kept alive, put with or revoked later. A revision is left out
    /// if its lease was granted again, or if a transaction without an answer may put with the
    /// lease.
    fn ambiguities(&self, leases: &Leases<'_>, ops: &Ops<'_>) -> Vec<AmbiguousRevision> {
        let ends = |doubt: &AmbiguousRevision| doubt.among.iter().find_map(|writer| writer.ended());
        let ended: BTreeSet<i64> = ops.ambiguities.iter().filter_map(ends).collect();
        if ended.is_empty() {
            return ops.ambiguities.clone();
        }
        let mut by: BTreeMap<i64, u64> = BTreeMap::new();
        for record in &self.records {
            if let Request::LeaseRevoke(lease) = &record.request {
                by.insert(lease.id, record.call_ns);
            }
        }
        let unclear = leases.unclear(ops.unknown.iter().map(|place| ops.record(*place)));
        let put = leases.put_with(ops.made().map(|(_, place)| ops.record(place)), &ended);
        let open = ops
            .ambiguities
            .iter()
            .filter(|doubt| !ends(doubt).is_some_and(|id| unclear.contains(&id)));
        open.cloned()
            .map(|mut doubt| {
                doubt.among.retain(|writer| {
                    writer.ended().is_none_or(|id| {
                        let in_time = by.get(&id).is_some_and(|at| *at <= doubt.by);
                        !put.contains(&id)
                            && !leases.ended_after(id, doubt.revision)
                            && (doubt.asked || in_time)
                    })
                });
                doubt
            })
            .collect()
    }
}

//! The ends that leases may have come to by themselves, and the operations with them.

use std::collections::BTreeMap;

use super::gather::Leases;
use crate::history::{Blob, History, Record};
use crate::model::Store;
use crate::revision::Stretch;
use crate::revision::ops::{Ops, hanging};
use crate::verdict::Verdict;

/// Of a stretch of a recording.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    records: Vec<Record>,
    /// What hung at first on leases that may end.
    hanging: BTreeMap<i64, Vec<Blob>>,
}

impl Ends {
    /// Of a stretch that begins with a store; without heed of the time that leases were granted for
    /// if `tolerance_ns` is None.
    pub(crate) fn new(
        leases: &Leases<'_>,
        history: &History,
        (store, stretch): (&Store, &Stretch),
        tolerance_ns: Option<u64>,
    ) -> Self {
        let records = leases.ends(tolerance_ns, stretch.until.unwrap_or(i64::MAX));
        let hanging = hanging(store, &history.records, &records);
        Ends { records, hanging }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The operations of a stretch.
    pub(crate) fn ops<'a>(
        &'a self,
        leases: &Leases<'_>,
        history: &'a History,
        stretch: &Stretch,
    ) -> Result<Ops<'a>, Verdict> {
        let mut ops = Ops::new(history, &self.records, stretch)?;
        ops.lives = leases.lives(&history.records, stretch);
        ops.hanging = Some(&self.hanging);
        Ok(ops)
    }
}

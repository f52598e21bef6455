//! Compaction: history below a revision becomes unreadable at once, its records go step by step.

use super::record::Revision;
use super::{StoreError, Writer};
use crate::command::Rejected;
use crate::probe;

impl Writer<'_> {
    /// Makes history below `revision` unreadable.
    pub(crate) fn compact(&mut self, revision: i64) -> Result<i64, Rejected> {
        let memory = &mut *self.memory;
        if revision <= memory.state.compact_revision {
            return Err(Rejected::Compacted);
        }
        if revision > memory.state.revision {
            return Err(Rejected::FutureRevision);
        }
        memory.state.compact_revision = revision;
        memory.awaiting_removal.extend(memory.index.compact(revision));
        Ok(memory.state.revision)
    }

    /// Removes so many unreachable records, if there are so many.
    pub(crate) fn compact_step(&mut self, records: usize) -> Result<(), StoreError> {
        for _ in 0..records {
            let Some(revision) = self.memory.awaiting_removal.pop_first() else { break };
            self.remove(revision)?;
        }
        if !self.memory.awaiting_removal.is_empty() {
            probe!("compaction takes another step");
        }
        Ok(())
    }

    /// Removes all unreachable records.
    pub(crate) fn compact_all(&mut self) -> Result<(), StoreError> {
        while let Some(revision) = self.memory.awaiting_removal.pop_first() {
            self.remove(revision)?;
        }
        Ok(())
    }

    fn remove(&mut self, revision: Revision) -> Result<(), StoreError> {
        let compacted = self.memory.state.compact_revision;
        assert!(revision.main <= compacted, "{revision} is removed, compacted at {compacted}");
        self.records.remove(revision.key())?;
        Ok(())
    }
}

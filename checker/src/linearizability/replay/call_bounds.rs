//! Bounds the call time of each revision's write, by the first answer or event that shows the
//! revision.

use super::Replay;

impl Replay<'_, '_> {
    /// The write of revision r was called before any operation of a higher slot returned. Fills
    /// `called_by` with these times.
    pub(super) fn bound_calls(&mut self) {
        let base = self.ops.base;
        let mut bound = vec![u64::MAX; (self.top - base) as usize + 1];
        let mut seen = |revision: i64, ns: u64| {
            let revision = revision.min(self.top);
            if revision > base {
                let place = (revision - base) as usize - 1;
                bound[place] = bound[place].min(ns);
            }
        };
        seen(self.ops.top, self.ops.seen_ns);
        for (revision, place) in self.ops.made() {
            if let Some(return_ns) = self.ops.record(place).return_ns {
                seen(revision - 1, return_ns);
            }
        }
        for (revision, place) in self.ops.observers.all() {
            if let Some(return_ns) = self.ops.record(*place).return_ns {
                seen(*revision, return_ns);
            }
        }
        for place in &self.ops.compactions {
            let shown = self.ops.shown_by_compaction(*place);
            if let (Some(shown), Some(at)) = (shown, self.ops.record(*place).return_ns) {
                seen(shown, at);
            }
        }
        if let Some(watch_evidence) = self.watch_evidence {
            watch_evidence.observations(self.ops, &mut seen);
        }
        for place in (0..bound.len() - 1).rev() {
            bound[place] = bound[place].min(bound[place + 1]);
        }
        self.called_by = bound;
    }
}

//! What the answers show of one key over time.

use crate::history::KeyValue;

/// The version of a key that was written at `written` and that an answer still shows at `until`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObservedVersion<'a> {
    pub(super) written: i64,
    pub(super) until: i64,
    pub(super) version: i64,
    pub(super) create: i64,
    pub(super) kv: &'a KeyValue,
    /// Whether the answer shows the value too.
    pub(super) full: bool,
}

/// Everything that the answers show of one key.
#[derive(Debug, Default)]
pub(crate) struct KeyTimeline<'a> {
    /// By `written`, then by `until`.
    pub(super) seen: Vec<ObservedVersion<'a>>,
    /// Revisions at which the key did not exist.
    pub(super) absent: Vec<i64>,
    /// Revisions at which the key existed, in an unknown version.
    pub(super) there: Vec<i64>,
    /// Revisions of answered puts.
    pub(super) puts: Vec<i64>,
    /// Revisions of answered requests that could have deleted the key.
    pub(super) deletes: Vec<i64>,
    /// Indeterminate writes that could delete the key, by call.
    pub(super) deleters: Vec<u32>,
    /// Whether a single one of these writes could both delete and put the key.
    pub(super) replaceable: bool,
    /// Puts that indeterminate writes must have made. The ranges of revisions do not overlap.
    put_needs: Vec<Need>,
    /// Deletions that indeterminate writes must have made.
    deletion_needs: Vec<Need>,
}

/// `count` indeterminate writes put (or deleted) the key after one revision and no later than
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) after: i64,
    pub(crate) by: i64,
    pub(crate) count: i64,
}

/// Whether a key existed at a revision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Absent,
    /// Existed, since its creation at this very revision. `count` has already counted the put that
    /// created it.
    Born,
    There,
}

impl KeyTimeline<'_> {
    /// Derives the needs after everything was gathered. The recording says nothing about changes up
    /// to `base`.
    pub(super) fn finish(&mut self, base: i64, counted: bool) {
        self.seen.sort_by_key(|observed| (observed.written, observed.until));
        for list in [&mut self.absent, &mut self.there, &mut self.puts, &mut self.deletes] {
            list.sort_unstable();
        }
        if counted {
            self.count(base);
            self.count_lives(base);
            self.put_needs.sort_by_key(|need| need.after);
        }
    }

    /// Counts the puts between two observed versions with one creation: the difference of the
    /// versions, less the answered puts.
    fn count(&mut self, base: i64) {
        let mut last: Option<ObservedVersion<'_>> = None;
        for observed in &self.seen {
            let born = ObservedVersion {
                written: observed.create,
                until: observed.create,
                version: 1,
                ..*observed
            };
            let before = match last {
                Some(last) if last.create == observed.create => last,
                // The creation takes one put.
                _ => {
                    if observed.create > base && self.puts.binary_search(&observed.create).is_err()
                    {
                        let (after, by) = (observed.create - 1, observed.create);
                        self.put_needs.push(Need { after, by, count: 1 });
                    }
                    born
                }
            };
            let after = before.written.max(before.until);
            if after >= base && observed.written > before.written {
                let put = |revision: i64| self.puts.partition_point(|put| *put <= revision) as i64;
                let known = put(observed.written) - put(before.written);
                let count = observed.version.saturating_sub(before.version).saturating_sub(known);
                if count > 0 {
                    self.put_needs.push(Need { after, by: observed.written, count });
                }
            }
            last = Some(*observed);
        }
    }

    /// A key that existed at one revision and not at a later one was deleted in between. A key that
    /// exists again was put in between.
    fn count_lives(&mut self, base: i64) {
        let mut marks: Vec<(i64, Mark)> = Vec::new();
        for observed in &self.seen {
            if !self.replaced_at(observed.create) {
                marks.push((observed.create.saturating_sub(1), Mark::Absent));
            }
            marks.push((observed.create, Mark::Born));
            marks.push((observed.until, Mark::There));
        }
        marks.extend(self.absent.iter().map(|at| (*at, Mark::Absent)));
        marks.extend(self.there.iter().map(|at| (*at, Mark::There)));
        marks.extend(self.puts.iter().map(|at| (*at, Mark::There)));
        // A transaction may have deleted a key after its answer showed the key.
        let lasts =
            |at: i64, mark| mark == Mark::Absent || self.deletes.binary_search(&at).is_err();
        marks.retain(|(at, mark)| *at >= base && lasts(*at, *mark));
        marks.sort_unstable();
        for pair in marks.windows(2) {
            let ((after, before), (by, then)) = (pair[0], pair[1]);
            if by <= after {
                continue;
            }
            let within = |list: &[i64]| {
                let from = list.partition_point(|at| *at <= after);
                list.get(from).is_some_and(|at| *at <= by)
            };
            let need = Need { after, by, count: 1 };
            match (before, then) {
                (Mark::There | Mark::Born, Mark::Absent) if !within(&self.deletes) => {
                    self.deletion_needs.push(need);
                }
                (Mark::Absent, Mark::There) if !within(&self.puts) => self.put_needs.push(need),
                _ => {}
            }
        }
    }

    /// Whether the write that created the key may be a transaction that first deleted it.
    fn replaced_at(&self, create: i64) -> bool {
        self.deletes.binary_search(&create).is_ok()
            || self.replaceable && self.puts.binary_search(&create).is_err()
    }

    /// The last revision at which the previous life of a key can have ended, if the key was created
    /// at `create`.
    pub(super) fn gone_before(&self, create: i64) -> i64 {
        if self.replaced_at(create) { create } else { create.saturating_sub(1) }
    }

    /// The needed puts whose range starts at a hole or later.
    pub(super) fn put_needs(&self, hole: i64) -> &[Need] {
        &self.put_needs[self.put_needs.partition_point(|need| need.after < hole)..]
    }

    /// The needed deletions whose range starts at a hole or later.
    pub(super) fn deletion_needs(&self, hole: i64) -> &[Need] {
        &self.deletion_needs[self.deletion_needs.partition_point(|need| need.after < hole)..]
    }

    /// Whether an answer shows that the key did not change at a hole.
    pub(super) fn unchanged_at(&self, hole: i64) -> bool {
        let before = self.seen.partition_point(|observed| observed.written < hole);
        // Observations of one version are adjacent, the longest last. If an older version outlived
        // a newer one, no order would fit at all.
        before > 0 && self.seen[before - 1].until >= hole
    }
}

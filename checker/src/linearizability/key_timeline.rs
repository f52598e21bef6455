//! What answers show of one key over time, and whether a change of it would fit.

use std::cmp::Ordering;

use crate::history::KeyValue;
use crate::model::Version;

/// A key was seen with a version of `written`, and still so at `until`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObservedVersion<'a> {
    pub(super) written: i64,
    pub(super) until: i64,
    pub(super) version: i64,
    pub(super) create: i64,
    pub(super) kv: &'a KeyValue,
    /// Whether the value was shown as well.
    pub(super) full: bool,
}

/// Everything known of one key.
#[derive(Debug, Default)]
pub(crate) struct KeyTimeline<'a> {
    /// By `written`, then `until`.
    pub(super) seen: Vec<ObservedVersion<'a>>,
    /// Revisions at which it was seen to be absent.
    pub(super) absent: Vec<i64>,
    /// Revisions at which it was there, though nobody saw how.
    pub(super) there: Vec<i64>,
    /// Revisions of puts that were answered.
    pub(super) puts: Vec<i64>,
    /// Revisions of answered requests that could have deleted it.
    pub(super) deletes: Vec<i64>,
    /// Unknown writes that could delete it, in the order of their calls.
    pub(super) deleters: Vec<u32>,
    /// Whether one of them could also put it.
    pub(super) replaceable: bool,
    /// Puts that nobody acknowledged and that must have been, in stretches that do not overlap.
    put_needs: Vec<Need>,
    /// Deletions, likewise.
    deletion_needs: Vec<Need>,
}

/// So many unknown writes put (or deleted) a key after one revision, and by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) after: i64,
    pub(crate) by: i64,
    pub(crate) count: i64,
}

/// A hole that a change is to stand at.
pub(super) struct Hole<'a> {
    pub(super) revision: i64,
    /// Whether answers tell versions and revisions of creation.
    pub(super) counted: bool,
    /// How many writes of unknown outcome were called in time to make a revision.
    pub(super) in_time: &'a dyn Fn(i64) -> u32,
}

/// How well a change of a key at a hole fits what is known of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// A change is still owed before the revision.
    Needed(i64),
    /// Nobody looks.
    Free,
    /// Possible only if an unknown write deletes the key later (or puts it, after a deletion), up
    /// to this revision.
    Conditional(i64),
    /// Contradicts what is known, given the state now.
    Wrong,
    /// Contradicts what is known, whatever the state.
    Never,
}

/// What a key was at a revision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Absent,
    /// There, and its creation was seen: what it took is counted already.
    Born,
    There,
}

impl<'a> KeyTimeline<'a> {
    /// Once everything was gathered. What happened up to `base` was not recorded.
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

    /// Counts the puts between sights of one life of the key: those that the versions tell, less
    /// those that are known.
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
                // At its creation it was put once.
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

    /// Between a moment at which the key was there and one at which it was not, somebody deleted
    /// it; and the other way round somebody put it.
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
        // A transaction may have deleted what it put, and showed.
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

    /// Whether the write that created the key may be a transaction that deleted it before.
    fn replaced_at(&self, create: i64) -> bool {
        self.deletes.binary_search(&create).is_ok()
            || self.replaceable && self.puts.binary_search(&create).is_err()
    }

    /// By when the key was gone that was created at a revision.
    fn gone_before(&self, create: i64) -> i64 {
        if self.replaced_at(create) { create } else { create.saturating_sub(1) }
    }

    /// The unknown puts that must happen in stretches that begin at a hole or later.
    pub(super) fn put_needs(&self, hole: i64) -> &[Need] {
        &self.put_needs[self.put_needs.partition_point(|need| need.after < hole)..]
    }

    /// The unknown deletions, likewise.
    pub(super) fn deletion_needs(&self, hole: i64) -> &[Need] {
        &self.deletion_needs[self.deletion_needs.partition_point(|need| need.after < hole)..]
    }

    /// Whether the key is known not to have changed at the hole.
    pub(super) fn unchanged_at(&self, hole: i64) -> bool {
        let before = self.seen.partition_point(|observed| observed.written < hole);
        // AnswerEvidence of one version lie together, the longest last; of an older version none may reach
        // beyond a newer one, or no order would fit anyway.
        before > 0 && self.seen[before - 1].until >= hole
    }

    fn next(&self, hole: i64) -> Option<ObservedVersion<'a>> {
        let at = self.seen.partition_point(|observed| observed.written < hole);
        self.seen.get(at).copied()
    }

    fn absent_after(&self, hole: i64) -> Option<i64> {
        let at = self.absent.partition_point(|gone| *gone < hole);
        self.absent.get(at).copied()
    }

    /// Whether somebody may delete the key after one revision and by another; `in_time` says how
    /// many unknown writes were called in time for a revision.
    fn deleted_within(&self, after: i64, by: i64, in_time: &dyn Fn(i64) -> u32) -> Fit {
        let from = self.deletes.partition_point(|delete| *delete <= after);
        if self.deletes.get(from).is_some_and(|delete| *delete <= by) {
            return Fit::Free;
        }
        match self.deleters.first() {
            Some(first) if by > after && *first < in_time(by) => Fit::Conditional(by),
            _ => Fit::Never,
        }
    }

    /// How a put at a hole would fit; `now` is the key before it.
    pub(super) fn fit_put(&self, at: &Hole<'_>, now: Option<&Version>) -> Fit {
        let Hole { revision: hole, counted, in_time } = *at;
        if self.unchanged_at(hole) {
            return Fit::Never;
        }
        let next = self.next(hole);
        let gone = self.absent_after(hole);
        if let Some(gone) = gone.filter(|gone| next.is_none_or(|next| *gone < next.written)) {
            return self.deleted_within(hole, gone, in_time);
        }
        let Some(next) = next else { return Fit::Free };
        if !counted {
            return if next.written == hole { Fit::Needed(hole) } else { Fit::Free };
        }
        if let Some(now) = now
            && now.create_revision == next.create
        {
            let from = self.puts.partition_point(|put| *put < hole);
            let to = self.puts.partition_point(|put| *put <= next.written);
            let at_next = i64::from(self.puts.binary_search(&next.written).is_err());
            let owed = next.version.saturating_sub(now.version + (to - from) as i64 + at_next);
            let fits = if next.written == hole { owed == 0 } else { owed > 0 };
            return if fits { Fit::Needed(next.written) } else { Fit::Wrong };
        }
        match next.create.cmp(&hole) {
            Ordering::Equal => Fit::Needed(hole),
            Ordering::Greater => self.deleted_within(hole, self.gone_before(next.create), in_time),
            Ordering::Less => Fit::Wrong,
        }
    }

    /// How a deletion at a hole would fit; `now` is the key before it. `putters` are the unknown
    /// writes that could put it.
    pub(super) fn fit_delete(&self, at: &Hole<'_>, now: &Version, putters: &[u32]) -> Fit {
        let Hole { revision: hole, counted, in_time } = *at;
        if self.unchanged_at(hole) {
            return Fit::Never;
        }
        let gone = self.absent_after(hole);
        let next = self.next(hole);
        let by = match (next, gone) {
            (Some(next), Some(gone)) if gone < next.written => Some(gone),
            (Some(_), _) if !counted => return Fit::Free,
            (Some(next), _) if next.create == now.create_revision => return Fit::Wrong,
            (Some(next), _) => Some(self.gone_before(next.create)),
            (None, gone) => gone,
        };
        let from = self.deletes.partition_point(|at| *at < hole);
        match by {
            Some(by) if self.deletes.get(from).is_none_or(|at| *at > by) => Fit::Needed(by),
            _ => self.put_within(hole, in_time, putters),
        }
    }

    /// Whether somebody may put the key again before it is next known to be there.
    fn put_within(&self, hole: i64, in_time: &dyn Fn(i64) -> u32, putters: &[u32]) -> Fit {
        let at = self.there.partition_point(|there| *there < hole);
        let Some(by) = self.there.get(at).copied() else { return Fit::Free };
        let from = self.puts.partition_point(|put| *put <= hole);
        if self.puts.get(from).is_some_and(|put| *put <= by) {
            return Fit::Free;
        }
        match putters.first() {
            Some(first) if by > hole && *first < in_time(by) => Fit::Conditional(by),
            _ => Fit::Never,
        }
    }
}

//! What the answers show of one key over time, and whether a change of the key fits.

use std::cmp::Ordering;

use crate::history::KeyValue;
use crate::model::Version;

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

/// A hole at which a change is tried.
pub(super) struct Hole<'a> {
    pub(super) revision: i64,
    /// Whether the recording has versions and creation revisions.
    pub(super) counted: bool,
    /// How many indeterminate writes were called in time to make a revision.
    pub(super) in_time: &'a dyn Fn(i64) -> u32,
}

/// How well a change of a key at a hole fits its timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// The timeline needs such a change no later than this revision.
    Needed(i64),
    /// The timeline says nothing about such a change.
    Free,
    /// Fits only if an indeterminate write reverses the change no later than this revision.
    Conditional(i64),
    /// Contradicts the timeline, given the state before the hole.
    Wrong,
    /// Contradicts the timeline in any state.
    Never,
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

impl<'a> KeyTimeline<'a> {
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
    fn gone_before(&self, create: i64) -> i64 {
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

    fn next(&self, hole: i64) -> Option<ObservedVersion<'a>> {
        let at = self.seen.partition_point(|observed| observed.written < hole);
        self.seen.get(at).copied()
    }

    fn absent_after(&self, hole: i64) -> Option<i64> {
        let at = self.absent.partition_point(|gone| *gone < hole);
        self.absent.get(at).copied()
    }

    /// How a put fits if the key must be gone again by `by`: whether a write may delete the key in
    /// between.
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

    /// How a put at a hole fits. `now` is the key before it.
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
            let needed = next.version.saturating_sub(now.version + (to - from) as i64 + at_next);
            let fits = if next.written == hole { needed == 0 } else { needed > 0 };
            return if fits { Fit::Needed(next.written) } else { Fit::Wrong };
        }
        match next.create.cmp(&hole) {
            Ordering::Equal => Fit::Needed(hole),
            Ordering::Greater => self.deleted_within(hole, self.gone_before(next.create), in_time),
            Ordering::Less => Fit::Wrong,
        }
    }

    /// How a deletion at a hole fits. `now` is the key before it. `putters` are the indeterminate
    /// writes that could put the key.
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

    /// How a deletion fits if the key is known to exist later: whether a write may put the key in
    /// between.
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

//! How well a put or a deletion at a hole fits the timeline of its key.

use std::cmp::Ordering;

use super::key_timeline::{KeyTimeline, ObservedVersion};
use crate::model::Version;

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

impl KeyTimeline<'_> {
    /// The first observed version that was written at the hole or later.
    fn next(&self, hole: i64) -> Option<ObservedVersion<'_>> {
        let at = self.seen.partition_point(|observed| observed.written < hole);
        self.seen.get(at).copied()
    }

    /// The first revision from the hole on at which the key did not exist.
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

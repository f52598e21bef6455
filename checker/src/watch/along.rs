//! Along the replay: everything owed comes, nothing else does, and it is what was written.

use super::asked::AT_CHANGE;
use super::promise::{Missing, Told};
use super::walk::{Found, Position, Walk};
use super::{
    atomic, bookmarkable, canceled, compacted, event, header, ordered, range, reliable, resumable,
};
use crate::history::{Event, Record};
use crate::linearizability::place_of;
use crate::model::Change;
use crate::streams::{Arrival, is_progress};

impl Walk<'_, '_> {
    /// Everything owed comes, nothing else does, and it is what was written.
    pub(super) fn along(&self) -> Found<Position> {
        let mut position = Position { done: self.watcher.start.saturating_sub(1), open: false };
        header::reached(self, self.watcher.created)?;
        compacted::not_compacted(self)?;
        for group in self.watcher.groups() {
            let arrival = group[0];
            let response = arrival.response;
            header::reached(self, arrival)?;
            if response.canceled && response.compact_revision == 0 {
                canceled::told_to_end(self, arrival)?;
            } else if response.canceled {
                compacted::canceled(self, arrival, &position)?;
            } else if is_progress(response) {
                let notice = response.header.revision;
                self.nothing_missing(&mut position, notice, arrival.record, true)?;
            } else {
                self.events(group, &mut position)?;
            }
        }
        // An event that contradicts the start says more than a notice does.
        for arrival in self.watcher.arrivals.iter().filter(|one| is_progress(one.response)) {
            bookmarkable::not_before_start(self, *arrival)?;
        }
        Ok(position)
    }

    fn events(&self, group: &[Arrival<'_>], position: &mut Position) -> Found {
        let all = group.iter().flat_map(|arrival| {
            arrival.response.events.iter().map(|event| (arrival.record, event))
        });
        let all: Vec<(&Record, &Event)> = all.collect();
        position.open = group.last().is_some_and(|arrival| arrival.response.fragment);
        let mut left = all.len();
        for events in all.chunk_by(|a, b| a.1.kv.mod_revision == b.1.kv.mod_revision) {
            left -= events.len();
            let (record, first) = events[0];
            let revision = first.kv.mod_revision;
            range::wanted(self, events)?;
            resumable::not_before_start(self, first, record)?;
            event::of_a_write(self, first, record)?;
            if revision <= self.store.floor() {
                position.done = position.done.max(revision);
                continue; // nobody recorded what was written there
            }
            self.nothing_missing(position, revision - 1, record, false)?;
            let partial = left == 0 && position.open;
            self.one_revision(events, revision, partial)?;
            position.done = position.done.max(revision - i64::from(partial));
        }
        Ok(())
    }

    /// Everything wanted up to a revision has come.
    fn nothing_missing(
        &self,
        position: &mut Position,
        up_to: i64,
        record: &Record,
        notice: bool,
    ) -> Found {
        if let Some((revision, change)) = self.first_missing(position.done, up_to) {
            let missing = Missing { revision, change, done: position.done, up_to, record, notice };
            bookmarkable::all_before(self, &missing)?;
            resumable::all_from_start(self, &missing)?;
            return reliable::before_next(self, &missing);
        }
        position.done = position.done.max(up_to);
        Ok(())
    }

    /// The events of one revision are what its write did, in its order; `partial` if the rest of
    /// them may still be on the way.
    fn one_revision(&self, events: &[(&Record, &Event)], revision: i64, partial: bool) -> Found {
        let changes: Vec<Change<'_>> = self.store.changes(revision).collect();
        let mut place = 0;
        for &(record, event) in events {
            let Some(at) = place_of(&changes, place, event) else {
                return event::not_next(self, event, &changes, record);
            };
            ordered::none_passed(self, events, &changes[place..at], record, event)?;
            self.none_wanted(&changes[place..at], revision, record)?;
            let told = Told { event, record, change: &changes[at] };
            for ask in AT_CHANGE {
                ask(self, &told)?;
            }
            place = at + 1;
        }
        match events.last() {
            Some((record, _)) if !partial => self.none_wanted(&changes[place..], revision, record),
            _ => Ok(()),
        }
    }

    /// The watcher wants none of `changes`, of which no event told.
    #[inline]
    fn none_wanted(&self, changes: &[Change<'_>], revision: i64, record: &Record) -> Found {
        let Some(change) = changes.iter().find(|change| self.wants(change)) else { return Ok(()) };
        atomic::nowhere_else(self, change, revision, record)?;
        reliable::within_revision(self, change, revision, record)
    }
}

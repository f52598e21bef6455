//! Checks a watcher's responses and events against each other, without the replay.

use super::asked::{AT_EVENT, AT_RESPONSE};
use super::promise::{Group, Heard};
use super::walk::{Found, Walk};
use crate::history::{Blob, Event, EventType, Record};
use crate::streams::is_progress;

/// How often each key was told of, in the revision told last.
struct Last<'a> {
    revision: i64,
    /// Where it was told of.
    record: Option<&'a Record>,
    /// Sorted. Most revisions tell of one key, and one allocation serves a whole watcher.
    told: Vec<((&'a Blob, EventType), usize)>,
}

impl Walk<'_, '_> {
    /// Checks the responses of a watcher one by one.
    pub(super) fn alone(&self) -> Found {
        let mut last = Last { revision: i64::MIN, record: None, told: Vec::new() };
        let mut noticed: (i64, Option<&Record>) = (0, None);
        let mut groups = self.watcher.groups().peekable();
        while let Some(parts) = groups.next() {
            let first = parts[0];
            if is_progress(first.response) {
                if first.response.header.revision > noticed.0 {
                    noticed = (first.response.header.revision, Some(first.record));
                }
                continue;
            }
            let group = Group { parts, last: groups.peek().is_none() };
            for ask in AT_RESPONSE {
                ask(self, &group)?;
            }
            let mut place = 0;
            for arrival in parts {
                for event in &arrival.response.events {
                    let heard = Heard {
                        event,
                        record: arrival.record,
                        place,
                        store: arrival.response.header.revision,
                        last: last.revision,
                        last_record: last.record,
                        times: last.tell(event, arrival.record),
                        noticed: noticed.0,
                        notice: noticed.1,
                    };
                    for ask in AT_EVENT {
                        ask(self, &heard)?;
                    }
                    place += 1;
                }
            }
        }
        Ok(())
    }
}

impl<'a> Last<'a> {
    /// Takes note of an event; how often its revision told of such a thing by now.
    fn tell(&mut self, event: &'a Event, record: &'a Record) -> usize {
        let revision = event.kv.mod_revision;
        if revision > self.revision {
            (self.revision, self.record) = (revision, Some(record));
            self.told.clear();
        }
        let told = (&event.kv.key, event.kind);
        let place = match self.told.binary_search_by(|(earlier, _)| earlier.cmp(&told)) {
            Ok(place) => place,
            Err(place) => {
                self.told.insert(place, (told, 0));
                place
            }
        };
        self.told[place].1 += 1;
        self.told[place].1
    }
}

//! What the watchers of one stream were given: each response goes to the watcher whose it is.

use mettle_checker::history::WatchResponse;

/// The id of responses that are for every watcher of a stream.
const EVERY_WATCHER: i64 = -1;

/// What a watcher was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The server made the watcher.
    pub created: bool,
    /// Everything up to this revision (within its range) has been delivered; 0 for nothing yet.
    pub revision: i64,
    /// Events delivered.
    pub events: u64,
    /// How it ended.
    pub over: WatchOver,
}

/// Why a watch ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchOver {
    /// The listener had enough.
    #[default]
    Left,
    /// The stream broke.
    Broken,
    /// The server cancelled it; with the oldest revision that can be watched, when that was why.
    Canceled(i64),
}

impl Heard {
    /// Adds one response.
    pub(super) fn take_in(&mut self, answer: &WatchResponse) {
        self.created |= answer.created;
        if answer.canceled {
            self.over = WatchOver::Canceled(answer.compact_revision);
            return;
        }
        self.events += answer.events.len() as u64;
        let revision = match answer.events.last() {
            // The rest of this revision is still to come.
            Some(last) if answer.fragment => last.kv.mod_revision - 1,
            Some(last) => last.kv.mod_revision,
            None if answer.created => 0,
            None => answer.header.revision,
        };
        self.revision = self.revision.max(revision);
    }
}

/// The watchers of one stream, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Watching {
    /// What each was given; one that is not over is [`WatchOver::Broken`], should the stream end.
    pub(super) heard: Vec<Heard>,
    /// The id of each that was made.
    ids: Vec<Option<i64>>,
    /// Whether its client cancelled it.
    canceled: Vec<bool>,
    /// So many requests were answered, which are answered in their order.
    answered: usize,
}

impl Watching {
    /// A watcher is asked for.
    pub(super) fn asked(&mut self) {
        self.heard.push(Heard { over: WatchOver::Broken, ..Heard::default() });
        self.ids.push(None);
        self.canceled.push(false);
    }

    /// The watcher in this place is about to be cancelled: its id, unless it has none or is over.
    pub(super) fn cancels(&mut self, place: usize) -> Option<i64> {
        let heard = self.heard.get(place)?;
        let id = (*self.ids.get(place)?).filter(|_| heard.over == WatchOver::Broken)?;
        if std::mem::replace(&mut self.canceled[place], true) { None } else { Some(id) }
    }

    /// Gives a response to the watcher whose it is, or to all.
    pub(super) fn take_in(&mut self, answer: &WatchResponse) {
        if answer.created {
            let place = self.answered;
            self.answered += 1;
            if let Some(heard) = self.heard.get_mut(place) {
                self.ids[place] = Some(answer.watch_id);
                heard.take_in(answer);
            }
            return;
        }
        for (place, heard) in self.heard.iter_mut().enumerate() {
            let whose =
                answer.watch_id == EVERY_WATCHER || self.ids[place] == Some(answer.watch_id);
            if whose && self.ids[place].is_some() && heard.over == WatchOver::Broken {
                heard.take_in(answer);
                if self.canceled[place] && matches!(heard.over, WatchOver::Canceled(0)) {
                    heard.over = WatchOver::Left;
                }
            }
        }
    }

    /// The listener has had enough of all that are not over.
    pub(super) fn leave(&mut self) {
        for heard in self.heard.iter_mut().filter(|heard| heard.over == WatchOver::Broken) {
            heard.over = WatchOver::Left;
        }
    }
}

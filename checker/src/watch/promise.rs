//! What one guarantee is to the walk over a watcher: its name, and where the walk asks it.

use super::walk::{Found, Walk};
use crate::history::{Event, Record};
use crate::model::Change;
use crate::streams::Arrival;
use crate::verdict::Guarantee;
use crate::words;

/// A question about a response, its parts together.
pub(super) type AtResponse = fn(&Walk<'_, '_>, &Group<'_, '_>) -> Found;

/// A question about an event, in the order of arrival.
pub(super) type AtEvent = fn(&Walk<'_, '_>, &Heard<'_, '_>) -> Found;

/// A question about an event together with its change in the replay.
pub(super) type AtChange = fn(&Walk<'_, '_>, &Told<'_>) -> Found;

/// A guarantee, and the places where the walks ask it. Most guarantees have one place; a guarantee
/// without any is asked by the walk itself.
#[derive(Clone, Copy)]
pub(crate) struct Promise {
    pub(crate) guarantee: Guarantee,
    /// Asked of each response with events, its parts together.
    pub(super) response: Option<AtResponse>,
    /// Asked of each event, in the order of arrival.
    pub(super) event: Option<AtEvent>,
    /// Asked of each event together with its change in the replay.
    pub(super) change: Option<AtChange>,
}

impl Promise {
    /// A guarantee without a place: the walk itself asks it.
    pub(super) const fn of(guarantee: Guarantee) -> Self {
        Promise { guarantee, response: None, event: None, change: None }
    }
}

/// A response with events: its parts, if it came in several.
pub(super) struct Group<'a, 'b> {
    pub(super) parts: &'b [Arrival<'a>],
    /// Whether this is the watcher's last response.
    pub(super) last: bool,
}

/// An event, and what the watcher had heard until then.
pub(super) struct Heard<'a, 'b> {
    pub(super) event: &'a Event,
    pub(super) record: &'a Record,
    /// How many events stand before it in its response.
    pub(super) place: usize,
    /// The revision that its response names as the store's.
    pub(super) store: i64,
    /// The highest revision of the events before it.
    pub(super) last: i64,
    /// The record of the first event of revision `last`.
    pub(super) last_record: Option<&'a Record>,
    /// How many events so far told of the same key, kind of change and revision.
    pub(super) times: usize,
    /// The highest revision that a progress notice has promised so far.
    pub(super) noticed: i64,
    pub(super) notice: Option<&'b Record>,
}

/// An event beside the change of the replay that it tells of.
pub(super) struct Told<'b> {
    pub(super) event: &'b Event,
    pub(super) record: &'b Record,
    pub(super) change: &'b Change<'b>,
}

/// A change that the watcher wants, and that had not come when something later did.
pub(super) struct Missing<'b> {
    pub(super) revision: i64,
    pub(super) change: Change<'b>,
    /// All up to here had come.
    pub(super) done: i64,
    /// All up to here had to have come.
    pub(super) up_to: i64,
    /// What came.
    pub(super) record: &'b Record,
    /// Whether that was a progress notice.
    pub(super) notice: bool,
}

impl Missing<'_> {
    /// What came, and what had not.
    pub(super) fn after(&self, came: &str) -> String {
        let kind = if self.change.now.is_deletion() { "deletion" } else { "put" };
        format!(
            "{came}, but the {kind} of {} at revision {} had not come",
            words::short(self.change.key),
            self.revision
        )
    }
}

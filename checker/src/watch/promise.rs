//! What one guarantee is to the walk over a watcher: its name, and where the walk asks it.

use super::walk::{Found, Walk};
use crate::history::{Event, Record};
use crate::model::Change;
use crate::streams::Arrival;
use crate::verdict::Guarantee;
use crate::words;

/// One guarantee, and where it is asked; most are asked in one place only, some by the walk itself.
#[derive(Clone, Copy)]
pub(crate) struct Promise {
    pub(crate) guarantee: Guarantee,
    /// Of each response with events, its parts together.
    pub(super) response: Option<fn(&Walk<'_, '_>, &Group<'_, '_>) -> Found>,
    /// Of each event, after those before it.
    pub(super) event: Option<fn(&Walk<'_, '_>, &Heard<'_, '_>) -> Found>,
    /// Of each event beside the change that it tells of.
    pub(super) change: Option<fn(&Walk<'_, '_>, &Told<'_>) -> Found>,
}

impl Promise {
    /// Asked by the walk itself, if nothing else is said.
    pub(super) const fn of(guarantee: Guarantee) -> Self {
        Promise { guarantee, response: None, event: None, change: None }
    }
}

/// A response with events: its parts, if it came in several.
pub(super) struct Group<'a, 'b> {
    pub(super) parts: &'b [Arrival<'a>],
    /// Whether nothing came after it.
    pub(super) last: bool,
}

/// An event, and what the watcher had heard before it.
pub(super) struct Heard<'a, 'b> {
    pub(super) event: &'a Event,
    pub(super) record: &'a Record,
    /// How many events stand before it in its response.
    pub(super) place: usize,
    /// The revision that its response names as the store's.
    pub(super) store: i64,
    /// The highest revision of the events before it.
    pub(super) last: i64,
    /// With the record of the first event of that revision.
    pub(super) last_record: Option<&'a Record>,
    /// How often it has told of this key with this kind of change at this revision, this time
    /// included.
    pub(super) times: usize,
    /// The highest progress notice before it.
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

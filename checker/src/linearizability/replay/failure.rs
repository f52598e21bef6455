//! Remembers the deepest contradiction, and which write had last changed its key.

use super::{Cause, Failure, Replay};
use crate::history::{PlainOp, Request, TxnRequest};
use crate::model::Scope;

impl Replay<'_, '_> {
    pub(super) fn deepen(&mut self, revision: i64, cause: Cause) {
        let deepest = self.deepest.as_ref();
        // An answer of the quorum weighs more than a watcher's event.
        let better = deepest.is_none_or(|deepest| {
            deepest.revision < revision
                || deepest.revision == revision && matches!(deepest.cause, Cause::NoWriter)
        });
        if better {
            self.deepest = Some(self.failure(revision, cause));
        }
    }

    pub(super) fn failure(&self, revision: i64, cause: Cause) -> Failure {
        let scope = match &cause {
            Cause::Answer(_, mismatch) | Cause::Event(mismatch, _) => Some(&mismatch.scope),
            Cause::Nothing(_) | Cause::NoWriter | Cause::Open => None,
        };
        let key = match scope {
            Some(Scope::Key(key)) => Some(key),
            _ => None,
        };
        let writer = key.and_then(|key| {
            let seen = match &cause {
                Cause::Answer(place, _) => self.looked_at(*place, revision)?,
                _ => revision,
            };
            let written = self.store.at(seen).get(key)?.mod_revision;
            let placed = || {
                let point = self.choice_points.iter().find(|point| point.hole == written)?;
                Some(self.ops.unknown[point.chosen? as usize])
            };
            self.ops.mutator(written).or_else(placed).map(|place| (written, place))
        });
        Failure { revision, cause, writer, guessed: !self.choice_points.is_empty(), held: None }
    }

    /// The revision whose state an answer shows. None if parts of the answer show several.
    fn looked_at(&self, place: u32, revision: i64) -> Option<i64> {
        let latest = match self.ops.mutator(revision) {
            Some(mutator) if mutator == place => revision - 1,
            _ => revision,
        };
        match &self.ops.record(place).request {
            Request::Range(range) if range.revision > 0 => Some(latest.min(range.revision)),
            Request::Txn(txn) if looks_back(txn) => None,
            _ => Some(latest),
        }
    }

    pub(super) fn last_failure(&self) -> Failure {
        let revision = self.store.revision() + 1;
        self.deepest.clone().unwrap_or_else(|| self.failure(revision, Cause::NoWriter))
    }
}

/// Whether a transaction reads a past revision.
fn looks_back(txn: &TxnRequest) -> bool {
    txn.ops().any(|op| matches!(op, PlainOp::Range(range) if range.revision > 0))
}

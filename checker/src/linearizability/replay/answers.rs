//! Applies a write, and compares the store with every answer and event of its revision.

use super::outcome::Contradiction;
use super::{Cause, Replay};
use crate::history::{Blob, Record, Response};
use crate::linearizability::indeterminate::reads;
use crate::linearizability::unplaced::oldest_read;
use crate::linearizability::watch_evidence::local_answer;
use crate::model::{Mismatch, Scope, Span, differ};

impl Replay<'_, '_> {
    /// Applies the write that claims a revision, and checks the gap after it.
    pub(super) fn apply_answered(&mut self, revision: i64) -> Result<(), Contradiction> {
        let place = self.ops.mutator(revision).expect("a known revision");
        let result = self.check_answer(place);
        if let Err(mismatch) = result {
            return Err(self.contradiction(place, mismatch, revision));
        }
        if self.store.revision() != revision {
            let spans = reads(&self.ops.record(place).request);
            return Err(Contradiction { cause: Cause::Nothing(place), spans, at: revision - 1 });
        }
        self.check_gap(revision)
    }

    /// Checks every answer and event that shows the store at a revision.
    pub(super) fn check_gap(&mut self, revision: i64) -> Result<(), Contradiction> {
        let ops = self.ops;
        for (_, place) in ops.observers.at(revision) {
            self.check_observer(*place, revision)?;
        }
        let Some(watch_evidence) = self.watch_evidence.filter(|_| revision >= self.first_hole)
        else {
            return Ok(());
        };
        let hole = self.ops.mutator(revision).is_none();
        self.steps += 1;
        watch_evidence.agree(ops.recorded, &self.store, revision, hole).map_err(|denied| {
            let spans = spans_of(&denied.mismatch, Vec::new);
            let cause = Cause::Event(Box::new(denied.mismatch), denied.record.id);
            Contradiction { cause, spans, at: revision - 1 }
        })?;
        for (_, place) in ops.locals.at(revision) {
            self.steps += 1;
            local_answer(ops, *place, self.store.now())
                .map_err(|mismatch| self.contradiction(*place, mismatch, revision))?;
        }
        Ok(())
    }

    /// Executes a request, and compares the answer of the model with the recorded answer.
    fn check_answer(&mut self, place: u32) -> Result<(), Mismatch> {
        let record = self.ops.record(place);
        self.steps += 1;
        match (self.store.execute(&record.request), &record.response) {
            (Err(refusal), _) => Err(refused(refusal.text())),
            (Ok(expected), Some(got)) => self.compare(record, expected, got),
            (Ok(_), None) => Ok(()),
        }
    }

    fn check_observer(&mut self, place: u32, revision: i64) -> Result<(), Contradiction> {
        let result = self.check_answer(place);
        let changed = self.store.revision() != revision;
        if changed {
            self.store.undo_to(revision);
        }
        let result = result.and_then(|()| {
            if changed {
                Err(refused("a change there, which makes a revision of its own"))
            } else {
                Ok(())
            }
        });
        result.map_err(|mismatch| self.contradiction(place, mismatch, revision))
    }

    /// The contradiction of an answer that differs from the model's. It depends on the state just
    /// before the revision, or at the oldest past revision that the request reads.
    fn contradiction(&self, place: u32, mismatch: Mismatch, revision: i64) -> Contradiction {
        let past = oldest_read(&self.ops.record(place).request);
        let at = past.map_or(revision - 1, |past| past.min(revision - 1));
        let spans = self.spans(place, &mismatch);
        Contradiction { cause: Cause::Answer(place, Box::new(mismatch)), spans, at }
    }

    fn compare(
        &self,
        record: &Record,
        mut expected: Response,
        got: &Response,
    ) -> Result<(), Mismatch> {
        self.ops.recorded.fade(&mut expected);
        differ(&record.request, &expected, got)
    }

    fn spans(&self, place: u32, mismatch: &Mismatch) -> Vec<Span> {
        spans_of(mismatch, || reads(&self.ops.record(place).request))
    }

    /// Whether the write that was applied at a hole agrees with answers and events.
    pub(in crate::linearizability) fn stands(&mut self, hole: i64) -> bool {
        self.check_keys_seen(hole).and_then(|()| self.check_gap(hole)).is_ok()
    }

    /// Checks that the write at a hole wrote every key that an answer shows with this revision.
    pub(super) fn check_keys_seen(&self, hole: i64) -> Result<(), Contradiction> {
        for seen in self.answer_evidence.at_hole(hole) {
            let kv = seen.kv;
            let now = self.store.now().get(&kv.key);
            let same = now.is_some_and(|now| {
                let mut must = now.of(&kv.key);
                self.ops.recorded.fade_kv(&mut must);
                if seen.keys_only {
                    must.value = Blob::default();
                }
                must.mod_revision == hole && must == *kv
            });
            if !same {
                let mismatch = Mismatch {
                    field: "kvs".to_owned(),
                    expected: now.map_or_else(
                        || "absent".to_owned(),
                        |now| format!("{}={} of version {}", kv.key, now.value, now.version),
                    ),
                    got: format!(
                        "{}={} of version {} (mod_revision {hole})",
                        kv.key, kv.value, kv.version
                    ),
                    scope: Scope::Key(kv.key.clone()),
                };
                let spans = vec![Span::one(&kv.key)];
                return Err(Contradiction {
                    cause: Cause::Answer(seen.place, Box::new(mismatch)),
                    spans,
                    at: hole - 1,
                });
            }
        }
        Ok(())
    }
}

fn refused(text: &str) -> Mismatch {
    Mismatch {
        field: "response".to_owned(),
        expected: text.to_owned(),
        got: "an answer".to_owned(),
        scope: Scope::Request,
    }
}

fn spans_of(mismatch: &Mismatch, request: impl FnOnce() -> Vec<Span>) -> Vec<Span> {
    match &mismatch.scope {
        Scope::Key(key) => vec![Span::one(key)],
        Scope::Request => request(),
        Scope::Nothing => Vec::new(),
    }
}

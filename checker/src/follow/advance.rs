//! Judges the complete revisions of a recording, and drops the records that are not needed later.

use super::window::{Firm, Judged, Window};
use super::{Follower, Held};
use crate::history::{History, Record, Request, Response, Role};
use crate::initial_store;
use crate::linearizability::JudgedRange;
use crate::model::Store;
use crate::verdict::Verdict;

impl Follower {
    /// Judges the complete revisions.
    pub(super) fn judge(&mut self) {
        let Some(latest) = self.clock.before(self.called_before) else { return };
        let silent = !self.cut && self.origin.start_revision.is_none();
        if silent && initial_store::past(self.held.iter().map(|held| &held.record)).is_some() {
            self.whole = true;
            return;
        }
        if let broken @ Verdict::Broken(_) = self.ledger.check(self.called_before) {
            return self.end(Some(broken));
        }
        let until = latest.value / 2 - 1;
        if until <= self.base() {
            self.wait();
            return;
        }
        let all = std::mem::take(&mut self.held);
        let most = until.saturating_mul(2).saturating_add(1);
        let (inside, mut outside): (Vec<Held>, Vec<Held>) =
            all.into_iter().partition(|held| is_inside(held.role, until));
        let later = outside.iter().filter(|held| slot_above(held.role, most));
        let seen_ns = later.filter_map(|held| held.record.return_ns).min().unwrap_or(u64::MAX);
        let guess = inside.len() > self.options.most;
        let (records, roles): (Vec<Record>, Vec<Role>) =
            inside.into_iter().map(|held| (held.record, held.role)).unzip();
        let history = History { origin: self.origin.clone(), records };
        let (unplaced, quiet) = (self.unplaced.clone(), self.quiet.clone());
        let (base, ambiguities) = (self.base(), self.ambiguities.clone());
        let judged =
            JudgedRange { base, until: Some(until), seen_ns, unplaced, quiet, ambiguities };
        let store = self.store.take().expect("the store of the last judgement");
        let floor = store.floor();
        let judged = self.window(&history, &roles, judged, guess, store);
        let held = history.records.into_iter().zip(roles);
        let held = held.map(|(record, role)| Held { record, role });
        match judged {
            Judged::Broken(verdict) => {
                self.held.extend(held);
                self.end(Some(verdict));
            }
            Judged::Stuck(store, verdict) => {
                self.store = Some(*store);
                self.held.extend(held);
                self.held.append(&mut outside);
                if self.held.len() > self.options.most {
                    self.end(Some(verdict));
                }
            }
            Judged::Firm(firm) => {
                let held: Vec<Held> = held.collect();
                let done = held.iter().zip(&firm.keep).filter(|(_, keep)| !**keep);
                let older = done.filter(|(held, _)| is_older(held, floor)).count();
                self.unjudged += older as u64;
                let held = held.into_iter();
                let kept = held.zip(&firm.keep).filter(|(_, keep)| **keep).map(|(held, _)| held);
                self.held.extend(kept);
                self.held.append(&mut outside);
                self.forward(*firm);
            }
        }
        self.wait();
    }

    /// Judges a range of revisions, starting from a store.
    pub(super) fn window(
        &self,
        history: &History,
        roles: &[Role],
        judged: JudgedRange,
        guess: bool,
        mut store: Store,
    ) -> Judged {
        let by = if judged.until.is_some() { self.called_before } else { u64::MAX };
        let leases = (!self.ledger.is_idle()).then(|| self.ledger.leases(by));
        if let Some(leases) = &leases {
            leases.prepare(&mut store);
        }
        let options = self.options.of_the_whole();
        Window { history, roles, judged, starts: &self.starts, guess, leases, options }.judge(store)
    }

    /// Takes over the result of a judgement.
    fn forward(&mut self, firm: Firm) {
        self.figures.placed += firm.placed;
        self.figures.steps += firm.steps;
        self.guessed = self.guessed.or(firm.guessed);
        self.ambiguities = firm.ambiguities;
        self.unjudged += firm.dropped;
        self.unplaced.extend(firm.unplaced);
        let held =
            self.held.iter().filter(|held| matches!(held.role, Role::Compaction | Role::Error));
        let ids: Vec<u64> = held.map(|held| held.record.id).collect();
        let ids: std::collections::BTreeSet<u64> = ids.into_iter().collect();
        self.unplaced.retain(|id, _| ids.contains(id));
        self.starts = firm.starts;
        let mut store = firm.store;
        if !self.ledger.is_idle() {
            self.ledger.forward(&mut store, &firm.ended);
        }
        self.cut = true;
        self.figures.revisions = store.revision();
        store.forget(store.revision() - self.options.past);
        self.store = Some(store);
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }
}

/// Whether a record belongs to the range of revisions that ends at `until`.
fn is_inside(role: Role, until: i64) -> bool {
    match role {
        Role::Mutator(revision) | Role::Observer(revision) | Role::Local(revision) => {
            revision <= until
        }
        _ => true,
    }
}

/// Whether a record reads a revision below the oldest that is kept.
pub(super) fn is_older(held: &Held, floor: i64) -> bool {
    if let Role::Local(revision) = held.role {
        return revision < floor;
    }
    match (&held.record.request, &held.record.response) {
        (Request::Range(range), Some(Response::Range(_))) => {
            range.revision > 0 && range.revision < floor
        }
        (_, Some(Response::Watch(response))) => {
            response.events.iter().any(|event| event.kv.mod_revision <= floor && floor > 1)
        }
        _ => false,
    }
}

fn slot_above(role: Role, slot: i64) -> bool {
    match role {
        Role::Mutator(revision) => revision.saturating_mul(2) > slot,
        Role::Observer(revision) => revision.saturating_mul(2).saturating_add(1) > slot,
        _ => false,
    }
}

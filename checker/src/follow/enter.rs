//! Enters records in the order of their calls, and compares each with the records before it.

use super::entry::{HeaderConflict, Said};
use super::{Follower, Held};
use crate::header::HEADER;
use crate::history::{Outcome, Record, Request, Response, Role, role};
use crate::linearizability::Bounds;
use crate::linearizability::real_time::{self, Slotted};
use crate::session::SESSION;
use crate::verdict::Verdict;
use crate::{Contradiction, watch, words};

impl Follower {
    /// Enters the records that were called before a time, in the order of their calls.
    pub(super) fn enter(&mut self, before: Option<u64>) -> Result<(), Contradiction> {
        let all = std::mem::take(&mut self.fresh);
        let (mut entering, later): (Vec<Record>, Vec<Record>) =
            all.into_iter().partition(|record| before.is_none_or(|at| record.call_ns < at));
        self.fresh = later;
        // The records of one stream keep their recorded order.
        entering.sort_by_key(|record| {
            let end = record.return_ns.unwrap_or(u64::MAX);
            (record.call_ns, if record.request.op().is_operation() { end } else { 0 })
        });
        self.asked.learn(entering.iter());
        for record in entering {
            self.asked.arrived(&record).map_err(|flaw| self.flaw(&record, flaw))?;
            if record.request.op().is_operation() {
                self.processes.called(&record).map_err(|flaw| self.flaw(&record, flaw))?;
            }
            self.count(&record);
            let found = self.headers.seen(&record).map(|found| header_verdict(&record, found));
            let refusal = self.refusals.look(&record, &self.options.cluster);
            let found = found.or_else(|| refusal.map(Verdict::Broken));
            let role = role(&record);
            let found = found.or_else(|| self.place(&record, role));
            let found = found.or_else(|| {
                let earlier = self.sessions.seen(&record)?;
                Some(session_verdict(&record, earlier))
            });
            self.ledger.enter(&record);
            self.held.push(Held { record, role });
            if found.is_some() {
                self.end(found);
                return Ok(());
            }
        }
        Ok(())
    }

    fn count(&mut self, record: &Record) {
        if record.request.op().is_operation() {
            match record.outcome {
                Outcome::Ok => self.figures.ok += 1,
                Outcome::Fail => self.figures.fail += 1,
                Outcome::Unknown => self.figures.unknown += 1,
            }
        }
        if let Some(Response::Watch(response)) = &record.response {
            self.responses += 1;
            let told = response.events.iter().map(|event| event.kv.mod_revision).max();
            self.named.returns(record.call_ns, response.header.revision, record.id);
            self.told = told.map_or(self.told, |told| self.told.max(told));
            self.figures.events += response.events.len() as u64;
            let refused = response.canceled && response.compact_revision == 0;
            self.figures.watchers += u64::from(response.created && !refused);
        }
    }

    /// Compares a record with every record that returned before its call.
    fn place(&mut self, record: &Record, role: Role) -> Option<Verdict> {
        let slot = match role {
            Role::Mutator(revision) => revision.saturating_mul(2),
            Role::Observer(revision) => revision.saturating_mul(2).saturating_add(1),
            Role::Compaction | Role::Error => {
                let first = self.base().saturating_mul(2).saturating_add(1);
                let low =
                    self.clock.before(record.call_ns).map_or(first, |latest| latest.value | 1);
                self.unplaced.insert(record.id, Bounds { low, high: i64::MAX });
                return None;
            }
            Role::Local(_) => {
                self.locals += 1;
                return None;
            }
            Role::NoRevision => {
                self.whole = true;
                return None;
            }
            Role::Nothing if matches!(record.request, Request::Quiesced(_)) => {
                let shown = self.clock.before(record.call_ns.saturating_add(1));
                let shown = shown.map_or(1, |shown| shown.value / 2).max(self.told);
                self.quiet.insert(record.id, shown);
                return None;
            }
            Role::Unknown | Role::Nothing => return None,
        };
        if let Role::Mutator(revision) = role {
            let named = self.named.before(record.call_ns);
            if let Some(named) = named.filter(|named| named.value >= revision) {
                return Some(named_verdict(record, revision, named));
            }
        }
        let latest = self.clock.before(record.call_ns);
        if let Some(return_ns) = record.return_ns {
            self.clock.returns(return_ns, slot, record.id);
        }
        let Said { value: highest, id, .. } = latest.filter(|latest| latest.value > slot)?;
        // The record with this answer is not judged yet, since its slot is above every judged
        // revision.
        let earlier = self.held.iter().find(|held| held.record.id == id)?;
        Some(real_time::violation(
            Slotted { record: &earlier.record, slot: highest },
            Slotted { record, slot },
        ))
    }
}

fn named_verdict(record: &Record, made: i64, named: Said) -> Verdict {
    let reason = format!(
        "the watch response of record {} named revision {}, {} before {} was called, which made \
         revision {made} and had to be done first",
        named.id,
        named.value,
        words::duration(record.call_ns - named.at),
        words::describe(record)
    );
    Verdict::broken(watch::HEADER, reason, vec![named.id, record.id])
}

fn session_verdict(record: &Record, earlier: Said) -> Verdict {
    let own = record.response.as_ref().and_then(Response::header);
    let reason = format!(
        "{} began {} after record {} had been answered on the same connection, number {}, from \
         revision {}, and was answered from revision {}: a read of a member's own store went back",
        words::describe(record),
        words::duration(record.call_ns - earlier.at),
        earlier.id,
        record.connection,
        earlier.value,
        own.map_or(0, |header| header.revision)
    );
    Verdict::broken(SESSION, reason, vec![record.id, earlier.id])
}

fn header_verdict(record: &Record, conflict: HeaderConflict) -> Verdict {
    let HeaderConflict { field, first, values } = conflict;
    let reason = format!(
        "{} was answered by member {} with {field} {:x}, but record {}, answered at {}, with {:x}",
        words::describe(record),
        record.member,
        values[1],
        first.id,
        words::time(first.at),
        values[0]
    );
    Verdict::broken(HEADER, reason, vec![record.id, first.id])
}

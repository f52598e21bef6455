//! Ends a followed recording: judges the rest, and assembles the report.

use super::advance::is_older;
use super::window::Judged;
use super::{Follower, Held, START};
use crate::Contradiction;
use crate::check::{answered, check, conclude, unplaced};
use crate::guarantees::GUARANTEES;
use crate::header::HEADER;
use crate::history::{History, Record, Role};
use crate::lease::LEASE;
use crate::linearizability::JudgedRange;
use crate::refusal::REFUSAL;
use crate::serializable::SERIALIZABLE;
use crate::session::SESSION;
use crate::streams::streams_of;
use crate::verdict::{ASSUMPTIONS, Check, Guarantee, LINEARIZABILITY, Report, Verdict};

impl Follower {
    /// Ends an incomplete recording: the last calls may not be written yet. Settled records are
    /// judged for good. A violation that depends on later records is reported as unknown, since
    /// missing records may explain it.
    pub fn interrupt(&mut self) -> Result<Report, Contradiction> {
        self.settle()?;
        self.interrupted = self.broken.is_none();
        let mut report = self.finish()?;
        for check in &mut report.checks {
            check.verdict = self.weigh(std::mem::replace(&mut check.verdict, Verdict::Legal));
        }
        report.verdict = self.weigh(report.verdict);
        Ok(report)
    }

    /// Ends a complete recording, and judges the rest.
    pub fn finish(&mut self) -> Result<Report, Contradiction> {
        if self.broken.is_none() {
            self.enter(None)?;
        }
        if let Some(verdict) = self.broken.take() {
            return Ok(self.report(vec![verdict_check(verdict)]));
        }
        let Some(store) = self.store.take() else {
            let cause = format!(
                "start_revision is {}, but nothing was recorded",
                self.origin.start_revision.unwrap_or_default()
            );
            let what = "nothing was recorded".to_owned();
            return Err(Contradiction { place: 0, id: 0, what, cause, remedy: START });
        };
        let held = std::mem::take(&mut self.held);
        if !self.cut {
            return Ok(self.whole(held));
        }
        self.unjudged += held.iter().filter(|held| is_older(held, store.floor())).count() as u64;
        let (records, roles): (Vec<Record>, Vec<Role>) =
            held.into_iter().map(|held| (held.record, held.role)).unzip();
        let history = History { origin: self.origin.clone(), records };
        let quiet = std::mem::take(&mut self.quiet);
        let ambiguities = std::mem::take(&mut self.ambiguities);
        let judged = JudgedRange {
            unplaced: std::mem::take(&mut self.unplaced),
            quiet,
            ambiguities,
            ..JudgedRange::whole(store.revision())
        };
        if let broken @ Verdict::Broken(_) = self.ledger.check(u64::MAX) {
            self.show(&broken, &history.records);
            return Ok(self.report(vec![verdict_check(broken)]));
        }
        let checks = match self.window(&history, &roles, judged, false, store) {
            Judged::Broken(verdict) => vec![verdict_check(verdict)],
            Judged::Stuck(store, verdict) => {
                // The fallback search does not help: an unplaced operation that began before the
                // store's revision has no place after it.
                drop(store);
                let mut checks = vec![verdict_check(verdict)];
                checks.extend(unplaced(&streams_of(history.records.iter(), &self.starts)));
                checks
            }
            Judged::Firm(firm) => {
                self.figures.placed += firm.placed;
                self.figures.steps += firm.steps;
                self.figures.revisions = firm.store.revision();
                firm.checks
            }
        };
        let report = self.report(checks);
        self.show(&report.verdict, &history.records);
        Ok(report)
    }

    /// Judges a recording of which every record was kept, like any other recording.
    fn whole(&mut self, held: Vec<Held>) -> Report {
        let records = held.into_iter().map(|held| held.record).collect();
        let history = History { origin: self.origin.clone(), records };
        let report = check(&history, &self.options.of_the_whole());
        self.show(&report.verdict, &history.records);
        report
    }

    /// Assembles the report; a check that found nothing is legal.
    fn report(&mut self, checks: Vec<Check>) -> Report {
        self.figures.revisions = self.figures.revisions.max(self.base());
        let operations = self.figures.ok + self.figures.fail + self.figures.unknown;
        let sessions = self.sessions.examined;
        let refusals = self.refusals.examined;
        let of = |Guarantee { name, .. }: Guarantee| {
            let examined = match name {
                ASSUMPTIONS | HEADER => self.records,
                LINEARIZABILITY => operations,
                LEASE => self.ledger.examined,
                SERIALIZABLE => self.locals,
                SESSION => sessions,
                REFUSAL => refusals,
                _ => self.responses,
            };
            Check { name, verdict: Verdict::Legal, examined }
        };
        let mut all: Vec<Check> = GUARANTEES.into_iter().map(of).collect();
        all.sort_by_key(|check| check.name == SESSION); // reported last
        all[0].verdict = answered(&self.figures, self.responses);
        for check in checks {
            if let Some(own) = all.iter_mut().find(|own| own.name == check.name) {
                own.verdict = self.weigh(check.verdict);
            }
        }
        conclude(all, self.figures.clone())
    }
}

fn verdict_check(verdict: Verdict) -> Check {
    let name = match &verdict {
        Verdict::Broken(violation) => violation.checker,
        Verdict::Unknown(doubt) => doubt.checker,
        Verdict::Legal => LINEARIZABILITY,
    };
    Check { name, verdict, examined: 0 }
}

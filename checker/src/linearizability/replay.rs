//! Replays the writes in the order of their revisions, and fills each revision that no answer
//! claims with a write of unknown outcome.

use std::collections::{BTreeMap, BTreeSet};

use super::answer_evidence::AnswerEvidence;
use super::choice_point::ChoicePoint;
use super::demand::Demand;
use super::followed::PossibleWriters;
use super::followed::ambiguity::{AmbiguousRevision, Settled, Writer};
use super::indeterminate::{IndeterminateWrites, reads};
use super::ops::Ops;
use super::unplaced::oldest_read;
use super::watch_evidence::{WatchEvidence, local_answer};
use crate::budget::Budget;
use crate::history::{Blob, Record, Request, RequestOp, Response, TxnRequest};
use crate::model::{Mismatch, Scope, Span, Store, differ};

/// What a replay leaves.
#[derive(Debug)]
pub(crate) struct Placement {
    /// With every revision in it.
    pub(crate) store: Store,
    /// Unknown writes that took a revision: (revision, place in `records`).
    pub(crate) placed: Vec<(i64, u32)>,
    /// Who can have made what, where the recording goes on.
    pub(crate) writers: PossibleWriters,
    pub(crate) steps: u64,
    base: i64,
}

impl Placement {
    /// What is certain of makers up to a revision, with the doubts that earlier parts left.
    pub(crate) fn settled(&self, ambiguities: &[AmbiguousRevision], firm: i64) -> Settled {
        let mut put: BTreeMap<i64, i64> = BTreeMap::new();
        for revision in self.base + 1..=firm.min(self.store.revision()) {
            for change in self.store.changes(revision).filter(|change| change.now.lease != 0) {
                put.insert(change.now.lease, revision);
            }
        }
        let alive = |lease, after| put.get(&lease).is_some_and(|revision| *revision > after);
        let attributions = self.writers.attributions.iter();
        let attributions =
            attributions.take_while(|attribution| attribution.ambiguity.revision <= firm).cloned();
        Settled::new(ambiguities, attributions, alive)
    }
}

/// The deepest contradiction that was met.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) revision: i64,
    pub(crate) what: What,
    /// The write that last changed the key in question, as far as it is known.
    pub(crate) writer: Option<(i64, u32)>,
    /// Whether unknown writes had been placed before.
    pub(crate) guessed: bool,
    /// If memory ran out before the steps did: the bytes that the choices took.
    pub(crate) held: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// An answer is not what the model gives.
    Answer(u32, Box<Mismatch>),
    /// A write that was answered at the revision changes nothing there.
    Nothing(u32),
    /// Nobody can have written the revision.
    NoWriter,
    /// The steps ran out before anything contradicted.
    Open,
    /// A watch event contradicts the write; the id of its record.
    Event(Box<Mismatch>, u64),
}

/// How a replay ends; without an order it gives back the store as it was before.
#[derive(Debug)]
pub(crate) enum Ending {
    Placed(Placement),
    Refuted(Failure, u64, Store),
    /// The budget is used up.
    Exhausted(Failure, u64, Store),
}

pub(super) struct Contradiction {
    pub(super) what: What,
    pub(super) spans: Vec<Span>,
    /// The state of the spans at this revision decides.
    pub(super) at: i64,
}

pub(crate) struct Replay<'a, 'b> {
    pub(super) ops: &'b Ops<'a>,
    pub(super) indeterminate: &'b IndeterminateWrites<'a>,
    pub(super) answer_evidence: &'b AnswerEvidence<'a, 'b>,
    pub(super) watch_evidence: Option<&'b WatchEvidence<'a, 'b>>,
    /// For revision base+1+n at place n: its write was called no later than this.
    pub(super) called_by: Vec<u64>,
    pub(super) top: i64,
    pub(super) first_hole: i64,
    pub(super) budget: Budget,
    /// Bytes that the frames take.
    pub(super) held: u64,
    /// Counted when it is first asked for.
    pub(super) demand: Option<Demand>,
    pub(super) store: Store,
    pub(super) choice_points: Vec<ChoicePoint>,
    pub(super) used: Vec<Option<usize>>,
    /// What frames use of what is in doubt.
    pub(super) claims: Vec<(Writer, usize)>,
    pub(super) steps: u64,
    pub(super) contradictions: u64,
    pub(super) deepest: Option<Failure>,
}

impl<'a, 'b> Replay<'a, 'b> {
    pub(crate) fn new(
        ops: &'b Ops<'a>,
        (indeterminate, answer_evidence): (&'b IndeterminateWrites<'a>, &'b AnswerEvidence<'a, 'b>),
        watch_evidence: Option<&'b WatchEvidence<'a, 'b>>,
        (store, budget): (Store, Budget),
    ) -> Self {
        let top = watch_evidence.map_or(ops.top, |watch_evidence| ops.top.max(watch_evidence.top));
        let hole = ops.holes().next();
        let mut replay = Replay {
            ops,
            indeterminate,
            answer_evidence,
            watch_evidence,
            called_by: Vec::new(),
            top,
            first_hole: hole.unwrap_or(ops.top + 1),
            budget,
            held: 0,
            demand: None,
            store,
            choice_points: Vec::new(),
            used: vec![None; indeterminate.len()],
            claims: Vec::new(),
            steps: 0,
            contradictions: 0,
            deepest: None,
        };
        replay.bound_calls();
        replay
    }

    /// A write of revision r was called before anything ordered after it returned.
    fn bound_calls(&mut self) {
        let base = self.ops.base;
        let mut bound = vec![u64::MAX; (self.top - base) as usize + 1];
        let mut seen = |revision: i64, ns: u64| {
            let revision = revision.min(self.top);
            if revision > base {
                let place = (revision - base) as usize - 1;
                bound[place] = bound[place].min(ns);
            }
        };
        seen(self.ops.top, self.ops.seen_ns);
        for (revision, place) in self.ops.made() {
            if let Some(return_ns) = self.ops.record(place).return_ns {
                seen(revision - 1, return_ns);
            }
        }
        for (revision, place) in self.ops.observers.all() {
            if let Some(return_ns) = self.ops.record(*place).return_ns {
                seen(*revision, return_ns);
            }
        }
        for place in &self.ops.compactions {
            let shown = self.ops.shown_by_compaction(*place);
            if let (Some(shown), Some(at)) = (shown, self.ops.record(*place).return_ns) {
                seen(shown, at);
            }
        }
        if let Some(watch_evidence) = self.watch_evidence {
            watch_evidence.observations(self.ops, &mut seen);
        }
        for place in (0..bound.len() - 1).rev() {
            bound[place] = bound[place].min(bound[place + 1]);
        }
        self.called_by = bound;
    }

    pub(super) fn place(&self, revision: i64) -> usize {
        (revision - self.ops.base) as usize - 1
    }

    pub(crate) fn run(mut self) -> Ending {
        let base = self.ops.base;
        if let Err(contradiction) = self.gap(base) {
            let failure = self.failure(base, contradiction.what);
            return self.refuted(failure);
        }
        while self.store.revision() < self.top {
            let revision = self.store.revision() + 1;
            let done = if self.ops.mutator(revision).is_some() {
                self.known(revision).map_err(|contradiction| {
                    let conflicts = self.conflict_set(
                        &contradiction.spans,
                        contradiction.at,
                        self.choice_points.len(),
                    );
                    self.deepen(revision, contradiction.what);
                    conflicts
                })
            } else {
                self.open(revision);
                self.try_next()
            };
            if let Err(conflicts) = done
                && !self.backjump(conflicts)
            {
                let failure = self.last_failure();
                return self.refuted(failure);
            }
            if self.exhausted() {
                let revision = self.store.revision() + 1;
                let deepest = self.deepest.clone();
                let mut failure = deepest.unwrap_or_else(|| self.failure(revision, What::Open));
                failure.held = (self.held > self.budget.memory_bytes).then_some(self.held);
                self.store.undo_to(base);
                return Ending::Exhausted(failure, self.steps, self.store);
            }
        }
        let writers =
            if self.ops.goes_on { self.possible_writers() } else { PossibleWriters::default() };
        let placed = self.choice_points.iter().filter_map(|point| {
            let chosen = point.chosen? as usize;
            Some((point.hole, self.ops.unknown[chosen]))
        });
        Ending::Placed(Placement {
            placed: placed.collect(),
            writers,
            store: self.store,
            steps: self.steps,
            base,
        })
    }

    fn refuted(mut self, failure: Failure) -> Ending {
        self.store.undo_to(self.ops.base);
        Ending::Refuted(failure, self.steps, self.store)
    }

    /// Does the write that claims a revision, and looks at everything that claims to have seen it.
    fn known(&mut self, revision: i64) -> Result<(), Contradiction> {
        let place = self.ops.mutator(revision).expect("a known revision");
        let result = self.answered(place);
        if let Err(mismatch) = result {
            return Err(self.contradiction(place, mismatch, revision));
        }
        if self.store.revision() != revision {
            let spans = reads(&self.ops.record(place).request);
            return Err(Contradiction { what: What::Nothing(place), spans, at: revision - 1 });
        }
        self.gap(revision)
    }

    /// Looks at everything that claims to have seen the store at a revision.
    pub(super) fn gap(&mut self, revision: i64) -> Result<(), Contradiction> {
        let ops = self.ops;
        for (_, place) in ops.observers.at(revision) {
            self.observer(*place, revision)?;
        }
        let Some(watch_evidence) = self.watch_evidence.filter(|_| revision >= self.first_hole)
        else {
            return Ok(());
        };
        let hole = self.ops.mutator(revision).is_none();
        self.steps += 1;
        watch_evidence.agree((self.ops, &self.store), revision, hole).map_err(|denied| {
            let spans = spans_of(&denied.mismatch, Vec::new);
            let what = What::Event(Box::new(denied.mismatch), denied.record.id);
            Contradiction { what, spans, at: revision - 1 }
        })?;
        for (_, place) in ops.locals.at(revision) {
            self.steps += 1;
            local_answer(ops, *place, self.store.now())
                .map_err(|mismatch| self.contradiction(*place, mismatch, revision))?;
        }
        Ok(())
    }

    /// Does a request, and says whether it is answered as it was.
    fn answered(&mut self, place: u32) -> Result<(), Mismatch> {
        let record = self.ops.record(place);
        self.steps += 1;
        match (self.store.execute(&record.request), &record.response) {
            (Err(refusal), _) => Err(refused(refusal.text())),
            (Ok(expected), Some(got)) => self.compare(record, expected, got),
            (Ok(_), None) => Ok(()),
        }
    }

    fn observer(&mut self, place: u32, revision: i64) -> Result<(), Contradiction> {
        let result = self.answered(place);
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

    /// An answer at a revision that is not what the model gives. Nothing later than the revision
    /// before it, or than the oldest one that was asked for, is certain to matter.
    fn contradiction(&self, place: u32, mismatch: Mismatch, revision: i64) -> Contradiction {
        let past = oldest_read(&self.ops.record(place).request);
        let at = past.map_or(revision - 1, |past| past.min(revision - 1));
        let spans = self.spans(place, &mismatch);
        Contradiction { what: What::Answer(place, Box::new(mismatch)), spans, at }
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

    /// Tries the candidates left of the last frame, until one stands; else takes the frame away
    /// and says which earlier ones are to blame.
    fn try_next(&mut self) -> Result<(), BTreeSet<usize>> {
        let own = self.choice_points.len() - 1;
        loop {
            let hole = self.choice_points[own].hole;
            let Some(&number) = self.choice_points[own].pool.get(self.choice_points[own].next)
            else {
                break;
            };
            self.contradictions += u64::from(self.choice_points[own].next > 0);
            self.choice_points[own].next += 1;
            let kind = self.kind(number);
            let mut by = BTreeSet::new();
            if self.is_taken(number, &mut by) {
                let free =
                    |other: &&u32| **other != number && self.used[**other as usize].is_none();
                let mut free = self.choice_points[own].pool.iter().filter(free);
                if !free.any(|other| self.kind(*other) == kind) {
                    self.add_conflicts(own, by);
                }
                continue;
            }
            if !self.choice_points[own].tried.insert(kind) {
                continue; // one that can stand for it was tried before
            }
            if self.exhausted() {
                return Ok(()); // the caller sees it
            }
            self.steps += 1;
            let unknown = &self.indeterminate.writes[number as usize];
            let done = self.store.execute(&unknown.record.request);
            if done.is_err() || self.store.revision() != hole {
                self.rest_on(own, &unknown.depends);
                continue;
            }
            self.choice_points[own].chosen = Some(number);
            self.take(number, own);
            match self.seen_at(hole).and_then(|()| self.gap(hole)) {
                Ok(()) => {
                    let Some(conflicts) = self.infeasible(own) else { return Ok(()) };
                    self.contradictions += 1;
                    self.add_conflicts(own, conflicts);
                    self.release(own);
                    self.store.undo_to(hole - 1);
                }
                Err(contradiction) => {
                    self.rest_on(own, &unknown.depends);
                    if contradiction.at == hole - 1 {
                        self.rest_on(own, &contradiction.spans);
                    } else {
                        let conflicts =
                            self.conflict_set(&contradiction.spans, contradiction.at, own);
                        self.add_conflicts(own, conflicts);
                    }
                    self.deepen(hole, contradiction.what);
                    self.release(own);
                    self.store.undo_to(hole - 1);
                }
            }
        }
        let conflicts =
            self.conflict_set(&self.rests_on(own), self.choice_points[own].hole - 1, own);
        self.add_conflicts(own, conflicts);
        let point = self.drop_point().expect("the frame that was tried");
        if point.pool.is_empty() || self.deepest.is_none() {
            self.deepen(point.hole, What::NoWriter);
        }
        Err(point.conflicts)
    }

    /// What it rests on that no candidate of a frame is left, as it was before the hole.
    fn rests_on(&self, own: usize) -> Vec<Span> {
        let point = &self.choice_points[own];
        let mut all: BTreeSet<Span> = point.rests_on.iter().cloned().collect();
        for (number, wrong) in &point.unfit {
            let unknown = &self.indeterminate.writes[*number as usize];
            all.extend(unknown.depends.iter().cloned());
            all.extend(unknown.touches.iter().filter(|_| *wrong).cloned());
        }
        all.extend(point.unfit_keys.iter().map(|key| Span::one(self.indeterminate.key(*key))));
        all.into_iter().collect()
    }

    /// What a candidate that failed rests on, as it was before the hole.
    fn rest_on(&mut self, own: usize, spans: &[Span]) {
        for span in spans {
            let point = &mut self.choice_points[own];
            if !point.rests_on.contains(span) {
                self.held -= point.bytes();
                point.rests_on.push(span.clone());
                self.held += point.bytes();
            }
        }
    }

    /// Whether what was done at a hole is what answers and watchers saw of it.
    pub(super) fn stands(&mut self, hole: i64) -> bool {
        self.seen_at(hole).and_then(|()| self.gap(hole)).is_ok()
    }

    /// Whether every key that was seen with a hole's revision was indeed written there.
    fn seen_at(&self, hole: i64) -> Result<(), Contradiction> {
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
                    what: What::Answer(seen.place, Box::new(mismatch)),
                    spans,
                    at: hole - 1,
                });
            }
        }
        Ok(())
    }

    fn exhausted(&self) -> bool {
        self.steps > self.budget.steps || self.held > self.budget.memory_bytes
    }

    pub(super) fn push_point(&mut self, point: ChoicePoint) {
        self.held += point.bytes();
        self.choice_points.push(point);
    }

    fn drop_point(&mut self) -> Option<ChoicePoint> {
        let point = self.choice_points.pop()?;
        self.held -= point.bytes();
        Some(point)
    }

    fn add_conflicts(&mut self, point: usize, conflicts: BTreeSet<usize>) {
        let own = &mut self.choice_points[point];
        self.held -= own.bytes();
        own.conflicts.extend(conflicts);
        self.held += own.bytes();
    }

    fn release(&mut self, point: usize) {
        self.unserve(point);
        if let Some(number) = self.choice_points[point].chosen.take() {
            self.give_back(number, point);
        }
    }

    /// Goes back to the last choice to blame and takes its next candidate; false when no choice
    /// is left that could matter.
    fn backjump(&mut self, mut conflicts: BTreeSet<usize>) -> bool {
        while let Some(target) = conflicts.pop_last() {
            while self.choice_points.len() > target + 1 {
                self.release(self.choice_points.len() - 1);
                self.drop_point();
            }
            self.release(target);
            self.store.undo_to(self.choice_points[target].hole - 1);
            self.add_conflicts(target, conflicts);
            match self.try_next() {
                Ok(()) => return true,
                Err(more) => conflicts = more,
            }
        }
        false
    }

    fn deepen(&mut self, revision: i64, what: What) {
        let deepest = self.deepest.as_ref();
        // What an answer of the quorum says weighs more than what a watcher says.
        let better = deepest.is_none_or(|deepest| {
            deepest.revision < revision
                || deepest.revision == revision && matches!(deepest.what, What::NoWriter)
        });
        if better {
            self.deepest = Some(self.failure(revision, what));
        }
    }

    fn failure(&self, revision: i64, what: What) -> Failure {
        let scope = match &what {
            What::Answer(_, mismatch) | What::Event(mismatch, _) => Some(&mismatch.scope),
            What::Nothing(_) | What::NoWriter | What::Open => None,
        };
        let key = match scope {
            Some(Scope::Key(key)) => Some(key),
            _ => None,
        };
        let writer = key.and_then(|key| {
            let seen = match &what {
                What::Answer(place, _) => self.looked_at(*place, revision)?,
                _ => revision,
            };
            let written = self.store.at(seen).get(key)?.mod_revision;
            let placed = || {
                let point = self.choice_points.iter().find(|point| point.hole == written)?;
                Some(self.ops.unknown[point.chosen? as usize])
            };
            self.ops.mutator(written).or_else(placed).map(|place| (written, place))
        });
        Failure { revision, what, writer, guessed: !self.choice_points.is_empty(), held: None }
    }

    /// The revision whose content an answer shows; None where its parts show several.
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

    fn last_failure(&self) -> Failure {
        let revision = self.store.revision() + 1;
        self.deepest.clone().unwrap_or_else(|| self.failure(revision, What::NoWriter))
    }
}

/// Whether a transaction reads the past somewhere.
fn looks_back(txn: &TxnRequest) -> bool {
    txn.success.iter().chain(&txn.failure).any(|op| match op {
        RequestOp::Range(range) => range.revision > 0,
        RequestOp::Txn(inner) => looks_back(inner),
        _ => false,
    })
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

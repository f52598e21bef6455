//! Judges a complete range of revisions, and selects the records that are needed later.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Ended;
use crate::budget::{Budget, Options, needed_bytes};
use crate::case::Case;
use crate::check::above;
use crate::early_expiry::expired_early;
use crate::history::{History, Record, Request, Response, Role};
use crate::lease::Leases;
use crate::linearizability::followed::ambiguity::{AmbiguousRevision, Settled, Writer};
use crate::linearizability::{Bounds, JudgedRange, Ordered};
use crate::model::Store;
use crate::streams::{Streams, Watcher, is_progress, moment, streams_of};
use crate::verdict::{Check, LINEARIZABILITY, Verdict};

/// The records that are judged together.
pub(super) struct Window<'a> {
    pub(super) history: &'a History,
    /// The role of each record.
    pub(super) roles: &'a [Role],
    pub(super) judged: JudgedRange,
    /// The first revision to check for some watchers, by the id of the create request.
    pub(super) starts: &'a BTreeMap<u64, i64>,
    /// Whether a guess between indeterminate writes is accepted.
    pub(super) guess: bool,
    /// The leases, if the recording has any.
    pub(super) leases: Option<Leases<'a>>,
    pub(super) options: Options,
}

/// The result of a judgement.
pub(super) enum Judged {
    /// A guarantee is broken.
    Broken(Verdict),
    /// The range cannot be judged yet; the store before it.
    Stuck(Box<Store>, Verdict),
    /// Every revision of the range is right.
    Firm(Box<Firm>),
}

/// What a judgement made certain.
struct Certain<'a> {
    /// The last certain revision.
    firm: i64,
    /// Whether each watch record is about revisions up to `firm` alone.
    heard: &'a [bool],
    /// The streams of these watch records.
    streams: &'a Streams<'a>,
    /// The end of each live watcher, by the id of its create request.
    tails: &'a BTreeMap<u64, Tail>,
    settled: &'a Settled,
}

/// The state after a judged range.
pub(super) struct Firm {
    /// The store at the last judged revision.
    pub(super) store: Store,
    pub(super) checks: Vec<Check>,
    /// Whether each record is needed later.
    pub(super) keep: Vec<bool>,
    /// The bounds of each unplaced compaction.
    pub(super) unplaced: BTreeMap<u64, Bounds>,
    pub(super) starts: BTreeMap<u64, i64>,
    /// The number of indeterminate writes that were placed.
    pub(super) placed: u64,
    /// The first guessed revision, if a guess was accepted.
    pub(super) guessed: Option<i64>,
    pub(super) steps: u64,
    /// The leases that expired.
    pub(super) ended: Vec<Ended>,
    /// Ambiguous revisions, made by one of several writes.
    pub(super) ambiguities: Vec<AmbiguousRevision>,
    /// The number of ambiguous revisions that no later record can decide.
    pub(super) dropped: u64,
}

impl Window<'_> {
    /// Judges the range, starting from a store.
    pub(super) fn judge(&self, store: Store) -> Judged {
        let (history, judged) = (self.history, &self.judged);
        let until = judged.until.unwrap_or(i64::MAX);
        let heard = self.heard(until);
        let streams = self.streams(&heard);
        let needed = needed_bytes(history);
        let budget = Budget::left(&self.options, needed + store.held_bytes());
        let leases = self.leases.as_ref();
        let case = Case { history, streams: &streams, range: judged, leases, budget };
        let tolerance_ns = self.options.lease_tolerance_ns;
        let ends = case.ends(&store, Some(tolerance_ns));
        let ops = match case.ops(&ends) {
            Ok(ops) => ops,
            Err(verdict @ Verdict::Unknown(_)) => return Judged::Stuck(Box::new(store), verdict),
            Err(verdict) => return Judged::Broken(verdict),
        };
        let mut ordered = case.order(&ops, store);
        if let Some(store) = ordered.store.take() {
            if let Verdict::Unknown(_) = ordered.verdict {
                return Judged::Stuck(Box::new(store), ordered.verdict);
            }
            // An early expiry may explain the violation.
            let budget = Budget::left(&self.options, needed);
            let early = expired_early(&Case { budget, ..case }, store, tolerance_ns);
            return Judged::Broken(early.map_or(ordered.verdict, |early| early.verdict));
        }
        let placement = ordered.placement.as_ref().expect("an order without a store back");
        if let (Some((reason, evidence)), Some(_)) = (&ordered.inconclusive, judged.until) {
            let verdict = Verdict::unknown(LINEARIZABILITY, reason.clone(), evidence.clone());
            return Judged::Stuck(Box::new(base_of(ordered, judged.base)), verdict);
        }
        let guessed = placement.writers.guessed.filter(|_| judged.until.is_some());
        let firm = guessed.filter(|_| !self.guess).map_or(until, |hole| hole - 1);
        let narrower = (firm < until).then(|| self.heard(firm));
        let narrower_streams = narrower.as_ref().map(|heard| self.streams(heard));
        let own = narrower.as_ref().unwrap_or(&heard);
        let streams = narrower_streams.as_ref().unwrap_or(&streams);
        let mut checks = above(&ops, streams, &ordered, firm, &self.options.cluster);
        let verdict = ordered.verdict.clone();
        checks.push(Check { name: LINEARIZABILITY, verdict, examined: 0 });
        let broken = checks.iter().rev().find(|check| matches!(check.verdict, Verdict::Broken(_)));
        if let (Some(broken), Some(_)) = (broken, judged.until) {
            return Judged::Broken(broken.verdict.clone());
        }
        let starts = tails(streams);
        let settled = placement.settled(&ops.ambiguities, firm);
        let keep = self.keep(
            &ordered,
            &Certain { heard: own, streams, tails: &starts, firm, settled: &settled },
        );
        let placement = ordered.placement.take().expect("it was there");
        let unplaced =
            ordered.unplaced.iter().map(|(place, bounds)| (ops.record(*place).id, *bounds));
        let unplaced = unplaced.filter(|(_, bounds)| ends_by(*bounds, firm)).collect();
        let placed = placement.placed.iter().filter(|placed| placed.0 <= firm).count() as u64;
        let dropped = judged.ambiguities.len() - ops.ambiguities.len();
        let mut store = placement.store;
        store.undo_to(firm.min(store.revision()));
        let ended = ended(&settled, &mut store);
        Judged::Firm(Box::new(Firm {
            store,
            checks,
            keep,
            unplaced,
            starts: starts.into_iter().map(|(id, tail)| (id, tail.start)).collect(),
            placed,
            guessed: guessed.filter(|_| self.guess),
            steps: ordered.steps,
            ended,
            ambiguities: settled.ambiguities,
            dropped: dropped as u64,
        }))
    }

    /// Whether each watch record is about revisions up to `until` alone, and follows no record
    /// about a later one.
    fn heard(&self, until: i64) -> Vec<bool> {
        let records = &self.history.records;
        let mut places: Vec<usize> =
            (0..records.len()).filter(|place| records[*place].request.op().is_watch()).collect();
        places.sort_by_key(|place| moment(&records[*place]));
        let mut heard = vec![false; records.len()];
        let mut blocked: BTreeSet<u64> = BTreeSet::new();
        for place in places {
            let Some(stream) = stream(&records[place]) else { continue };
            if shows(&records[place]) > until {
                blocked.insert(stream);
            }
            heard[place] = !blocked.contains(&stream);
        }
        heard
    }

    fn streams(&self, heard: &[bool]) -> Streams<'_> {
        let records = self.history.records.iter().zip(heard);
        streams_of(records.filter(|(_, heard)| **heard).map(|(record, _)| record), self.starts)
    }

    /// Whether each record is needed later.
    fn keep(&self, ordered: &Ordered, certain: &Certain<'_>) -> Vec<bool> {
        let Certain { heard, streams, tails, firm, settled } = *certain;
        let mut kept: BTreeSet<u64> = streams.asked.iter().map(|record| record.id).collect();
        for watcher in streams.live.iter().map(|watcher| &streams.watchers[*watcher]) {
            kept.extend([watcher.create.id, watcher.created.record.id]);
            kept.extend(watcher.cancel.map(|cancel| cancel.id));
            kept.extend(&tails[&watcher.create.id].records);
        }
        let unplaced: BTreeMap<u32, Bounds> = ordered.unplaced.iter().copied().collect();
        let keeps = |place: usize, record: &Record| match self.roles[place] {
            Role::Mutator(revision) | Role::Observer(revision) | Role::Local(revision) => {
                revision > firm
            }
            Role::Unknown => !settled.spent.contains(&Writer::Write(record.id)),
            Role::Compaction => true,
            Role::Error => !unplaced.get(&(place as u32)).is_some_and(|own| ends_by(*own, firm)),
            Role::Nothing if record.request.op().is_watch() => {
                !heard[place] || kept.contains(&record.id)
            }
            Role::Nothing => matches!(record.request, Request::Quiesced(_)),
            Role::NoRevision => false,
        };
        self.history.records.iter().enumerate().map(|(place, one)| keeps(place, one)).collect()
    }
}

/// The leases that certainly expired. If the order filled the revision of an expiry with another
/// write, the store learns of the expiry.
fn ended(settled: &Settled, store: &mut Store) -> Vec<Ended> {
    let mut ended = Vec::new();
    for (doubt, writer) in &settled.made {
        let Some(lease) = writer.ended() else { continue };
        if store.is_once(lease) {
            store.lease_ended(lease, doubt.revision);
        }
        if !doubt.asked {
            ended.push(Ended { lease, revision: doubt.revision, by: doubt.by });
        }
    }
    ended
}

/// Undoes an order, and returns the store before it.
fn base_of(ordered: Ordered, base: i64) -> Store {
    let mut store = ordered.placement.expect("an order").store;
    store.undo_to(base);
    store
}

fn ends_by(bounds: Bounds, firm: i64) -> bool {
    bounds.high <= firm.saturating_mul(2).saturating_add(1)
}

fn stream(record: &Record) -> Option<u64> {
    match &record.request {
        Request::WatchCreate(request) => Some(request.stream),
        Request::WatchCancel(request) => Some(request.stream),
        Request::WatchProgress(at) | Request::WatchResponse(at) | Request::WatchEnd(at) => {
            Some(at.stream)
        }
        _ => None,
    }
}

/// The highest revision that a watch record names.
fn shows(record: &Record) -> i64 {
    let Some(Response::Watch(response)) = &record.response else { return 0 };
    let events = response.events.iter().map(|event| event.kv.mod_revision);
    events.max().unwrap_or(0).max(response.header.revision)
}

/// The records from which each live watcher is checked again.
fn tails(streams: &Streams<'_>) -> BTreeMap<u64, Tail> {
    let live = streams.live.iter().map(|watcher| &streams.watchers[*watcher]);
    live.map(|watcher| (watcher.create.id, tail(watcher))).collect()
}

/// The end of what a watcher has received, and the revision from which to continue.
struct Tail {
    start: i64,
    records: Vec<u64>,
}

fn tail(watcher: &Watcher<'_>) -> Tail {
    let arrivals = &watcher.arrivals;
    let notices = arrivals.iter().filter(|arrival| is_progress(arrival.response));
    let notice = notices.max_by_key(|arrival| arrival.response.header.revision);
    let last = arrivals.iter().rposition(|arrival| !arrival.response.events.is_empty());
    let told = last.map_or(0, |last| {
        arrivals[last].response.events.last().map_or(0, |event| event.kv.mod_revision)
    });
    if let Some(notice) = notice.filter(|notice| notice.response.header.revision >= told) {
        let next = notice.response.header.revision.saturating_add(1);
        return Tail { start: watcher.start.max(next), records: vec![notice.record.id] };
    }
    let Some(last) = last else { return Tail { start: watcher.start, records: Vec::new() } };
    // A response in parts is kept with all its parts.
    let parts = arrivals[..last].iter().rev().take_while(|arrival| arrival.response.fragment);
    let from = last - parts.count();
    let records = arrivals[from..].iter().filter(|arrival| !is_progress(arrival.response));
    let first = arrivals[from].response.events.first();
    let start = first.map_or(watcher.start, |event| event.kv.mod_revision.max(watcher.start));
    Tail { start, records: records.map(|arrival| arrival.record.id).collect() }
}

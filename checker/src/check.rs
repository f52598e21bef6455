//! The entry of the judge: assumptions, then the order of operations, then the guarantees along
//! that order.

use crate::assumptions::assumptions;
use crate::budget::{Budget, Options, needed_bytes, too_much};
use crate::case::Case;
use crate::cluster_settings::ClusterSettings;
use crate::early_expiry::{Early, expired_early};
use crate::fallback_search::fallback_search;
use crate::guarantees::{GUARANTEES, named};
use crate::header::headers;
use crate::history::{History, Outcome};
use crate::initial_store::{InferredStore, initial_store};
use crate::lease::{Before, LEASE, Leases, leases};
use crate::linearizability::ops::Ops;
use crate::linearizability::{JudgedRange, Ordered};
use crate::minimize::minimize;
use crate::model::Store;
use crate::refusal::refusals;
use crate::serializable::{SERIALIZABLE, serializable};
use crate::session::sessions;
use crate::streams::{Streams, streams};
use crate::verdict::{ASSUMPTIONS, Check, Figures, Guarantee, LINEARIZABILITY, Report, Verdict};
use crate::watch::{self, Watched, watches};

/// Judges a history of etcd's key space.
pub fn check(history: &History, options: &Options) -> Report {
    let mut figures = count(history);
    let needed = needed_bytes(history);
    if let Some(verdict) = unfit(history, needed, options) {
        return conclude(vec![Check { name: ASSUMPTIONS, verdict, examined: 0 }], figures);
    }
    let budget = Budget::left(options, needed);
    let streams = streams(&history.records);
    let mut checks = before(history, &streams, &mut figures);
    let settings = &options.cluster;
    checks.push(refusals(&history.records, settings));
    let (mut store, inferred) = initial_store(history);
    let range = JudgedRange::whole(store.revision());
    let before = Before::of(&store, settings.every_grant);
    let known = Leases::new(&history.records, &before, u64::MAX);
    known.prepare(&mut store);
    let tolerance_ns = options.lease_tolerance_ns;
    let lease = leases(history.records.iter(), &known, tolerance_ns);
    let case = Case { history, streams: &streams, range: &range, leases: Some(&known), budget };
    let ends = case.ends(&store, Some(tolerance_ns));
    let spare = budget.memory_bytes >= needed;
    let asked = Asked { case, inferred, tolerance_ns, spare, settings };
    let found = match case.ops(&ends) {
        Ok(ops) => asked.in_order(&ops, store, &mut figures),
        Err(verdict) => asked.without_order(verdict, store, &figures),
    };
    checks.push(found.order);
    let verdict = found.early.unwrap_or(lease);
    checks.push(Check { name: LEASE, verdict, examined: known.examined });
    checks.extend(found.above);
    checks.push(sessions(&history.records));
    if let Some(sure) = found.doubted {
        doubt(&mut checks, sure);
    }
    let mut report = conclude(checks, figures);
    report.placed = found.placed;
    report
}

/// The inputs of a judgement of a whole recording.
struct Asked<'a> {
    case: Case<'a>,
    /// The inference of the initial store, if the recording does not name it.
    inferred: Option<InferredStore>,
    tolerance_ns: u64,
    /// Whether the memory allows judging copies of the history.
    spare: bool,
    settings: &'a ClusterSettings,
}

/// The results of ordering the operations.
struct OrderResult {
    /// The verdict on linearizability.
    order: Check,
    /// The verdict on leases, if an order exists only with an early expiry.
    early: Option<Verdict>,
    /// The verdicts of the guarantees along the order.
    above: Vec<Check>,
    /// The placed indeterminate writes, with their revisions.
    placed: Vec<(i64, u64)>,
    /// If the initial store was inferred: whether a violation of the order holds all the same.
    doubted: Option<bool>,
}

impl Asked<'_> {
    /// Searches for an order, and checks the guarantees along it.
    fn in_order(&self, ops: &Ops<'_>, store: Store, figures: &mut Figures) -> OrderResult {
        let mut ordered = self.case.order(ops, store);
        figures.steps = ordered.steps;
        let examined = figures.ok + figures.fail + figures.unknown;
        let wrong = matches!(ordered.verdict, Verdict::Broken(_)) || ordered.contradicted.is_some();
        if wrong && let Some(early) = self.early() {
            figures.steps += early.steps;
            let order = Check { name: LINEARIZABILITY, verdict: Verdict::Legal, examined };
            let early = Some(early.verdict);
            return OrderResult {
                order,
                early,
                above: Vec::new(),
                placed: Vec::new(),
                doubted: None,
            };
        }
        let mut verdict = ordered.verdict.clone();
        if self.knows_no_lease() {
            // The fallback search and the minimizer do not model expiry.
            if let (Verdict::Unknown(_), Some(store)) = (&verdict, ordered.store.take()) {
                verdict = self.search(store, verdict);
            }
            // Without guesses the evidence is already minimal.
            if ordered.guessed && self.inferred.is_none() && self.spare {
                verdict = minimize(self.case.history, verdict);
            }
        }
        let above = if let Some(placement) = &ordered.placement {
            figures.revisions = placement.store.revision();
            figures.placed = placement.placed.len() as u64;
            above(ops, self.case.streams, &ordered, i64::MAX, self.settings)
        } else {
            unplaced(self.case.streams)
        };
        let sure =
            |inferred: &InferredStore| ordered.stale || inferred.proves(ordered.about.as_ref());
        OrderResult {
            order: Check { name: LINEARIZABILITY, verdict, examined },
            early: None,
            above,
            placed: placed(ops, &ordered),
            doubted: self.inferred.as_ref().map(sure),
        }
    }

    /// Judges operations that cannot be placed: an answer names no revision, or two claim one.
    fn without_order(&self, mut verdict: Verdict, store: Store, figures: &Figures) -> OrderResult {
        if self.knows_no_lease() && matches!(verdict, Verdict::Unknown(_)) {
            verdict = self.search(store, verdict);
        }
        let order = Check { name: LINEARIZABILITY, verdict, examined: figures.ok };
        let above = unplaced(self.case.streams);
        OrderResult { order, early: None, above, placed: Vec::new(), doubted: None }
    }

    /// Whether an order exists if a lease expired early.
    fn early(&self) -> Option<Early> {
        let (mut store, _) = initial_store(self.case.history);
        self.case.leases?.prepare(&mut store);
        expired_early(&self.case, store, self.tolerance_ns)
    }

    fn knows_no_lease(&self) -> bool {
        self.case.leases.is_none_or(|leases| leases.examined == 0)
    }

    /// Searches for an order that answers do not name.
    fn search(&self, store: Store, doubt: Verdict) -> Verdict {
        fallback_search(&self.case.history.records, store, self.case.budget, doubt)
    }
}

/// The verdict on a history that cannot be judged, if any.
fn unfit(history: &History, needed: u64, options: &Options) -> Option<Verdict> {
    if needed > options.memory_bytes {
        return Some(too_much(needed, options));
    }
    let contradiction = assumptions(history).err()?;
    let evidence = vec![contradiction.id];
    Some(Verdict::unknown(ASSUMPTIONS, contradiction.to_string(), evidence))
}

/// The placed indeterminate writes, with their revisions.
fn placed(ops: &Ops<'_>, ordered: &Ordered) -> Vec<(i64, u64)> {
    let placed = ordered.placement.iter().flat_map(|placement| &placement.placed);
    placed.map(|(at, place)| (*at, ops.record(*place).id)).collect()
}

/// If the initial store was inferred, a violation may only mean that the inference was wrong: it is
/// reported as unknown.
fn doubt(checks: &mut [Check], order_is_sure: bool) {
    for check in checks {
        let Verdict::Broken(violation) = &check.verdict else { continue };
        let sure = match check.name {
            LINEARIZABILITY => order_is_sure,
            name => named(name).survives_inferred_start,
        };
        if sure {
            continue;
        }
        let reason = format!(
            "the store was not fresh, and the recording does not say what it held; unless it held \
             something else: {}",
            violation.reason
        );
        check.verdict = Verdict::unknown(check.name, reason, violation.evidence.clone());
    }
}

/// Runs the checks that need no order, and counts the watchers.
fn before(history: &History, streams: &Streams<'_>, figures: &mut Figures) -> Vec<Check> {
    let examined = history.records.len() as u64;
    figures.watchers = streams.watchers.len() as u64;
    figures.events = streams.watchers.iter().map(|watcher| watcher.events().count() as u64).sum();
    vec![
        Check { name: ASSUMPTIONS, verdict: answered(figures, streams.responses), examined },
        headers(&history.records),
    ]
}

/// A history without an answer proves nothing: its verdict is unknown.
pub(crate) fn answered(figures: &Figures, responses: u64) -> Verdict {
    if figures.ok + figures.fail + responses > 0 {
        return Verdict::Legal;
    }
    let reason = match figures.unknown {
        0 => "the history holds no operation".to_owned(),
        count => format!("none of the {count} operations was answered"),
    };
    Verdict::unknown(ASSUMPTIONS, format!("{reason}, so there is nothing to judge"), Vec::new())
}

/// Watch events cannot be checked without a replay.
pub(crate) fn unplaced(streams: &Streams<'_>) -> Vec<Check> {
    if streams.responses == 0 {
        return Vec::new();
    }
    let reason = "the writes have no known order to hold the events against".to_owned();
    let verdict = Verdict::unknown(watch::EVENT, reason, Vec::new());
    vec![Check { name: watch::EVENT, verdict, examined: 0 }]
}

/// Runs the checks that need the replay; serializable reads are checked up to a revision.
pub(crate) fn above(
    ops: &Ops<'_>,
    streams: &Streams<'_>,
    ordered: &Ordered,
    up_to: i64,
    settings: &ClusterSettings,
) -> Vec<Check> {
    let Some(placement) = &ordered.placement else { return Vec::new() };
    let store = &placement.store;
    let Watched { mut wrong, due } = watches(ops, streams, placement, settings);
    let mut found = Vec::new();
    for Guarantee { name, .. } in GUARANTEES.into_iter().filter(|one| one.needs_order) {
        let first = wrong.iter().position(|violation| violation.checker == name);
        let verdict = match first {
            _ if name == SERIALIZABLE => serializable(ops, store, up_to),
            Some(first) => Verdict::Broken(wrong.swap_remove(first)),
            None => Verdict::Legal,
        };
        let examined = match name {
            SERIALIZABLE => ops.locals.all().len() as u64,
            watch::LIVE => due,
            name => watch::examined(name, streams),
        };
        found.push(Check { name, verdict, examined });
    }
    if let Some((reason, candidates)) = &ordered.inconclusive {
        // The watchers may have seen another order: a contradiction of this order proves nothing.
        for check in &mut found {
            if let Verdict::Broken(violation) = &check.verdict {
                let mut evidence = violation.evidence.clone();
                evidence.extend(candidates);
                check.verdict = Verdict::unknown(check.name, reason.clone(), evidence);
            }
        }
    }
    let legal = found.iter().all(|check| check.verdict == Verdict::Legal);
    if let (Some((reason, evidence)), true) = (&ordered.contradicted, legal) {
        let verdict = Verdict::broken(watch::EVENT, reason.clone(), evidence.clone());
        let own = found.iter_mut().find(|check| check.name == watch::EVENT);
        own.expect("the watch checks ran").verdict = verdict;
    }
    found
}

fn count(history: &History) -> Figures {
    let mut figures = Figures::default();
    let operations = history.records.iter().filter(|record| record.request.op().is_operation());
    for record in operations {
        match record.outcome {
            Outcome::Ok => figures.ok += 1,
            Outcome::Fail => figures.fail += 1,
            Outcome::Unknown => figures.unknown += 1,
        }
    }
    figures
}

pub(crate) fn conclude(checks: Vec<Check>, figures: Figures) -> Report {
    let broken = checks.iter().find(|check| matches!(check.verdict, Verdict::Broken(_)));
    let unknown = checks.iter().find(|check| matches!(check.verdict, Verdict::Unknown(_)));
    let verdict = broken.or(unknown).map_or(Verdict::Legal, |check| check.verdict.clone());
    Report { verdict, checks, figures, placed: Vec::new() }
}

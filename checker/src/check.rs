//! The one entry: assumptions first, then the order of operations, then what stands on it.

use crate::assumptions::assumptions;
use crate::budget::{Budget, Options, needed_bytes, too_much};
use crate::fallback_search::fallback_search;
use crate::guarantees::{GUARANTEES, named};
use crate::header::{HEADER, headers};
use crate::history::{History, Outcome};
use crate::initial_store::{InferredStore, initial_store};
use crate::lease::{Before, Early, Ends, LEASE, Leases, expired_early, leases};
use crate::linearizability::ops::Ops;
use crate::linearizability::{JudgedRange, Ordered, order};
use crate::minimize::minimize;
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
    let (mut store, inferred) = initial_store(history);
    let stretch = JudgedRange::whole(store.revision());
    let before = Before::of(&store);
    let known = Leases::new(&history.records, &before, u64::MAX);
    known.prepare(&mut store);
    let lease = Check {
        name: LEASE,
        verdict: leases(history.records.iter(), &known, options.lease_tolerance_ns),
        examined: known.examined,
    };
    let tolerance = Some(options.lease_tolerance_ns);
    let ends = Ends::new(&known, history, (&store, &stretch), tolerance);
    let ops = match ends.ops(&known, history, &stretch) {
        Ok(ops) => ops,
        Err(mut verdict) => {
            if known.examined == 0 && matches!(verdict, Verdict::Unknown(_)) {
                verdict = fallback_search(&history.records, store, budget, verdict);
            }
            checks.push(Check { name: LINEARIZABILITY, verdict, examined: figures.ok });
            checks.push(lease);
            unplaced(&streams, &mut checks);
            checks.push(sessions(&history.records));
            return conclude(checks, figures);
        }
    };
    let mut ordered = order(&ops, &streams, (store, &stretch), budget);
    figures.steps = ordered.steps;
    let examined = figures.ok + figures.fail + figures.unknown;
    let wrong = matches!(ordered.verdict, Verdict::Broken(_)) || ordered.contradicted.is_some();
    if wrong && let Some(early) = again(history, (&streams, &stretch), &known, options) {
        figures.steps += early.steps;
        checks.push(Check { name: LINEARIZABILITY, verdict: Verdict::Legal, examined });
        checks.push(Check { verdict: early.verdict, ..lease });
        checks.push(sessions(&history.records));
        return conclude(checks, figures);
    }
    let mut verdict = ordered.verdict.clone();
    if known.examined == 0 {
        // Neither knows anything of leases that end by themselves.
        if let (Verdict::Unknown(_), Some(store)) = (&verdict, ordered.store.take()) {
            verdict = fallback_search(&history.records, store, budget, verdict);
        }
        // Where nothing was searched the evidence is what it takes. Copies are judged for this.
        if ordered.guessed && inferred.is_none() && budget.memory_bytes >= needed {
            verdict = minimize(history, verdict);
        }
    }
    checks.push(Check { name: LINEARIZABILITY, verdict, examined });
    checks.push(lease);
    if let Some(placement) = &ordered.placement {
        figures.revisions = placement.store.revision();
        figures.placed = placement.placed.len() as u64;
        checks.append(&mut above(&ops, &streams, &ordered, i64::MAX));
    } else {
        unplaced(&streams, &mut checks);
    }
    checks.push(sessions(&history.records));
    if let Some(inferred) = inferred {
        doubt(&mut checks, &inferred, &ordered);
    }
    let mut report = conclude(checks, figures);
    report.placed = placed(&ops, &ordered);
    report
}

/// Why a history cannot be judged at all, if so.
fn unfit(history: &History, needed: u64, options: &Options) -> Option<Verdict> {
    if needed > options.memory_bytes {
        return Some(too_much(needed, options));
    }
    let contradiction = assumptions(history).err()?;
    let evidence = vec![contradiction.id];
    Some(Verdict::unknown(ASSUMPTIONS, contradiction.to_string(), evidence))
}

/// Whether there is an order if a lease expired early.
fn again(
    history: &History,
    (streams, stretch): (&Streams<'_>, &JudgedRange),
    known: &Leases<'_>,
    options: &Options,
) -> Option<Early> {
    let (mut store, _) = initial_store(history);
    known.prepare(&mut store);
    expired_early(history, streams, known, (store, stretch), options)
}

/// Which unknown writes made which revisions.
fn placed(ops: &Ops<'_>, ordered: &Ordered) -> Vec<(i64, u64)> {
    let placed = ordered.placement.iter().flat_map(|placement| &placement.placed);
    placed.map(|(at, place)| (*at, ops.record(*place).id)).collect()
}

/// If the initial store was inferred, a violation may only mean that the inference was wrong: it is
/// reported as unknown.
fn doubt(checks: &mut [Check], inferred: &InferredStore, ordered: &Ordered) {
    for check in checks {
        let Verdict::Broken(violation) = &check.verdict else { continue };
        let in_order = check.name == LINEARIZABILITY;
        if named(check.name).survives_inferred_start
            || in_order && (ordered.stale || inferred.proves(ordered.about.as_ref()))
        {
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

/// The checks that need no order, and the figures of the watchers.
fn before(history: &History, streams: &Streams<'_>, figures: &mut Figures) -> Vec<Check> {
    let examined = history.records.len() as u64;
    figures.watchers = streams.watchers.len() as u64;
    figures.events = streams.watchers.iter().map(|watcher| watcher.events().count() as u64).sum();
    vec![
        Check { name: ASSUMPTIONS, verdict: answered(figures, streams.responses), examined },
        Check { name: HEADER, verdict: headers(&history.records), examined },
    ]
}

/// A history without a single answer obeys every rule, and shows nothing: that is no pass.
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

/// Without a replay nothing can be said of watchers.
pub(crate) fn unplaced(streams: &Streams<'_>, checks: &mut Vec<Check>) {
    if streams.responses > 0 {
        let reason = "the writes have no known order to hold the events against".to_owned();
        let verdict = Verdict::unknown(watch::EVENT, reason, Vec::new());
        checks.push(Check { name: watch::EVENT, verdict, examined: 0 });
    }
}

/// The checks that need the replay; members' own answers are looked at up to a revision.
pub(crate) fn above(
    ops: &Ops<'_>,
    streams: &Streams<'_>,
    ordered: &Ordered,
    up_to: i64,
) -> Vec<Check> {
    let Some(placement) = &ordered.placement else { return Vec::new() };
    let store = &placement.store;
    let Watched { mut wrong, due } = watches(ops, streams, placement);
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
            _ => streams.responses,
        };
        found.push(Check { name, verdict, examined });
    }
    if let Some((reason, candidates)) = &ordered.inconclusive {
        // The order may be another one than the watchers saw: what contradicts it proves nothing.
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

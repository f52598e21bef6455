//! Minimizes a contradiction among operations on the key space that was found by a search over
//! indeterminate writes.
//!
//! An answer is forgotten as in [`search::shrink`](mettle_search::shrink): an operation that made
//! no revision is left out, and a write becomes indeterminate. An order of all operations is also
//! an order of the rest. So if the rest has no order, it proves the violation.

use std::fmt::Write as _;

use crate::case::Case;
use crate::history::{History, Outcome, Record, Request, is_local, makes_revision};
use crate::initial_store::initial_store;
use crate::lease::Ends;
use crate::linearizability::JudgedRange;
use crate::model::Store;
use crate::streams::Streams;
use crate::verdict::{LINEARIZABILITY, Verdict, Violation};
use crate::words;
use mettle_search::shrink::fewest;

/// The most records copied and steps taken altogether: a fraction of a second.
const BUDGET: u64 = 400_000;
/// The most steps of one attempt, per record.
const STEPS_EACH: u64 = 8;
/// If the contradiction needs more acknowledged writes than this, none is forgotten: hundreds of
/// indeterminate writes are hard to search, and a reader starts from acknowledged writes.
const MOST_WRITES: usize = 32;
/// More operations than this help no reader: the original evidence stays.
const MOST_EVIDENCE: usize = 24;

/// Minimizes the evidence of a violation in a history without leases as far as the budget allows.
/// The evidence stays as it was if its few records do not suffice and no small set does.
pub(crate) fn minimize(history: &History, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Broken(found) => Verdict::Broken(fewer(history, found)),
        other => other,
    }
}

fn fewer(history: &History, found: Violation) -> Violation {
    let (start, _) = initial_store(history);
    let mut minimizer = Minimizer { history, start, left: BUDGET, last: None, doubt: false };
    let answered = (0..history.records.len()).filter(|place| {
        let record = &history.records[*place];
        let answered = record.outcome != Outcome::Unknown;
        answered && record.request.op().is_operation() && !is_local(&record.request)
    });
    let (mut made, mut seen): (Vec<usize>, Vec<usize>) =
        answered.partition(|place| makes_revision(&history.records[*place]));
    if minimizer.contradict(&[&seen[..], &made[..]].concat()) != Some(true) {
        return found;
    }
    // Forgetting an operation that made no revision never makes the search harder.
    let mut done = fewest(&mut seen, |few| minimizer.contradict(&[few, &made[..]].concat()));
    let all_writes = made.len() > MOST_WRITES;
    if !all_writes {
        done &= fewest(&mut made, |few| minimizer.contradict(&[few, &seen[..]].concat()));
    }
    done &= !minimizer.doubt;
    let told = if all_writes { seen.len() } else { seen.len() + made.len() };
    if told > MOST_EVIDENCE {
        return found;
    }
    minimizer.minimized(&Kept { seen, made }, found, done)
}

/// The answers that are still known, by place.
struct Kept {
    /// Operations that made no revision.
    seen: Vec<usize>,
    /// Operations that made a revision.
    made: Vec<usize>,
}

struct Minimizer<'a> {
    history: &'a History,
    /// The initial store.
    start: Store,
    left: u64,
    /// The last contradiction found.
    last: Option<Violation>,
    /// Whether a search gave up since the last contradiction: the operations that it was asked to
    /// forget may not be needed.
    doubt: bool,
}

impl Minimizer<'_> {
    /// Whether the kept answers contradict each other once all others are forgotten; false if the
    /// search gave up, None if the budget is used up.
    fn contradict(&mut self, kept: &[usize]) -> Option<bool> {
        let few = forgotten(self.history, kept);
        // The search tries every indeterminate write at every possible revision.
        let lost = few.records.iter().filter(|record| record.outcome == Outcome::Unknown).count();
        let cost = 8 * self.history.records.len() as u64 + (lost * lost / 64) as u64;
        if self.left < cost {
            return None;
        }
        self.left -= cost;
        let store = self.start.clone();
        let stretch = JudgedRange::whole(store.revision());
        let budget = 2_000 + STEPS_EACH * few.records.len() as u64;
        let budget = budget.min(self.left).into();
        let streams = Streams::default();
        let case = Case { history: &few, streams: &streams, range: &stretch, leases: None, budget };
        let verdict = match case.ops(&Ends::default()) {
            Err(verdict) => verdict,
            Ok(ops) => {
                let ordered = case.order(&ops, store);
                self.left = self.left.saturating_sub(ordered.steps);
                ordered.verdict
            }
        };
        match verdict {
            Verdict::Broken(violation) if violation.checker == LINEARIZABILITY => {
                self.last = Some(violation);
                self.doubt = false;
                Some(true)
            }
            verdict => {
                self.doubt |= matches!(verdict, Verdict::Unknown(_));
                Some(false)
            }
        }
    }

    /// The violation with its minimized evidence.
    fn minimized(mut self, Kept { seen, made }: &Kept, found: Violation, done: bool) -> Violation {
        // Searches once more for the sentence: the last attempt may have been another one.
        self.left = u64::MAX;
        let Some(true) = self.contradict(&[&seen[..], &made[..]].concat()) else { return found };
        let Some(last) = self.last else { return found };
        let lost = |record: &&Record| {
            record.outcome == Outcome::Unknown && !matches!(record.request, Request::Range(_))
        };
        let lost = self.history.records.iter().filter(lost).count();
        // The sentence counts forgotten writes as indeterminate ones, so its end is cut off.
        let ends = ["; no placement of the ", ", and of the "].map(|tail| last.reason.find(tail));
        let end = ends.into_iter().flatten().min().unwrap_or(last.reason.len());
        let mut reason = last.reason[..end].to_owned();
        let mut evidence = last.evidence.clone();
        let id = |place: &usize| self.history.records[*place].id;
        let mut kept: Vec<u64> = seen.iter().map(id).collect();
        let whatever = if made.len() > MOST_WRITES {
            "whatever the other reads saw"
        } else {
            kept.extend(made.iter().map(id));
            evidence.retain(|id| kept.contains(id));
            "even if every other operation took effect at any time since its call, or never"
        };
        let _ = match lost {
            0 => write!(reason, "; so it is {whatever}"),
            _ => write!(
                reason,
                "; no placement of the {} of unknown outcome explains it, {whatever}",
                words::count(lost, "write")
            ),
        };
        if !done {
            reason.push_str(" (there may be a smaller contradiction: the steps for that ran out)");
        }
        kept.retain(|id| !evidence.contains(id));
        evidence.append(&mut kept);
        Violation { checker: LINEARIZABILITY, reason, evidence, revision: last.revision }
    }
}

/// The history in which only the kept answers are known, without watches and serializable reads.
fn forgotten(history: &History, kept: &[usize]) -> History {
    let mut known = vec![false; history.records.len()];
    for place in kept {
        known[*place] = true;
    }
    // The initial store is never forgotten.
    if history.origin.start_revision.is_some_and(|revision| revision > 1) {
        known[0] = true;
    }
    let left = history.records.iter().zip(known).filter_map(|(record, known)| {
        let unknown = record.outcome == Outcome::Unknown;
        if !record.request.op().is_operation() || is_local(&record.request) {
            return None;
        }
        if known || unknown {
            return Some(record.clone());
        }
        let change = record.outcome == Outcome::Ok
            && (makes_revision(record) || matches!(record.request, Request::Compact(_)));
        change.then(|| Record {
            return_ns: None,
            outcome: Outcome::Unknown,
            response: None,
            ..record.clone()
        })
    });
    History { origin: history.origin.clone(), records: left.collect() }
}

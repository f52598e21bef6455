//! Judges whatever was read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Input, Logged};
use crate::check::{Options, check};
use crate::revision::LINEARIZABILITY;
use crate::search::append::{Append, AppendOp};
use crate::search::register::Register;
use crate::search::{Call, Limits, Model, Outcome, Stuck, search};
use crate::verdict::{Check, Figures, Report, Verdict};

/// Judges a history of any of the formats.
pub fn judge(input: &Input, options: &Options) -> Report {
    match input {
        Input::KeySpace(history) => check(history, options),
        Input::Register(operations) => {
            let mut judged = Judged::new(operations.iter());
            let (lines, calls) = split(operations.iter());
            judged.one(&Register::default(), (&lines, &calls), options.steps);
            judged.report()
        }
        Input::Strings(operations) => strings(operations, *options),
    }
}

/// Keys do not depend on each other. The search goes round them with a growing budget, so that one
/// hard key does not hide that another one is easily refuted.
fn strings(operations: &[(String, Logged<AppendOp>)], options: Options) -> Report {
    const FIRST_BUDGET: u64 = 20_000;
    let mut keys: BTreeMap<&str, Vec<&Logged<AppendOp>>> = BTreeMap::new();
    for (key, logged) in operations {
        keys.entry(key).or_default().push(logged);
    }
    let mut judged = Judged::new(operations.iter().map(|(_, logged)| logged));
    let mut open: Vec<_> = keys.into_values().map(|own| split(own.into_iter())).collect();
    let mut budget = FIRST_BUDGET.min(options.steps);
    while !open.is_empty() {
        let last = budget >= options.steps;
        open.retain(|(lines, calls)| {
            !judged.decided_broken() && !judged.one(&Append, (lines, calls), budget)
        });
        if last || judged.decided_broken() {
            break;
        }
        judged.verdict = Verdict::Legal; // those still open are tried again
        budget = (budget * 8).min(options.steps);
    }
    judged.report()
}

fn split<'a, Op: Clone + 'a>(
    operations: impl Iterator<Item = &'a Logged<Op>>,
) -> (Vec<u64>, Vec<Call<Op>>) {
    operations.map(|logged| (logged.line, logged.call.clone())).unzip()
}

/// `the operations called on lines 3, 5 and 9`
fn lines_of(lines: &[u64], places: &[usize]) -> String {
    const MOST: usize = 8;
    let mut lines: Vec<u64> = places.iter().map(|place| lines[*place]).collect();
    lines.sort_unstable();
    let shown: Vec<String> = lines.iter().take(MOST).map(ToString::to_string).collect();
    let (last, first) = shown.split_last().map_or(("", &[][..]), |(last, first)| (last, first));
    match (lines.len(), lines.len().saturating_sub(MOST)) {
        (1, _) => format!("the operation called on line {last}"),
        (_, 0) => format!("the operations called on lines {} and {last}", first.join(", ")),
        (_, more) => {
            format!("the operations called on lines {} and {more} more", shown.join(", "))
        }
    }
}

struct Judged {
    figures: Figures,
    verdict: Verdict,
}

impl Judged {
    fn new<'a, Op: 'a>(operations: impl Iterator<Item = &'a Logged<Op>>) -> Self {
        let mut figures = Figures::default();
        for logged in operations {
            match logged.call.returned {
                Some(_) => figures.ok += 1,
                None => figures.unknown += 1,
            }
        }
        Judged { figures, verdict: Verdict::Legal }
    }

    fn decided_broken(&self) -> bool {
        matches!(self.verdict, Verdict::Broken(_))
    }

    /// Searches an order of some operations; whether that decided.
    fn one<M: Model>(
        &mut self,
        model: &M,
        (lines, calls): (&[u64], &[Call<M::Op>]),
        steps: u64,
    ) -> bool {
        let found = search(model, calls, &Limits { steps, ..Limits::default() });
        self.figures.steps += found.steps;
        let told = |stuck: &Stuck| {
            let mut reason = match &stuck.among {
                None => format!("{} of {} operations", stuck.order.len(), calls.len()),
                Some(among) => {
                    let few = lines_of(lines, among);
                    format!("{few} contradict each other: {} of them", stuck.order.len())
                }
            };
            reason.push_str(" have an order, then none can come next");
            for (place, why) in stuck.rejected.iter().take(3) {
                let _ = write!(reason, "; line {}: {why}", lines[*place]);
            }
            (reason, stuck.rejected.iter().take(3).map(|(place, _)| lines[*place]).collect())
        };
        match &found.outcome {
            Outcome::Linearizable(_) => {}
            Outcome::Illegal(stuck) => {
                let (reason, evidence) = told(stuck);
                self.verdict = Verdict::broken(LINEARIZABILITY, reason, evidence);
            }
            Outcome::Unknown(stuck) => {
                let (reason, evidence) = told(stuck);
                let reason = format!("{steps} steps did not suffice. Furthest: {reason}");
                self.verdict = Verdict::unknown(LINEARIZABILITY, reason, evidence);
                return false;
            }
        }
        true
    }

    fn report(self) -> Report {
        // Also without any answer: of logs of others only the question is asked whether an order
        // exists, and Knossos' own good histories have such ones.
        let Judged { figures, verdict } = self;
        let examined = figures.ok + figures.unknown;
        let check = Check { name: LINEARIZABILITY, verdict: verdict.clone(), examined };
        Report { verdict, checks: vec![check], figures, placed: Vec::new() }
    }
}

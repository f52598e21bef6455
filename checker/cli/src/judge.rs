//! Judges a history of any format.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::import::{Input, Logged};
use crate::rows::{self, register};
use mettle_checker::budget::{Options, megabytes, too_much};
use mettle_checker::check;
use mettle_checker::words::{self, row::Row};
use mettle_checker::{Check, Figures, LINEARIZABILITY, Report, Verdict};
use mettle_search::append::Append;
use mettle_search::register::Register;
use mettle_search::shrink::{Core, shrink};
use mettle_search::{Call, Limits, Model, Outcome, Stuck, search};

/// The most steps for shrinking a contradiction.
const SHRINK_STEPS: u64 = 2_000_000;
/// The most operations in the evidence, the last ones: more help no reader.
const EVIDENCE: usize = 64;

/// Judges a history of any of the formats.
pub fn judge(input: &Input, options: &Options) -> Report {
    match input {
        Input::KeySpace(history) => check(history, options),
        Input::Register(operations) => {
            let Some(memory_bytes) = left(operations.iter(), options) else {
                return refused(operations.iter(), options);
            };
            let mut judged = Judged::new(operations.iter());
            let calls = calls(operations.iter());
            let row = |place: usize| register(&operations[place]);
            let limits = Limits { steps: options.steps, memory_bytes };
            judged.one(&Register::everywhere(&calls), &calls, row, limits);
            judged.report()
        }
        Input::Registers(operations) => {
            by_key(operations, *options, Register::everywhere, rows::registers)
        }
        Input::Strings(operations) => by_key(operations, *options, |_| vec![Append], rows::strings),
    }
}

/// Judges each key on its own; `models` as for [`shrink`]. The searches take turns with a growing
/// budget, so that a hard key does not hide an easy contradiction of another key.
fn by_key<M: Model>(
    operations: &[(String, Logged<M::Op>)],
    options: Options,
    models: impl Fn(&[Call<M::Op>]) -> Vec<M>,
    row: impl Fn(&str, &Logged<M::Op>) -> Row,
) -> Report
where
    M::Op: Clone,
{
    const FIRST_BUDGET: u64 = 20_000;
    let all = operations.iter().map(|(_, logged)| logged);
    let Some(memory_bytes) = left(all.clone(), &options) else { return refused(all, &options) };
    let mut keys: BTreeMap<&str, Vec<&Logged<M::Op>>> = BTreeMap::new();
    for (key, logged) in operations {
        keys.entry(key).or_default().push(logged);
    }
    let mut judged = Judged::new(all);
    let mut open: Vec<_> = keys
        .into_iter()
        .map(|(key, own)| {
            let calls = calls(own.iter().copied());
            (key, own, calls)
        })
        .collect();
    let mut budget = FIRST_BUDGET.min(options.steps);
    while !open.is_empty() {
        let last = budget >= options.steps;
        open.retain(|(key, own, calls)| {
            let row = |place: usize| row(key, own[place]);
            !judged.decided_broken()
                && !judged.one(&models(calls), calls, row, Limits { steps: budget, memory_bytes })
        });
        if last || judged.decided_broken() {
            break;
        }
        judged.verdict = Verdict::Legal; // those still open are tried again
        budget = (budget * 8).min(options.steps);
    }
    judged.report()
}

/// The bytes that judging takes before it searches: the operations are copied and grouped by key.
fn needed<'a, Op: 'a>(operations: impl Iterator<Item = &'a Logged<Op>>) -> u64 {
    let each = 2 * size_of::<(String, Logged<Op>)>() + size_of::<Call<Op>>() + KEYED;
    let text = |logged: &Logged<Op>| logged.text.as_ref().map_or(0, |text| text.len());
    operations.map(|logged| (each + text(logged)) as u64).sum()
}

/// For an operation's place under its key, and for the key.
const KEYED: usize = 64;

/// The memory left for the search; None if the operations alone exceed it.
fn left<'a, Op: 'a>(
    operations: impl Iterator<Item = &'a Logged<Op>>,
    options: &Options,
) -> Option<usize> {
    let left = options.memory_bytes.checked_sub(needed(operations))?;
    Some(usize::try_from(left).unwrap_or(usize::MAX))
}

/// The report on a history that exceeds the memory allowed.
fn refused<'a, Op: 'a>(
    operations: impl Iterator<Item = &'a Logged<Op>> + Clone,
    options: &Options,
) -> Report {
    let mut judged = Judged::new(operations.clone());
    judged.verdict = too_much(needed(operations), options);
    judged.report()
}

fn calls<'a, Op: Clone + 'a>(operations: impl Iterator<Item = &'a Logged<Op>>) -> Vec<Call<Op>> {
    operations.map(|logged| logged.call.clone()).collect()
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

    /// Searches for an order of some operations; the result is whether the search decided. `models`
    /// as for [`shrink`]; `row` describes an operation.
    fn one<M: Model>(
        &mut self,
        models: &[M],
        calls: &[Call<M::Op>],
        row: impl Fn(usize) -> Row,
        limits: Limits,
    ) -> bool
    where
        M::Op: Clone,
    {
        let found = search(&models[0], calls, &limits);
        self.figures.steps += found.steps;
        match found.outcome {
            Outcome::Linearizable(_) => {}
            Outcome::Illegal(stuck) => {
                let core = shrink(
                    models,
                    calls,
                    &stuck,
                    &Limits { steps: SHRINK_STEPS, ..limits },
                    M::Op::clone,
                );
                let (reason, evidence) = contradiction(&core, row);
                self.verdict = Verdict::broken(LINEARIZABILITY, reason, evidence);
            }
            Outcome::Unknown(stuck) => {
                let (reason, evidence) = furthest(&stuck, calls.len(), row);
                let (short, option) = match found.memory {
                    Some(bytes) => {
                        let (needed, allowed) =
                            (megabytes(bytes as u64), limits.memory_bytes >> 20);
                        (
                            format!(
                                "the memory for a search ran out (more than {needed} MB are needed, {allowed} \
                                 are left)"
                            ),
                            "--memory",
                        )
                    }
                    None => (
                        format!("a search ran out of steps ({} were spent)", limits.steps),
                        "--steps",
                    ),
                };
                let reason = format!(
                    "{short} over {} operations; {option} gives more. It came as far as {reason}",
                    calls.len()
                );
                self.verdict = Verdict::unknown(LINEARIZABILITY, reason, evidence);
                return false;
            }
        }
        true
    }

    fn report(self) -> Report {
        // A log without answers counts too: its only question is whether an order exists, and some
        // of Knossos' own legal histories have no answer.
        let Judged { figures, verdict } = self;
        let examined = figures.ok + figures.unknown;
        let check = Check { name: LINEARIZABILITY, verdict: verdict.clone(), examined };
        Report { verdict, checks: vec![check], figures, placed: Vec::new() }
    }
}

/// The sentence about a contradiction, and its lines.
fn contradiction(core: &Core, row: impl Fn(usize) -> Row) -> (String, Vec<u64>) {
    let rows: Vec<Row> = core.ops.iter().map(|op| row(*op)).collect();
    let shown: Vec<&Row> = rows.iter().collect();
    let mut reason = words::together(&shown, core.anywhere);
    let rejected = core.stuck.rejected.iter().find(|(op, _)| core.ops.contains(op));
    if let Some((op, why)) = rejected.filter(|_| !core.anywhere) {
        let row = row(*op);
        let _ = write!(
            reason,
            "; in the longest order {} by {} on line {} comes next, but {why}",
            row.ask,
            words::who(row.process),
            row.id
        );
    }
    if !core.smallest {
        reason.push_str("; there may be a smaller contradiction: the steps for that ran out");
    }
    let more = rows.len().saturating_sub(EVIDENCE);
    (reason, rows[more..].iter().map(|row| row.id).collect())
}

/// The sentence about a search that ran out of steps: how far it came, and the next candidates.
fn furthest(stuck: &Stuck, all: usize, row: impl Fn(usize) -> Row) -> (String, Vec<u64>) {
    let mut reason = format!("{} of {all} in order", stuck.order.len());
    let mut evidence = Vec::new();
    for (place, why) in stuck.rejected.iter().take(3) {
        let row = row(*place);
        let who = words::who(row.process);
        let _ =
            write!(reason, "; {} by {who} on line {} may come next, but {why}", row.ask, row.id);
        evidence.push(row.id);
    }
    (reason, evidence)
}

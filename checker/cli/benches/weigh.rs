//! What a judgement costs in processor time and memory, once for each history:
//! `cargo bench -p mettle-check --bench weigh [-- PART_OF_A_NAME]`.
//!
//! Time is the processor's, of this process, so that what else runs on the machine counts less;
//! the least of five runs (short judgements: the least average of as many as take 50 ms). Memory is
//! the peak of the resident set during the first judgement, and what the history itself takes of
//! it. Both come from Linux's /proc; elsewhere they are 0.
#![allow(clippy::print_stdout, reason = "a table for people")]

mod shapes;
#[path = "../tests/it/string_histories.rs"]
mod string_histories;
#[path = "../../tests/it/world/mod.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::hint::black_box;

use mettle_check::judge;
use mettle_checker::{Options, check};
use mettle_search::register::Register;
use mettle_search::{Limits, search};
use shapes::{REGISTERS, few_values, key_spaces, recorded, register, strings, unwatched};
use world::legal;

const RUNS: usize = 5;

fn main() {
    // Cargo passes --bench.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let wants = |name: &str| wanted.iter().all(|word| name.contains(word.as_str()));
    println!("{:68} {:>10} {:>9} {:>9}  verdict", "history", "ms", "peak MB", "history");
    let watched = key_spaces().into_iter().map(|(name, shape)| (name.to_owned(), shape));
    for (name, shape) in watched.chain(unwatched()).filter(|(name, _)| wants(name)) {
        let before = resident("VmRSS:");
        let history = legal(shape);
        let own = resident("VmRSS:").saturating_sub(before);
        weigh(&name, own, || check(black_box(&history), &Options::default()).verdict.name());
    }
    for (processes, operations) in REGISTERS {
        let name = format!("register, {operations} ops, {processes} processes");
        if wants(&name) {
            let calls = register(processes, operations);
            weigh(&name, 0, || {
                let found = search(&Register::default(), black_box(&calls), &Limits::default());
                outcome(&found.outcome)
            });
        }
    }
    for (name, calls) in few_values().into_iter().filter(|(name, _)| wants(name)) {
        weigh(&name, 0, || {
            outcome(&search(&Register::default(), black_box(&calls), &Limits::default()).outcome)
        });
    }
    let strings = strings().into_iter().map(|(name, input)| (name, vec![input]));
    for (name, inputs) in strings.chain(recorded()).filter(|(name, _)| wants(name)) {
        weigh(name, 0, || {
            let reports = inputs.iter().map(|input| judge(input, &Options::default()));
            let verdicts: BTreeSet<&str> = reports.map(|report| report.verdict.name()).collect();
            if verdicts.len() > 1 { "several" } else { verdicts.into_iter().next().unwrap_or("") }
        });
    }
}

fn outcome(outcome: &mettle_search::Outcome) -> &'static str {
    use mettle_search::Outcome;
    match outcome {
        Outcome::Linearizable(_) => "legal",
        Outcome::Illegal(_) => "broken",
        Outcome::Unknown(_) => "unknown",
    }
}

fn weigh(name: &str, own: u64, judge: impl Fn() -> &'static str) {
    let _ = fs::write("/proc/self/clear_refs", "5"); // the peak starts anew
    let mut verdict = "";
    let mut least = u64::MAX;
    let mut peak = 0;
    for run in 0..RUNS {
        // The counter moves in steps of some milliseconds.
        let (start, mut times) = (processor_ns(), 0);
        while times == 0 || processor_ns() - start < 50_000_000 {
            verdict = judge();
            times += 1;
            if run == 0 && times == 1 {
                peak = resident("VmHWM:");
            }
        }
        least = least.min((processor_ns() - start) / times);
        if least > 5_000_000_000 {
            break;
        }
    }
    let ms = least as f64 / 1e6;
    println!("{name:68} {ms:10.2} {:9} {:9}  {verdict}", peak >> 10, own >> 10);
}

/// Nanoseconds that this process has run.
fn processor_ns() -> u64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Kilobytes of a line of `/proc/self/status`.
fn resident(line: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = text.lines().find_map(|text| text.strip_prefix(line));
    let number = found.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|word| word.parse().ok()).unwrap_or(0)
}

//! The histories that the benches judge: made here, with fixed seeds.
#![allow(dead_code, reason = "each bench uses its own part of it")]

use std::fs;
use std::path::Path;

use mettle_check::import::{Input, read};
use mettle_checker::history::Limits;
use mettle_search::Call;
use mettle_search::register::RegisterOp;

use super::string_histories::strings as world_strings;
use super::world::{Dice, Shape};

fn shape(processes: u64, operations: u64, unknown_per_mille: u64, watchers: u64) -> Shape {
    Shape {
        seed: 7,
        processes,
        operations,
        keys: 10 + operations / 100,
        unknown_per_mille,
        watchers,
        simple: true,
        ..Shape::default()
    }
}

/// What the order of revisions is tried on, by name.
pub(crate) fn key_spaces() -> Vec<(&'static str, Shape)> {
    vec![
        ("10k ops, 20 processes, 2 % unknown, 1 watcher", shape(20, 10_000, 20, 1)),
        ("10k ops, 20 processes, 2 % unknown, no watcher", shape(20, 10_000, 20, 0)),
        ("100k ops, 20 processes, none unknown", shape(20, 100_000, 0, 0)),
        ("100k ops, 20 processes, 2 % unknown, 1 watcher", shape(20, 100_000, 20, 1)),
        ("100k ops, 100 processes, 0.3 % unknown, no watcher", shape(100, 100_000, 3, 0)),
        ("1M ops, 20 processes, 2 % unknown, 1 watcher", shape(20, 1_000_000, 20, 1)),
        ("1M ops, 100 processes, 2 % unknown, 1 watcher", shape(100, 1_000_000, 20, 1)),
    ]
}

/// Many writes of unknown outcome and nobody watching: twelve seeds of each kind, by name.
pub(crate) fn unwatched() -> Vec<(String, Shape)> {
    let mut found = Vec::new();
    for seed in 1..=12 {
        let many = Shape { seed, keys: 100, ..shape(20, 8_600, 300, 0) };
        found.push((
            format!("8,600 ops, 20 processes, 30 % unknown, no watcher, seed {seed}"),
            many,
        ));
        let wide = Shape { seed, keys: 100, ..shape(100, 8_600, 100, 0) };
        found.push((
            format!("8,600 ops, 100 processes, 10 % unknown, no watcher, seed {seed}"),
            wide,
        ));
    }
    found
}

/// Processes and operations of the registers.
pub(crate) const REGISTERS: [(u64, u64); 5] =
    [(1, 100_000), (10, 10_000), (10, 50_000), (30, 1_000), (30, 10_000)];

/// A register used by so many processes back to back, each value written once, some by
/// compare-and-set.
pub(crate) fn register(processes: u64, operations: u64) -> Vec<Call<RegisterOp>> {
    let mut dice = Dice::new(3);
    let mut plan = Vec::new();
    for _ in 0..processes {
        let mut now = dice.below(10);
        for _ in 0..operations / processes {
            let apply = now + dice.below(20);
            let returned = apply + dice.below(20);
            plan.push((apply, now, returned));
            now = returned + 1;
        }
    }
    plan.sort_unstable();
    let mut value = None;
    let calls = plan.into_iter().enumerate().map(|(number, (_, call, returned))| {
        let own = number as u64;
        let op = match (dice.below(4), value) {
            (0, _) => RegisterOp::Write(own),
            (1, Some(from)) => RegisterOp::Cas(from, own),
            _ => RegisterOp::Read(value),
        };
        if matches!(op, RegisterOp::Write(_) | RegisterOp::Cas(..)) {
            value = Some(own);
        }
        Call { op, call, returned: Some(returned) }
    });
    calls.collect()
}

/// Registers of few values, by name: so many processes, operations and values, so many operations
/// of unknown outcome among 1000, and whether one read is stale.
pub(crate) fn few_values() -> Vec<(String, Vec<Call<RegisterOp>>)> {
    let mut found = Vec::new();
    for (processes, operations, values, unknown) in [
        (1, 100_000, 5, 0),
        (1, 100_000, 1000, 0),
        (10, 10_000, 5, 0),
        (10, 50_000, 5, 0),
        (10, 50_000, 1000, 0),
        (10, 50_000, 5, 1),
        (10, 50_000, 1000, 1),
        (30, 1_000, 5, 0),
        (30, 1_000, 100, 0),
        (30, 1_000, 5, 10),
        (30, 10_000, 5, 0),
        (30, 10_000, 1000, 0),
    ] {
        for stale in [false, true] {
            let calls = repeating(processes, operations, (values, unknown, stale));
            let legal = if stale { "stale" } else { "legal" };
            let unknown =
                if unknown > 0 { format!(", {unknown} in 1000 unknown") } else { String::new() };
            let name = format!(
                "register, {operations} ops, {processes} processes, {values} values{unknown}, {legal}"
            );
            found.push((name, calls));
        }
    }
    found
}

/// A register into which a few values are written again and again. A stale read, after the middle,
/// saw a value that was not written for a while before nor after; without such, one that never was.
fn repeating(
    processes: u64,
    operations: u64,
    (values, unknown, stale): (u64, u64, bool),
) -> Vec<Call<RegisterOp>> {
    let mut dice = Dice::new(5);
    let mut calls = register(processes, operations);
    let mut written = Vec::new();
    let mut value: Option<u64> = None;
    for call in &mut calls {
        let own = dice.below(values);
        call.op = match (&call.op, value) {
            (RegisterOp::Write(_), _) => RegisterOp::Write(own),
            (RegisterOp::Cas(..), Some(from)) => RegisterOp::Cas(from, own),
            _ => RegisterOp::Read(value),
        };
        let change = match call.op {
            RegisterOp::Write(own) | RegisterOp::Cas(_, own) => Some(own),
            RegisterOp::Read(_) | RegisterOp::FailedCas(_) => None,
        };
        value = change.or(value);
        written.push(change);
        if change.is_some() && dice.below(1000) < unknown {
            call.returned = None;
        }
    }
    if stale {
        let around = 4 * processes as usize;
        let reads = (calls.len() / 2..calls.len()).filter(|place| written[*place].is_none());
        let found = reads.clone().find_map(|place| {
            let near = &written[place - around..(place + around).min(written.len())];
            let old = (0..values).find(|value| !near.contains(&Some(*value)));
            old.filter(|_| unknown == 0).map(|old| (place, old))
        });
        let (place, seen) = found.or(reads.max().map(|last| (last, values))).unwrap_or((0, values));
        calls[place].op = RegisterOp::Read(Some(seen));
    }
    calls
}

/// Strings of fifty clients, by name.
pub(crate) fn strings() -> Vec<(&'static str, Input)> {
    let of = |stale| Input::Strings(world_strings(50, 100, (2, stale)));
    vec![
        ("strings, 5,000 ops, 50 clients, legal", of(false)),
        ("strings, 5,000 ops, 50 clients, one stale read", of(true)),
    ]
}

/// Histories recorded by others, beside the project: by name, or a line that says what is not there.
#[allow(clippy::print_stdout, reason = "a table for people")]
pub(crate) fn recorded() -> Vec<(&'static str, Vec<Input>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/histories");
    let mut found = Vec::new();
    for (name, folder) in [
        ("etcd's report of 8,620 operations", "etcd-robustness"),
        ("Jepsen's etcd logs, all", "porcupine-jepsen-etcd"),
    ] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else {
            println!("skipped: {name}: {} is not there", root.join(folder).display());
            continue;
        };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.is_dir() || path.extension().is_some_and(|end| end == "log"));
        paths.sort();
        let inputs = paths.iter().map(|path| {
            read(path, None, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
        });
        found.push((name, inputs.collect()));
    }
    found
}

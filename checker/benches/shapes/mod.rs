//! The histories that the benches judge: made here, with fixed seeds.

use mettle_checker::search::Call;
use mettle_checker::search::register::RegisterOp;

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
        ("1M ops, 100 processes, 2 % unknown, 1 watcher", shape(100, 1_000_000, 20, 1)),
    ]
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

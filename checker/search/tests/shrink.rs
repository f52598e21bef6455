//! The smallest contradiction: what is reported has no order, and forgetting any one of it has.

use mettle_search::append::{Append, AppendOp, Seen, Text};
use mettle_search::register::{Register, RegisterOp};
use mettle_search::shrink::{Core, shrink};
use mettle_search::{Call, Limits, Model, Outcome, search};

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Calls of three processes, with times that overlap.
fn calls<Op>(dice: &mut Dice, count: u64, mut op: impl FnMut(&mut Dice) -> Op) -> Vec<Call<Op>> {
    let mut at = [0; 3];
    let mut calls = Vec::new();
    for _ in 0..count {
        let process = dice.below(3) as usize;
        let call = at[process] + 1 + dice.below(8);
        let returned = call + 1 + dice.below(12);
        at[process] = returned;
        let returned = (dice.below(8) > 0).then_some(returned);
        calls.push(Call { op: op(dice), call, returned });
    }
    calls
}

/// What is left when only `kept` is known, written down a second time.
fn forgotten<M: Model>(
    model: &M,
    calls: &[Call<M::Op>],
    kept: &[usize],
    window: (u64, u64),
) -> Vec<Call<M::Op>>
where
    M::Op: Clone,
{
    let mut left = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        let over = call.returned.is_some_and(|at| at < window.0);
        if over || call.call > window.1 {
            continue;
        }
        match call.returned {
            Some(_) if kept.contains(&place) => left.push(call.clone()),
            Some(_) if model.is_pure(&call.op) => {}
            _ => left.push(Call { op: call.op.clone(), call: call.call, returned: None }),
        }
    }
    left
}

fn illegal<M: Model>(models: &[M], calls: &[Call<M::Op>]) -> bool {
    models.iter().all(|model| {
        matches!(search(model, calls, &Limits::default()).outcome, Outcome::Illegal(_))
    })
}

/// The moments between which the core lies.
fn window<Op>(calls: &[Call<Op>], core: &Core) -> (u64, u64) {
    let begin = core.ops.iter().map(|op| calls[*op].call).min().expect("not empty");
    let end = core.ops.iter().filter_map(|op| calls[*op].returned).max().expect("answered");
    (if core.anywhere { begin } else { 0 }, end)
}

fn smallest<M: Model>(models: &[M], calls: &[Call<M::Op>]) -> Option<usize>
where
    M::Op: Clone,
{
    let Outcome::Illegal(stuck) = search(&models[0], calls, &Limits::default()).outcome else {
        return None;
    };
    let limits = Limits { steps: 1_000_000, ..Limits::default() };
    let core = shrink(models, calls, &stuck, &limits, M::Op::clone);
    assert!(core.smallest && !core.ops.is_empty());
    let window = window(calls, &core);
    let judged = if core.anywhere { &models[1..] } else { &models[..1] };
    let all = forgotten(&models[0], calls, &core.ops, window);
    assert!(illegal(judged, &all), "{:?} do not contradict each other", core.ops);
    for one in &core.ops {
        let rest: Vec<usize> = core.ops.iter().copied().filter(|op| op != one).collect();
        let fewer = forgotten(&models[0], calls, &rest, window);
        assert!(!illegal(judged, &fewer), "{one} of {:?} is not needed", core.ops);
    }
    Some(core.ops.len())
}

#[test]
fn of_registers() {
    let mut sizes = [0; 12];
    for seed in 0..1_500 {
        let mut dice = Dice(seed);
        let values = 2 + dice.below(3);
        let count = 4 + dice.below(12);
        let calls = calls(&mut dice, count, |dice| match dice.below(7) {
            0..3 => RegisterOp::Read(Some(dice.below(values))),
            3..5 => RegisterOp::Write(dice.below(values)),
            5 => RegisterOp::Cas(dice.below(values), dice.below(values)),
            _ => RegisterOp::FailedCas(dice.below(values)),
        });
        if let Some(size) = smallest(&Register::everywhere(&calls), &calls) {
            sizes[size.min(11)] += 1;
        }
    }
    assert!(sizes[1] > 30 && sizes[2] > 30 && sizes[3] > 3, "{sizes:?}");
    assert!(sizes[8..].iter().all(|count| *count == 0), "{sizes:?}");
}

#[test]
fn of_registers_written_once() {
    let mut found = 0;
    for seed in 0..1_000 {
        let mut dice = Dice(seed);
        let mut next = 0;
        let calls = calls(&mut dice, 14, |dice| {
            if dice.below(2) == 0 {
                next += 1;
                RegisterOp::Write(next)
            } else {
                RegisterOp::Read(Some(1 + dice.below(next.max(1))))
            }
        });
        found += usize::from(smallest(&Register::everywhere(&calls), &calls).is_some());
    }
    assert!(found > 150, "{found}");
}

#[test]
fn of_strings() {
    let mut found = 0;
    for seed in 0..1_000 {
        let mut dice = Dice(seed);
        let mut so_far = String::new();
        let calls = calls(&mut dice, 9, |dice| match dice.below(5) {
            0 => {
                so_far.push('x');
                AppendOp::Append(Text::of("x"))
            }
            1 => {
                so_far = "y".to_owned();
                AppendOp::Put(Text::of("y"))
            }
            _ if dice.below(6) == 0 => AppendOp::Get(Seen::of("z")),
            _ => AppendOp::Get(Seen::of(&so_far)),
        });
        found += usize::from(smallest(&[Append], &calls).is_some());
    }
    assert!(found > 150, "{found}");
}

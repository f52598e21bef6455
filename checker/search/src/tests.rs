//! The search against brute force and against stateright's tester, on random registers.

use proptest::prelude::*;
use stateright::semantics::register::{Register as Theirs, RegisterOp as Op, RegisterRet as Ret};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use super::register::{Register, RegisterOp};
use super::*;

fn call(op: RegisterOp, call: u64, returned: Option<u64>) -> Call<RegisterOp> {
    Call { op, call, returned }
}

fn run(calls: &[Call<RegisterOp>]) -> Outcome {
    search(&Register { initial: Some(0) }, calls, &Limits::default()).outcome
}

/// Every order that real time allows.
fn brute(state: Option<u64>, left: &[&Call<RegisterOp>]) -> bool {
    let horizon = left.iter().filter_map(|call| call.returned).min();
    let Some(horizon) = horizon else { return true };
    left.iter().enumerate().any(|(place, call)| {
        let Ok(next) = Register::default().step(&state, &call.op) else { return false };
        let mut rest = left.to_vec();
        rest.remove(place);
        call.call <= horizon && brute(next, &rest)
    })
}

/// Three sequential processes; an operation without return ends its process.
fn calls(unknown: bool) -> impl Strategy<Value = Vec<Call<RegisterOp>>> {
    let op = prop_oneof![
        (0..3u64).prop_map(|value| RegisterOp::Read(Some(value))),
        (0..3u64).prop_map(RegisterOp::Write),
        ((0..3u64), (0..3u64)).prop_map(|(from, to)| RegisterOp::Cas(from, to)),
        (0..3u64).prop_map(RegisterOp::FailedCas),
    ];
    let one = (op, 0..4u64, 0..9u64, prop::bool::weighted(if unknown { 0.2 } else { 0.0 }));
    let process = prop::collection::vec(one, 0..4);
    prop::collection::vec(process, 3).prop_map(|processes| {
        let mut all = Vec::new();
        for process in processes {
            let mut now = 0;
            for (op, pause, length, lost) in process {
                let begin = now + pause;
                now = begin + length + 1;
                all.push(call(op, begin, (!lost).then_some(begin + length)));
            }
        }
        all
    })
}

/// A register that fails compares, as stateright's does not.
fn theirs(calls: &[Call<RegisterOp>]) -> Option<bool> {
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (place, call) in calls.iter().enumerate() {
        events.push((call.call, false, place));
        events.push((call.returned?, true, place));
    }
    events.sort_unstable();
    let mut tester: LinearizabilityTester<usize, Theirs<u64>> =
        LinearizabilityTester::new(Theirs(0));
    for (_, is_return, place) in events {
        let (op, ret) = match calls[place].op {
            RegisterOp::Read(value) => (Op::Read, Ret::ReadOk(value?)),
            RegisterOp::Write(value) => (Op::Write(value), Ret::WriteOk),
            _ => return None,
        };
        // Each operation is a thread of its own: that leaves exactly the order of real time.
        if is_return {
            tester.on_return(place, ret).ok()?;
        } else {
            tester.on_invoke(place, op).ok()?;
        }
    }
    Some(tester.is_consistent())
}

/// Values written once: what three processes did on a register (or a compare that failed), with
/// some outcomes lost and perhaps one operation damaged.
fn unique() -> impl Strategy<Value = Vec<Call<RegisterOp>>> {
    let one = (0..5u8, 0..4u64, 0..6u64, 0..6u64, prop::bool::weighted(0.15));
    let process = prop::collection::vec(one, 0..4);
    let damage = prop::option::of((0..9usize, 0..9u64));
    (prop::collection::vec(process, 3), damage).prop_map(|(processes, damage)| {
        let mut plan = Vec::new();
        for process in processes {
            let mut now = 0;
            for (kind, pause, before, after, lost) in process {
                let begin = now + pause;
                now = begin + before + after + 1;
                plan.push((begin + before, kind, begin, now - 1, lost));
            }
        }
        plan.sort_unstable();
        let mut state = 0;
        let mut all = Vec::new();
        for (number, (_, kind, begin, end, lost)) in (1..).zip(plan) {
            let op = match kind {
                0 | 1 => RegisterOp::Read(Some(state)),
                2 => RegisterOp::Write(number),
                3 => RegisterOp::Cas(state, number),
                _ => RegisterOp::FailedCas(number % 7 + u64::from(state == number % 7)),
            };
            if !lost || number % 2 == 0 {
                state = match op {
                    RegisterOp::Write(to) | RegisterOp::Cas(_, to) => to,
                    _ => state,
                };
            }
            all.push(call(op, begin, (!lost).then_some(end)));
        }
        if let Some((place, value)) = damage
            && let Some(call) = all.get_mut(place)
        {
            match &mut call.op {
                RegisterOp::Read(seen) => *seen = Some(value),
                RegisterOp::Write(_) => call.call = call.call.saturating_sub(value),
                RegisterOp::Cas(from, _) | RegisterOp::FailedCas(from) => *from = value,
            }
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn values_written_once_need_no_search(calls in unique()) {
        let model = Register { initial: Some(0) };
        let all: Vec<_> = calls.iter().collect();
        let expected = brute(Some(0), &all);
        let searched = super::engine::by_search(&model, &calls, &Limits::default()).outcome;
        prop_assert_eq!(matches!(searched, Outcome::Linearizable(_)), expected);
        let failed = |call: &Call<RegisterOp>| matches!(call.op, RegisterOp::FailedCas(_));
        match model.directly(&calls) {
            None => prop_assert!(calls.iter().any(failed)),
            Some(Outcome::Linearizable(order)) => {
                prop_assert!(expected);
                let mut state = Some(0);
                for place in &order {
                    state = model.step(&state, &calls[*place].op).expect("the order is legal");
                }
                let certain = (0..calls.len()).filter(|place| calls[*place].returned.is_some());
                prop_assert!(certain.into_iter().all(|place| order.contains(&place)));
            }
            Some(Outcome::Illegal(stuck)) => {
                prop_assert!(!expected);
                prop_assert!(!stuck.rejected.is_empty());
            }
            Some(Outcome::Unknown(_)) => prop_assert!(false, "it decides, or leaves it"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn brute_force_agrees(calls in calls(true)) {
        let all: Vec<_> = calls.iter().collect();
        let legal = matches!(run(&calls), Outcome::Linearizable(_));
        prop_assert_eq!(legal, brute(Some(0), &all));
    }

    #[test]
    fn a_small_memory_says_the_same(calls in calls(true)) {
        // So much that the table of what was tried holds 64 things.
        let limits = Limits { memory_bytes: (64 << 10) + calls.len() * 600, ..Limits::default() };
        let small = search(&Register { initial: Some(0) }, &calls, &limits).outcome;
        prop_assert_eq!(
            matches!(small, Outcome::Linearizable(_)),
            matches!(run(&calls), Outcome::Linearizable(_))
        );
    }

    #[test]
    fn stateright_agrees(calls in calls(false)) {
        let plain: Vec<_> = calls
            .into_iter()
            .filter(|call| matches!(call.op, RegisterOp::Read(_) | RegisterOp::Write(_)))
            .collect();
        let legal = matches!(run(&plain), Outcome::Linearizable(_));
        prop_assert_eq!(theirs(&plain), Some(legal));
    }
}

#[test]
fn a_stale_read_is_named() {
    let calls = [
        call(RegisterOp::Write(1), 0, Some(1)),
        call(RegisterOp::Write(2), 2, Some(3)),
        call(RegisterOp::Read(Some(1)), 4, Some(5)),
    ];
    let Outcome::Illegal(stuck) = run(&calls) else { panic!("it is stale") };
    assert_eq!(stuck.order, [0, 1]);
    assert_eq!(stuck.rejected, [(2, "it read 1, while 2 is there".to_owned())]);
}

#[test]
fn the_budget_is_kept() {
    // 0 is written twice and taken three times: what looks ahead does not count that.
    let writes = (0..16).chain([0]).map(RegisterOp::Write);
    let all = writes.chain((0..3).map(|_| RegisterOp::Cas(0, 1)));
    let calls: Vec<_> = all.map(|op| call(op, 0, Some(9))).collect();
    let limits = Limits { steps: 1000, ..Limits::default() };
    let found = search(&Register::default(), &calls, &limits);
    assert!(matches!(found.outcome, Outcome::Unknown(_)) && found.steps <= 1002);
}

#[test]
fn a_write_of_what_is_there_is_not_pure() {
    // Done at once where 0 is already there, the write of 0 would be used up too early.
    let calls = [
        call(RegisterOp::Write(0), 0, Some(100)),
        call(RegisterOp::Write(1), 0, Some(1)),
        call(RegisterOp::Read(Some(1)), 2, Some(3)),
        call(RegisterOp::Read(Some(0)), 4, Some(5)),
    ];
    assert!(matches!(run(&calls), Outcome::Linearizable(_)));
}

#[test]
fn a_hundred_thousand_in_a_row() {
    let mut calls = Vec::new();
    for number in 0..100_000u64 {
        let op = match number % 2 {
            0 => RegisterOp::Write(number),
            _ => RegisterOp::Read(Some(number - 1)),
        };
        calls.push(call(op, number * 2, Some(number * 2 + 1)));
    }
    let found = search(&Register::default(), &calls, &Limits::default());
    assert!(matches!(found.outcome, Outcome::Linearizable(_)));
    assert!(found.steps < 300_000, "{}", found.steps);
}

#[test]
fn thirty_processes_at_once() {
    // Each process writes and reads; all calls of a round overlap.
    let mut calls = Vec::new();
    for number in 0..1_000u64 {
        let round = number / 30;
        let op = match number % 3 {
            0 => RegisterOp::Write(number),
            _ => RegisterOp::Read(Some(number - number % 3)),
        };
        calls.push(call(op, round * 100, Some(round * 100 + 150)));
    }
    let legal = search(&Register::default(), &calls, &Limits::default());
    assert!(matches!(legal.outcome, Outcome::Linearizable(order) if order.len() == 1_000));
    calls.push(call(RegisterOp::Read(Some(0)), 1_000, Some(1_001)));
    let stale = search(&Register::default(), &calls, &Limits::default());
    let Outcome::Illegal(stuck) = stale.outcome else { panic!("it is stale") };
    assert!(stuck.order.len() < 5 && !stuck.rejected.is_empty(), "{stuck:?}");
}

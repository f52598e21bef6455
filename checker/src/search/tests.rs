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
        let limits = Limits { memory_bytes: 0, ..Limits::default() };
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
    assert_eq!(stuck.rejected, [(2, "read 1, but 2 is there".to_owned())]);
}

#[test]
fn the_budget_is_kept() {
    let calls: Vec<_> = (0..20).map(|value| call(RegisterOp::Write(value), 0, Some(9))).collect();
    let mut calls = calls;
    calls.push(call(RegisterOp::Read(Some(99)), 10, Some(11)));
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

//! Recordings against a store that held keys before.

use crate::world::damage::damage;
use crate::world::{Dice, Shape, legal, legal_from_start};
use mettle_checker::history::{History, Response};
use mettle_checker::{Options, Verdict, assumptions, check};

fn verdict(history: &History) -> Verdict {
    check(history, &Options::default()).verdict
}

fn shapes(seeds: std::ops::Range<u64>) -> impl Iterator<Item = Shape> {
    seeds.map(|seed| Shape {
        seed,
        before: 1 + seed % 60,
        unknown_per_mille: [0, 100, 300][seed as usize % 3],
        watchers: seed / 3 % 3,
        unique: seed % 2 == 0,
        ..Shape::default()
    })
}

#[test]
fn recorded_initial_store() {
    for shape in shapes(0..400) {
        let history = legal_from_start(shape);
        let verdict = verdict(&history);
        assert_eq!(verdict, Verdict::Legal, "{shape:?}");
    }
}

/// The keys of the first range count: an answer that denies one of them is wrong.
#[test]
fn answers_must_agree_with_the_recorded_initial_store() {
    let mut broken = 0;
    for shape in shapes(0..200) {
        let mut history = legal_from_start(Shape { unknown_per_mille: 0, watchers: 0, ..shape });
        let Some(Response::Range(first)) = &mut history.records[0].response else { continue };
        let Some(lost) = first.kvs.pop() else { continue };
        first.count -= 1;
        let seen = history.records.iter().skip(1).any(|record| {
            matches!(&record.response, Some(Response::Range(range))
                if range.kvs.contains(&lost))
        });
        if seen {
            assert_eq!(verdict(&history).name(), "broken", "{shape:?}");
            broken += 1;
        }
    }
    assert!(broken > 20, "{broken}");
}

#[test]
fn initial_store_without_its_first_record_is_refused() {
    let history = legal_from_start(Shape { before: 20, ..Shape::default() });
    let mut other = history.clone();
    other.origin.start_revision = Some(3);
    assert!(assumptions(&other).expect_err("another revision").to_string().contains("answered at"));
    let mut without = history.clone();
    without.records.remove(0);
    assert!(assumptions(&without).is_err());
    let mut late = history;
    late.records[0].return_ns = Some(1_000);
    assert!(assumptions(&late).expect_err("not alone").to_string().contains("was called before"));
}

/// Said to be fresh, a store is judged as one.
#[test]
fn recorded_fresh_store() {
    for shape in shapes(0..60) {
        let fresh = Shape { before: 0, ..shape };
        let mut history = legal(fresh);
        history.origin.start_revision = Some(1);
        assert_eq!(verdict(&history), Verdict::Legal, "{fresh:?}");
        let before = shape.before + 20;
        let mut history = legal(Shape { before, unknown_per_mille: 0, ..shape });
        history.origin.start_revision = Some(1);
        let Verdict::Broken(violation) = verdict(&history) else { panic!("{shape:?}") };
        assert_eq!(violation.checker, "linearizability", "{shape:?}");
    }
}

/// Without a word of what the store held, its answers must do: nothing legal is called broken, and
/// nearly all of it is seen to be legal.
#[test]
fn inferred_initial_store() {
    let mut legal_ones = 0;
    let mut count = 0;
    for shape in shapes(0..600) {
        let history = legal(Shape { before: 60 + shape.before, ..shape });
        let said = verdict(&history);
        assert!(!matches!(said, Verdict::Broken(_)), "{shape:?}: {said:?}");
        legal_ones += u32::from(said == Verdict::Legal);
        count += 1;
    }
    println!("{legal_ones} of {count} legal");
    assert!(legal_ones * 10 >= count * 7, "{legal_ones} of {count}");
}

/// What is broken whatever the store held is still found.
#[test]
fn broken_history_with_an_inferred_initial_store() {
    let (mut broken, mut found) = (0, 0);
    for shape in shapes(0..600) {
        let mut dice = Dice::new(shape.seed);
        let mut given = legal_from_start(Shape { before: 60 + shape.before, ..shape });
        let first = given.records.remove(0);
        damage(&mut given, &mut dice);
        let mut alone = given.clone();
        given.records.insert(0, first);
        alone.origin.start_revision = None;
        if assumptions(&given).is_err() {
            continue;
        }
        let (given, alone) = (verdict(&given), verdict(&alone));
        match (given.name(), alone.name()) {
            ("legal", "broken") => panic!("{shape:?}: {alone:?}"),
            ("broken", said) => {
                broken += 1;
                found += u32::from(said == "broken");
                // A store that held something else may make it right.
            }
            _ => {}
        }
    }
    println!("{found} of {broken} found");
    assert!(found * 5 > broken * 2, "{found} of {broken}");
}

//! Legal histories are legal, whatever was asked in them and however many outcomes are unknown.

use crate::world::{Shape, legal};
use mettle_checker::{Options, Verdict, check};

fn must_be_legal(shape: Shape) {
    let history = legal(shape);
    let report = check(&history, &Options::default());
    if report.verdict != Verdict::Legal {
        let bytes = history.write_to(Vec::new()).expect("memory");
        let path = std::env::temp_dir().join(format!("mettle-judge-{}.ndjson", shape.seed));
        std::fs::write(&path, bytes).expect("the temporary folder");
        panic!("{shape:?}: {:?}\nhistory in {}", report.verdict, path.display());
    }
}

#[test]
fn without_unknown_outcomes() {
    for seed in 0..300 {
        let shape =
            Shape { seed, unknown_per_mille: 0, watchers: 3, quiet: true, ..Shape::default() };
        must_be_legal(shape);
    }
}

#[test]
fn unknown_outcomes_with_watchers() {
    for seed in 0..300 {
        let shape = Shape { seed, unknown_per_mille: 150, watchers: 3, ..Shape::default() };
        must_be_legal(shape);
    }
}

#[test]
fn unknown_outcomes_without_watchers() {
    for seed in 0..300 {
        let shape = Shape { seed, unknown_per_mille: 150, watchers: 0, ..Shape::default() };
        must_be_legal(shape);
        must_be_legal(Shape { simple: true, ..shape });
        must_be_legal(Shape { unique: false, ..shape });
    }
}

#[test]
fn with_most_outcomes_unknown() {
    for seed in 0..200 {
        let shape = Shape { seed, unknown_per_mille: 400, watchers: 0, ..Shape::default() };
        must_be_legal(shape);
        must_be_legal(Shape { simple: true, ..shape });
        must_be_legal(Shape { watchers: 2, ..shape });
        must_be_legal(Shape { watchers: 2, quiet: true, ..shape });
    }
}

#[test]
fn long_histories() {
    for seed in 0..6 {
        let shape = Shape {
            seed,
            processes: 20,
            operations: 3_000,
            keys: 30,
            unknown_per_mille: 20,
            watchers: 3,
            ..Shape::default()
        };
        must_be_legal(shape);
        must_be_legal(Shape { watchers: 0, ..shape });
        must_be_legal(Shape { watchers: 0, simple: true, ..shape });
    }
}

/// Placing unknown writes is a search that leaves out what cannot matter: here it must not leave
/// out the way there was.
#[test]
fn requests_of_every_kind() {
    for seed in 0..600 {
        let mut dice = crate::world::Dice::new(seed ^ 0x77);
        must_be_legal(Shape {
            seed,
            processes: 3 + dice.below(8),
            operations: 30 + dice.below(300),
            keys: 1 + dice.below(12),
            unknown_per_mille: [20, 100, 200, 350][dice.below(4) as usize],
            watchers: u64::from(dice.chance(20)),
            unique: dice.chance(60),
            simple: dice.chance(40),
            compaction: dice.chance(20),
            keeps: dice.chance(40),
            ..Shape::default()
        });
    }
}

/// Built with overflow checks, the judge meets numbers at the ends of their range.
#[test]
fn extreme_numbers_do_not_panic() {
    use mettle_checker::history::{Request, Response};
    for seed in 0..300 {
        let mut dice = crate::world::Dice::new(seed);
        let mut history = legal(Shape { seed, watchers: 2, ..Shape::default() });
        for _ in 0..3 {
            let extreme = [i64::MAX, i64::MIN, -1, i64::MAX - 1][dice.below(4) as usize];
            let place = dice.below(history.records.len() as u64) as usize;
            let record = &mut history.records[place];
            match (&mut record.request, &mut record.response) {
                (Request::Compact(compact), _) => compact.revision = extreme,
                (Request::WatchCreate(watch), _) => watch.start_revision = extreme,
                (_, Some(Response::Put(answer))) => {
                    answer.header.iter_mut().for_each(|header| header.revision = extreme);
                }
                (_, Some(Response::Watch(answer))) if dice.chance(50) => {
                    answer.header.revision = extreme;
                }
                (_, Some(Response::Watch(answer))) => {
                    answer.events.iter_mut().for_each(|event| event.kv.mod_revision = extreme);
                }
                (Request::Range(request), _) if dice.chance(30) => request.revision = extreme,
                (Request::Range(request), _) if dice.chance(30) => request.limit = extreme,
                (_, Some(Response::Range(answer))) => answer.kvs.iter_mut().for_each(|kv| {
                    kv.version = extreme;
                    kv.create_revision = extreme;
                    kv.mod_revision = extreme;
                }),
                _ => {}
            }
        }
        let _ = check(&history, &Options::default());
    }
}

/// A transaction may change a key twice: recorded with etcd 3.4.23. Once more is once too often.
#[test]
fn a_key_may_change_twice_in_a_revision() {
    use mettle_checker::history::{Limits, Reader, Response};
    let text = include_bytes!("key_changed_twice_in_a_revision.ndjson");
    let mut reader = Reader::new("twice".to_owned(), &text[..], Limits::default()).expect("opens");
    let records: Result<Vec<_>, _> = (&mut reader).collect();
    let mut history = mettle_checker::history::History {
        origin: reader.origin().clone(),
        records: records.expect("reads"),
    };
    assert_eq!(check(&history, &Options::default()).verdict, Verdict::Legal);
    let told = history.records.last_mut().and_then(|record| record.response.as_mut());
    let Some(Response::Watch(told)) = told else { panic!("a response") };
    let again = told.events[1].clone();
    told.events.insert(3, again);
    match check(&history, &Options::default()).verdict {
        Verdict::Broken(violation) => assert_eq!(violation.checker, "watch.unique"),
        other => panic!("{other:?}"),
    }
}

/// A transaction may delete every key and put one again: an unknown write of that key may
/// stand right before it, though the key was created after the unknown write.
#[test]
fn unknown_write_may_precede_the_txn_that_overwrites_it() {
    let text = r#"{"version":1,"start_revision":1}
{"id":1,"process":1,"op":"put","call_ns":1,"outcome":"unknown","request":{"key":"a","value":"1"}}
{"id":2,"process":2,"op":"txn","call_ns":5,"return_ns":6,"outcome":"ok","request":{"success":[{"request_delete_range":{"key":"a","range_end":"\u0000"}},{"request_put":{"key":"a","value":"2"}}]},"response":{"header":{"revision":3},"succeeded":true,"responses":[{"response_delete_range":{"deleted":1}},{"response_put":{}}]}}
{"id":3,"process":2,"op":"range","call_ns":7,"return_ns":8,"outcome":"ok","request":{"key":"a"},"response":{"header":{"revision":3},"count":1,"kvs":[{"key":"a","value":"2","create_revision":3,"mod_revision":3,"version":1}]}}
"#;
    let limits = mettle_checker::history::Limits::default();
    let reader = mettle_checker::history::Reader::new("it".to_owned(), text.as_bytes(), limits);
    let mut reader = reader.expect("a history");
    let origin = reader.origin().clone();
    let records = (&mut reader).map(|record| record.expect("a record")).collect();
    let history = mettle_checker::history::History { origin, records };
    assert_eq!(check(&history, &Options::default()).verdict, Verdict::Legal);
}

#[test]
fn histories_with_leases() {
    for seed in 0..300 {
        for unknown_per_mille in [0, 150] {
            let shape = Shape { seed, unknown_per_mille, leases: 6, ..Shape::default() };
            must_be_legal(Shape { watchers: 2, quiet: true, ..shape });
            must_be_legal(Shape { watchers: 0, ..shape });
        }
    }
}

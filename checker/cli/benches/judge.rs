//! How long a judgement takes: `cargo bench -p mettle-check --bench judge`.

mod shapes;
#[path = "../tests/it/string_histories.rs"]
mod string_histories;
#[path = "../../tests/it/world/mod.rs"]
mod world;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use mettle_check::judge;
use mettle_checker::{Options, Verdict, check};
use mettle_search::register::Register;
use mettle_search::{Limits, search};
use shapes::{REGISTERS, few_values, key_spaces, recorded, register, strings};
use world::legal;

fn revision_order(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("revision order");
    group.sample_size(10);
    for (name, shape) in key_spaces() {
        let history = legal(shape);
        let report = check(&history, &Options::default());
        assert_eq!(report.verdict, Verdict::Legal);
        group.bench_function(name, |bencher| {
            bencher.iter(|| check(black_box(&history), &Options::default()));
        });
    }
    group.finish();
}

fn general(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("general search");
    group.sample_size(10);
    let unique = REGISTERS.map(|(processes, operations)| {
        let name = format!("register, {operations} ops, {processes} processes");
        (name, register(processes, operations))
    });
    for (name, calls) in unique.into_iter().chain(few_values()) {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || (),
                |()| search(&Register::default(), black_box(&calls), &Limits::default()),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn imported(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("formats of others");
    group.sample_size(10);
    let strings = strings().into_iter().map(|(name, input)| (name, vec![input]));
    for (name, inputs) in strings.chain(recorded()) {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                inputs.iter().map(|input| judge(input, &Options::default())).collect::<Vec<_>>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, revision_order, general, imported);
criterion_main!(benches);

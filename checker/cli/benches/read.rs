//! How long reading a history takes, as lines and in the compact form:
//! `cargo bench -p mettle-check --bench read`.

#[path = "../../tests/it/world/mod.rs"]
mod world;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mettle_checker::history::{Limits, read_stream};
use world::{Shape, legal};

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reading 100k ops, 20 processes, 2 % unknown");
    group.sample_size(10);
    for watchers in [0, 1] {
        let history = legal(Shape {
            seed: 7,
            processes: 20,
            operations: 100_000,
            keys: 1_010,
            unknown_per_mille: 20,
            watchers,
            simple: true,
            ..Shape::default()
        });
        let forms = [
            ("lines", history.write_to(Vec::new()).expect("memory")),
            ("binary", history.write_binary_to(Vec::new()).expect("memory")),
        ];
        for (form, bytes) in &forms {
            let name = format!("{form}, {watchers} watcher, {} bytes", bytes.len());
            group.throughput(Throughput::Bytes(bytes.len() as u64));
            group.bench_function(name, |bencher| {
                bencher.iter_with_large_drop(|| {
                    let stream = black_box(&bytes[..]);
                    read_stream(String::new(), stream, Limits::default()).expect("a history")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);

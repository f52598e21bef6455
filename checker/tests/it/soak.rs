//! The long tests: judgements of the modules beside this one, repeated over many seeds.
//!
//! `cargo test` runs three seeds of each item, so each item is known to start and to end.
//! `cargo ci soak [ITEM] [--seeds A..B]` runs all seeds of the items. It sets `METTLE_SOAK` to an
//! item's name or to `all`, and `METTLE_SOAK_SEEDS` to the seeds.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{available_parallelism, scope};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::{ambiguous_writes, brute_force_leases, brute_force_order, follow};

/// How many seeds were judged in which way.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

/// A judgement that is repeated with many seeds.
struct Item {
    name: &'static str,
    seeds: Range<u64>,
    /// Panics where two judges differ; says what both found otherwise.
    judge: fn(u64) -> &'static str,
}

const ITEMS: [Item; 6] = [
    Item {
        name: "brute-force-order",
        seeds: 0..1_000_000,
        judge: |seed| {
            brute_force_order::agree(seed);
            "agreed"
        },
    },
    Item {
        name: "brute-force-leases",
        seeds: 0..1_000_000,
        judge: |seed| match brute_force_leases::agree(seed) {
            None => "not judged",
            Some(false) => "agreed",
            Some(true) => "legal to the judge alone",
        },
    },
    Item { name: "follow", seeds: 1_000..20_000, judge: follow::damaged },
    Item { name: "follow-leases", seeds: 1_000..50_000, judge: follow::leases },
    Item { name: "follow-lost-writes", seeds: 1_000..20_000, judge: follow::lost_writes },
    Item { name: "ambiguous-writes", seeds: 1_000..20_000, judge: ambiguous_writes::same },
];

/// So many seeds that fail end an item.
const FAILURES_MAX: usize = 10;

/// Judges every seed and counts what was found.
pub(crate) fn tally(seeds: impl IntoIterator<Item = u64>, judge: fn(u64) -> &'static str) -> Tally {
    let mut tally = Tally::new();
    for seed in seeds {
        *tally.entry(judge(seed)).or_default() += 1;
    }
    tally
}

/// How many were found to be so.
pub(crate) fn count(tally: &Tally, found: &str) -> u64 {
    tally.get(found).copied().unwrap_or(0)
}

/// The seeds that fail, at most ten or a few more, and what was found with the others.
fn run(item: &Item, seeds: Range<u64>) -> (Vec<u64>, Tally) {
    let bar = ProgressBar::new(seeds.end.saturating_sub(seeds.start)).with_message(item.name);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} seeds, {eta} left");
    bar.set_style(style.expect("a template"));
    let next = AtomicU64::new(seeds.start);
    let found = Mutex::new((Vec::new(), Tally::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let judged = catch_unwind(|| (item.judge)(seed));
            let mut found = found.lock().expect("no judge runs under the lock");
            match judged {
                Ok(what) => *found.1.entry(what).or_default() += 1,
                Err(_) => found.0.push(seed),
            }
            if found.0.len() >= FAILURES_MAX {
                return;
            }
            bar.inc(1);
        }
    };
    scope(|threads| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            threads.spawn(work);
        }
    });
    bar.finish_and_clear();
    let (mut failed, tally) = found.into_inner().expect("every worker ended");
    failed.sort_unstable();
    (failed, tally)
}

/// `A..B` as a range.
fn range(text: &str) -> Option<Range<u64>> {
    let (from, to) = text.split_once("..")?;
    Some(from.parse().ok()?..to.parse().ok()?)
}

#[allow(clippy::print_stderr, reason = "people wait for what each item says")]
#[allow(clippy::disallowed_methods, reason = "how long an item took; nothing is simulated")]
#[test]
fn every_item_agrees() {
    let wanted = std::env::var("METTLE_SOAK").ok();
    let seeds = std::env::var("METTLE_SOAK_SEEDS").ok().map(|text| {
        range(&text).unwrap_or_else(|| panic!("seeds `{text}`: write them as 1000..2000"))
    });
    let names: Vec<&str> = ITEMS.iter().map(|item| item.name).collect();
    let all = ["all"];
    if let Some(name) = &wanted {
        let known = names.iter().chain(&all).any(|known| known == name);
        assert!(known, "no item `{name}`: there are {}", names.join(", "));
    }
    let mut failures = Vec::new();
    for item in &ITEMS {
        if wanted.as_deref().is_some_and(|name| name != "all" && name != item.name) {
            continue;
        }
        let few = item.seeds.start..item.seeds.start + 3;
        let usual = if wanted.is_some() { item.seeds.clone() } else { few };
        let seeds = seeds.clone().unwrap_or(usual);
        let began = Instant::now();
        let (failed, tally) = run(item, seeds.clone());
        let result = if failed.is_empty() { "ok" } else { "FAILED" };
        let took = began.elapsed().as_secs_f64();
        eprintln!("soak {} {result}: seeds {seeds:?} in {took:.1} s, {tally:?}", item.name);
        if !failed.is_empty() {
            failures.push(format!("{}: seeds {failed:?}", item.name));
        }
    }
    assert!(failures.is_empty(), "judges differ: {}", failures.join("; "));
}
